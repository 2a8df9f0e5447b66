/* What watches or changes other programs: bpf, perf, userfaultfd, ptrace, process_vm, kcmp.
 * judge: family=kernel invariants=I-25,I-36 causes=L verdicts=security_violation
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "report.h"

int
main(void)
{
	static char attr[256], buf[64];
	struct iovec l = { buf, 8 }, r = { (void *)0x400000, 8 };
	pid_t kid = fork();

	if (kid == 0) {
		pause();
		_exit(0);
	}
	for (int cmd = 0; cmd < 12; cmd++)
		refused("bpf", syscall(SYS_bpf, cmd, attr, sizeof(attr)));
	refused("perf", syscall(SYS_perf_event_open, attr, 0, -1, -1, 0));
	refused("userfaultfd", syscall(SYS_userfaultfd, 1));
	for (pid_t p = 1; p <= 3; p++) {
		refused("attach", ptrace(PTRACE_ATTACH, p, 0, 0));
		refused("seize", ptrace(PTRACE_SEIZE, p, 0, 0));
		refused("readv", process_vm_readv(p, &l, 1, &r, 1, 0));
		refused("writev", process_vm_writev(p, &l, 1, &r, 1, 0));
		refused("kcmp", syscall(SYS_kcmp, p, getpid(), 0, 0, 0));
		refused("pidfd", syscall(434, p, 0));
		refused("getfd", syscall(438, 3, 0, 0));
		refused("madvise", syscall(440, 3, &l, 1, 4, 0));
	}
	kill(kid, SIGKILL);
	waitpid(kid, NULL, 0);
	return done();
}
