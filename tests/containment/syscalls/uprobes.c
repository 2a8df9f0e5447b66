/* The calls of uprobes, which the kernel takes past every filter: not from here.
 * judge: family=syscalls invariants=I-25 causes=L verdicts=runtime_error,ok done=no test=335 test=336
 */
#define _GNU_SOURCE
#include <unistd.h>

#include "report.h"

int
main(int argc, char **argv)
{
	long r = syscall(atol(argv[argc - 1]), 0, 0, 0);

	report(r == -1, "uprobe", "%s returned %ld", argv[argc - 1], r);
	return done();
}
