/* Mounts whatever there is with the old calls: tmpfs, proc, binds, remounts, moves, overlays.
 * judge: family=mounts invariants=I-26,I-25 causes=A,L verdicts=security_violation require=mount
 */
#define _GNU_SOURCE
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "report.h"

int
main(void)
{
	static const char *const types[] = { "tmpfs", "proc", "sysfs", "devpts", "devtmpfs", "cgroup", "cgroup2", "overlay", "mqueue", "debugfs",
		"securityfs", "bpf", "fuse", "ext4", "squashfs", "ramfs", "hugetlbfs", "binfmt_misc", "nfs", "9p", "configfs", "tracefs" };

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		refused(types[i], mount("none", "/work", types[i], 0, ""));
	refused("bind", mount("/usr", "/work", NULL, MS_BIND, NULL));
	refused("rbind", mount("/", "/work", NULL, MS_BIND | MS_REC, NULL));
	refused("remount", mount(NULL, "/", NULL, MS_REMOUNT, NULL));
	refused("remount-bind", mount(NULL, "/usr", NULL, MS_REMOUNT | MS_BIND, NULL));
	refused("remount-exec", mount(NULL, "/work", NULL, MS_REMOUNT | MS_BIND, NULL));
	refused("move", mount("/dev", "/work", NULL, MS_MOVE, NULL));
	refused("shared", mount(NULL, "/", NULL, MS_SHARED | MS_REC, NULL));
	static const char *const points[] = { "/", "/usr", "/work", "/dev/null", "/etc/alternatives", "/usr/local" };
	for (int i = 0; i < 6; i++)
		for (int flags = 0; flags < 16; flags += 2)
			refused("umount", umount2(points[i], flags));
	return done();
}
