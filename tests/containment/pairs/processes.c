/* Two at a time: one fills its process numbers, the other looks for, signals and counts it.
 * judge: family=pairs invariants=I-36,I-37 pair=beside limits=wallMs:8000,cpuMs:5000
 */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "report.h"

static volatile sig_atomic_t got;

static void
on_signal(int sig)
{
	got = sig;
}

int
main(int argc, char **argv)
{
	long began = clock_ms(), most = 0;
	int a = argc > 1 && argv[1][0] == 'a';

	for (int i = 1; i < 32; i++)
		if (i != SIGCHLD)
			signal(i, on_signal);
	while (clock_ms() < began + 800) {
		if (a) {
			pid_t kids[10];
			for (int i = 0; i < 10; i++)
				if ((kids[i] = fork()) == 0) {
					usleep(20000);
					_exit(0);
				}
			while (wait(NULL) > 0)
				;
		} else {
			for (pid_t p = 3; p < 2000; p++)
				if (kill(p, SIGUSR1) == 0 || getpgid(p) >= 0 || getpriority(PRIO_PROCESS, (unsigned)p) != -1)
					report(0, "process", "%d is there", p);
			pid_t p = fork(); /* numbers are the box's own: they go up by one */
			if (p == 0)
				_exit(0);
			waitpid(p, NULL, 0);
			if (most != 0 && p != most + 1)
				report(0, "number", "%d after %ld", p, most);
			most = p;
		}
	}
	report(got == 0, "signal", "%d came", (int)got);
	span(began);
	return done();
}
