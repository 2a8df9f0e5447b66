/* Stops itself and all others, so that nobody is left to end: the clock does it.
 * judge: family=signals invariants=I-04,I-10,I-29 verdicts=time_limit done=no limits=cpuMs:1000,wallMs:1500 test=self test=all test=tree
 */
#define _GNU_SOURCE
#include <signal.h>
#include <unistd.h>

#include "report.h"

int
main(int argc, char **argv)
{
	(void)argc;
	if (strcmp(argv[1], "tree") == 0)
		for (int i = 0; i < 5; i++)
			if (fork() == 0)
				raise(SIGSTOP);
	if (strcmp(argv[1], "all") == 0)
		kill(-1, SIGSTOP);
	raise(SIGSTOP);
	report(0, "stop", "was continued");
	return done();
}
