/* The door to calls of the x32 kind: none ever answers.
 * judge: family=syscalls invariants=I-25,I-32 verdicts=security_violation done=no
 * judge: test=getpid test=ptrace test=exit
 * judge: test="nr 0" test="nr 59" test="nr 520" test="nr 544" test="nr 547" test="nr 1023"
 */
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <unistd.h>

#include "report.h"

#define X32 0x40000000

int
main(int argc, char **argv)
{
	const char *m = argc > 1 ? argv[1] : "";
	long r = 0;

	if (strcmp(m, "getpid") == 0)
		r = syscall(X32 | SYS_getpid);
	else if (strcmp(m, "ptrace") == 0)
		r = syscall(X32 | 521, 0, 0, 0, 0);
	else if (strcmp(m, "exit") == 0)
		r = syscall(X32 | SYS_exit_group, 42);
	else if (strcmp(m, "nr") == 0)
		r = syscall(X32 | atol(argv[2]), 0, 0, 0, 0);
	report(0, m, "returned %ld", r);
	return done();
}
