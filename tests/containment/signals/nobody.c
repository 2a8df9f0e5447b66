/* Nobody to signal but oneself.
 * judge: family=signals invariants=I-36,I-25 slice=no
 */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "report.h"

int
main(void)
{
	pid_t me = getpid();
	siginfo_t si = { .si_code = SI_QUEUE };

	signal(SIGTERM, SIG_IGN);
	for (pid_t p = 1; p < 70000; p++)
		if (p != me && p != 1 && (kill(p, 0) == 0 || errno != ESRCH))
			report(0, "others", "process %d is there", p);
	refused("broadcast", kill(-1, SIGTERM));
	kill(0, SIGTERM);
	kill(-me, SIGTERM);
	kill(1, SIGKILL);
	kill(1, SIGSTOP);
	syscall(SYS_tgkill, 1, 1, SIGKILL);
	syscall(SYS_rt_sigqueueinfo, 1, SIGKILL, &si);
	report(kill(1, 0) == 0 || errno == EPERM, "init", "is gone");
	refused("prlimit-init", syscall(SYS_prlimit64, 1, RLIMIT_CPU, NULL, &(struct rlimit){ 0 }));
	refused("priority", setpriority(PRIO_PROCESS, 0, -5));
	refused("priority-init", setpriority(PRIO_PROCESS, 1, 5));
	refused("fifo", syscall(SYS_sched_setscheduler, 0, 1, &(int){ 1 }));
	refused("ioprio", syscall(SYS_ioprio_set, 1, 0, 1 << 13));
	/* A child of its own is reached, and the broadcast kills nobody else. */
	pid_t child = fork();
	if (child == 0) {
		signal(SIGTERM, SIG_DFL);
		pause();
		_exit(0);
	}
	int st = 0;
	kill(-1, SIGKILL);
	waitpid(child, &st, 0);
	report(WIFSIGNALED(st) && WTERMSIG(st) == SIGKILL, "own-child", "status %x", st);
	return done();
}
