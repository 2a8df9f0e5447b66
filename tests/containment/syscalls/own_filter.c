/* Loads filters of its own: one could answer its neighbours' calls, or forge SIGSYS.
 * judge: family=syscalls invariants=I-24,I-25
 */
#define _GNU_SOURCE
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "report.h"

int
main(void)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog p = { 1, &allow };
	unsigned action = SECCOMP_RET_USER_NOTIF, sizes[4];

	for (unsigned flags = 0; flags < 64; flags++)
		refused("seccomp", syscall(SYS_seccomp, 1, flags, &p));
	refused("strict", syscall(SYS_seccomp, 0, 0, NULL));
	refused("action-avail", syscall(SYS_seccomp, 2, 0, &action));
	refused("notif-sizes", syscall(SYS_seccomp, 3, 0, sizes));
	refused("prctl", prctl(PR_SET_SECCOMP, 2, &p));
	refused("prctl-strict", prctl(PR_SET_SECCOMP, 1));
	for (int fd = 0; fd < 300; fd++)
		if (syscall(SYS_ioctl, fd, 0xc0502100, sizes) != -1 || syscall(SYS_ioctl, fd, 0xc0182101, sizes) != -1)
			report(0, "listener", "descriptor %d listens", fd);
	return done();
}
