/* Floods the tripwire: after a hundred notices the box is ended.
 * judge: family=syscalls invariants=I-29,I-32 verdicts=security_violation done=no
 */
#include <sys/ptrace.h>

#include "report.h"

int
main(void)
{
	for (long i = 0; i < 1000000; i++)
		ptrace(PTRACE_TRACEME, 0, 0, 0);
	report(0, "flood", "a million notices were answered");
	return done();
}
