/* Changes its root: chroot into a prepared tree and out again, pivot_root.
 * judge: family=mounts invariants=I-26,I-25 causes=A verdicts=security_violation require=chroot
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "report.h"

int
main(void)
{
	int out = open("/", O_RDONLY);

	mkdir("/work/root", 0755);
	mkdir("/work/root/old", 0755);
	refused("chroot", chroot("/work/root"));
	refused("chroot-dot", chroot("."));
	refused("chroot-usr", chroot("/usr"));
	fchdir(out);
	for (int i = 0; i < 20; i++)
		chdir("..");
	refused("chroot-out", chroot("."));
	refused("pivot_root", syscall(SYS_pivot_root, "/work/root", "/work/root/old"));
	refused("pivot_root-dot", syscall(SYS_pivot_root, ".", "."));
	refused("shadow", open("etc/shadow", O_RDONLY));
	return done();
}
