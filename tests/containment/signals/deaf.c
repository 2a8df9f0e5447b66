/* Ignores and blocks every signal, and leaves deaf descendants of all kinds behind.
 * judge: family=signals slice=no invariants=I-29,I-34 verdicts=ok,time_limit done=no limits=cpuMs:1000,wallMs:2000 test=leave test=stay
 */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include "report.h"

static void
again(int sig)
{
	(void)sig;
	if (fork() == 0)
		setsid();
}

int
main(int argc, char **argv)
{
	sigset_t all;

	(void)argc;
	for (int i = 1; i < 65; i++)
		signal(i, i == SIGALRM ? again : SIG_IGN);
	for (int i = 0; i < 10; i++)
		if (fork() == 0) {
			setsid();
			setpgid(0, 0);
			setitimer(ITIMER_REAL, &(struct itimerval){ { 0, 20000 }, { 0, 20000 } }, NULL);
			if (i % 2) {
				sigfillset(&all);
				sigprocmask(SIG_SETMASK, &all, NULL);
			}
			for (;;)
				if (i % 3)
					pause();
		}
	if (strcmp(argv[1], "stay") == 0)
		for (;;)
			;
	return done();
}
