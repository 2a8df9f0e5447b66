/* Kills itself by the signals that limits use: no limit was reached.
 * judge: family=output invariants=I-32 verdicts=runtime_error done=no test=9 test=24 test=25 test=15 test=6
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
	kill(getpid(), atoi(argv[argc - 1]));
	pause();
	return 0;
}
