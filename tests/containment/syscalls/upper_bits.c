/* Arguments whose upper half makes a 64-bit comparison miss: snapd's CVE-2019-7303.
 * judge: family=syscalls invariants=I-25 causes=K verdicts=security_violation
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "report.h"

int
main(void)
{
	static char buf[4096];
	int fd = open("/usr/bin/env", O_RDONLY);

	for (unsigned long h = 1ul << 32; h != 0; h <<= 1) {
		refused("fcntl-setlk", syscall(SYS_fcntl, fd, h | F_SETLK, buf));
		refused("fcntl-lease", syscall(SYS_fcntl, fd, h | F_SETLEASE, 0));
		refused("ioctl-sti", syscall(SYS_ioctl, 1, h | 0x5412, buf));
		refused("socket-unix", syscall(SYS_socket, h | 1, 1, 0));
		refused("socket-inet", syscall(SYS_socket, h | 2, 1, 0));
		refused("clone-user", syscall(SYS_clone, h | 0x10000000 | SIGCHLD, 0, 0, 0, 0));
		refused("prctl-dumpable", syscall(SYS_prctl, h | 1, SIGKILL, 0, 0, 0));
		refused("arch-prctl", syscall(SYS_arch_prctl, h | 0x1001, buf));
		refused("prlimit", syscall(SYS_prlimit64, h | 1, RLIMIT_CPU, NULL, buf));
		refused("madvise", syscall(SYS_madvise, buf, 4096, h | 100));
	}
	refused("socket-vsock", syscall(SYS_socket, (1ul << 40) | 40, 1, 0));
	return done();
}
