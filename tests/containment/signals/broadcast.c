/* Kills whatever it can see, over and over, from many processes.
 * judge: family=signals invariants=I-36,I-29 verdicts=runtime_error,ok done=no repeat=3
 */
#define _GNU_SOURCE
#include <signal.h>
#include <unistd.h>

#include "report.h"

int
main(void)
{
	for (int i = 0; i < 8; i++)
		if (fork() == 0)
			for (int n = 0; n < 2000; n++) {
				for (int s = 1; s < 65; s++)
					kill(-1, s == SIGKILL && n < 100 ? SIGSTOP : s);
				kill(1, SIGKILL);
				kill(0, SIGKILL);
			}
	for (int n = 0; n < 1000; n++)
		kill(-1, SIGKILL);
	return done();
}
