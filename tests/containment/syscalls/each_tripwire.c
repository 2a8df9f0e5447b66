/* Makes one call that no honest program makes and nothing else: each alone is reported.
 * judge: family=syscalls invariants=I-25,I-32 verdicts=security_violation each=@trips
 */
#define _GNU_SOURCE
#include <unistd.h>

#include "report.h"

int
main(int argc, char **argv)
{
	static char buf[65536];
	long nr = argc > 1 ? atol(argv[1]) : -1, b = (long)buf;

	report(syscall(nr, b, b, b, b, b, b) == -1 && errno == EPERM, "trip", "%ld: errno %d", nr, errno);
	return done();
}
