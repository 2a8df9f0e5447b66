/* Mounts with the new calls, which lists of forbidden ones used to forget.
 * judge: family=mounts invariants=I-26,I-25 causes=L verdicts=security_violation
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "report.h"

int
main(void)
{
	static unsigned long attr[4] = { 0, 1, 0, 0 };
	static char buf[4096];
	int usr = open("/usr", O_PATH);

	refused("open_tree", syscall(428, AT_FDCWD, "/", 1));
	refused("open_tree-empty", syscall(428, usr, "", 0x1001 | 1));
	refused("open_tree_attr", syscall(467, AT_FDCWD, "/", 1, attr, 32));
	refused("move_mount", syscall(429, usr, "", AT_FDCWD, "/work", 4));
	refused("move_mount-set-group", syscall(429, AT_FDCWD, "/usr", AT_FDCWD, "/work", 0x100));
	static const char *const types[] = { "tmpfs", "proc", "overlay", "ext4", "cgroup2" };
	for (int i = 0; i < 5; i++) {
		refused("fsopen", syscall(430, types[i], 0));
		refused("fsopen-cloexec", syscall(430, types[i], 1));
	}
	for (int cmd = 0; cmd < 9; cmd++)
		refused("fsconfig", syscall(431, 3, cmd, "source", "/dev/vda", 0));
	refused("fsmount", syscall(432, 3, 0, 0));
	refused("fspick", syscall(433, AT_FDCWD, "/", 0));
	refused("mount_setattr", syscall(442, AT_FDCWD, "/", 0x8000, attr, 32));
	refused("mount_setattr-work", syscall(442, AT_FDCWD, "/work", 0, attr, 32));
	unsigned long req[4] = { 24, 1, 0, 0 };
	refused("statmount", syscall(457, req, buf, sizeof(buf), 0));
	refused("listmount", syscall(458, req, buf, 10, 0));
	return done();
}
