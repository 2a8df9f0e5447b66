/* Makes every call that no honest program makes: each fails, and the first is named.
 * judge: family=syscalls invariants=I-25,I-32 verdicts=security_violation input="@trips\n"
 */
#define _GNU_SOURCE
#include <unistd.h>

#include "report.h"

int
main(void)
{
	static char buf[65536];
	long nr, n = 0, b = (long)buf;

	while (scanf("%ld", &nr) == 1 && ++n < 60)
		report(syscall(nr, b, b, b, b, b, b) == -1 && errno == EPERM, "trip", "%ld: errno %d", nr, errno);
	report(n > 20, "wires", "only %ld", n);
	return done();
}
