/* Sends itself SIGSYS and other signals of a filter: that is an error of its own, no violation.
 * judge: family=syscalls invariants=I-32 verdicts=runtime_error done=no test=SYS test=forged test=kill
 */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "report.h"

int
main(int argc, char **argv)
{
	siginfo_t si = { .si_signo = SIGSYS, .si_code = 1 - 0x80 };

	(void)argc;
	if (strcmp(argv[1], "forged") == 0)
		syscall(SYS_rt_sigqueueinfo, getpid(), SIGSYS, &si);
	kill(getpid(), strcmp(argv[1], "kill") == 0 ? SIGKILL : SIGSYS);
	for (;;)
		pause();
}
