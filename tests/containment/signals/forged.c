/* Queues signals that claim to come from the kernel or from root, to itself and to init.
 * judge: family=signals invariants=I-32,I-36
 */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "report.h"

int
main(void)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	for (int sig = 1; sig < 65; sig++)
		for (int code = -7; code < 8; code++) {
			siginfo_t si = { .si_signo = sig, .si_code = code };

			si.si_pid = 0;
			si.si_uid = 0;
			if (syscall(SYS_rt_sigqueueinfo, 1, sig, &si) == 0 && sig == SIGKILL && kill(1, 0) == -1 && errno == ESRCH)
				report(0, "init", "died of signal %d", sig);
			if (code >= 0 && syscall(SYS_rt_sigqueueinfo, getppid(), sig, &si) == 0)
				report(0, "kernel-code", "%d with code %d", sig, code);
			syscall(SYS_rt_tgsigqueueinfo, 1, 1, sig, &si);
		}
	report(getppid() == 1, "ppid", "%d", getppid());
	return done();
}
