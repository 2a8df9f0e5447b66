/* Children that nobody waits for, orphans given to init, and their numbers used up.
 * judge: family=processes invariants=I-33,I-34 limits=cpuMs:15000,wallMs:30000
 */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "report.h"

int
main(void)
{
	long made = 0;

	for (int i = 0; i < 500; i++) {
		pid_t p = fork();
		if (p == 0)
			_exit(0);
		made += p > 0;
	}
	report(made > 0 && made < 500, "zombies", "%ld at a time", made);
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	for (int i = 0; i < 2000; i++) { /* each leaves an orphan for init to reap */
		pid_t p = fork();
		if (p == 0) {
			if (fork() == 0)
				_exit(0);
			_exit(0);
		}
		if (p > 0)
			waitpid(p, NULL, 0);
	}
	pid_t last = fork();
	if (last == 0)
		_exit(0);
	report(last > 0, "after", "no process can be made");
	return done();
}
