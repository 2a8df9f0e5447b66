/* Makes every call that no list names, with zeros, high bits, wild pointers and true ones.
 * judge: family=syscalls invariants=I-25 causes=K,L input="@quiet\n" limits=cpuMs:10000,wallMs:20000
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <unistd.h>

#include "report.h"

int
main(void)
{
	static char buf[65536] = "/work";
	long nr, n = 0, b = (long)buf;
	int fd = open("/usr/bin/env", O_RDONLY);
	const long high = (long)0xffffffff00000000ul;
	const long rows[][6] = { { 0, 0, 0, 0, 0, 0 }, { high, high, high, high, high, high }, { -1, -1, -1, -1, -1, -1 },
		{ b, b, b, b, b, b }, { fd, b, 1, 0, 0, 0 }, { 0, b, 4096, b, b, 0 }, { -100, b, 0, b, 32, 0 }, { 1, 1, 1, 1, 1, 1 },
		{ b, 0, 8, b, 0, 0 }, { 2, b, b, 4096, 0, 0 } };

	while (scanf("%ld", &nr) == 1) {
		n++;
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			const long *a = rows[i];
			long r = syscall(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
			if (r != -1)
				report(0, "call", "%ld, row %zu, returned %ld", nr, i, r);
		}
	}
	report(n > 600, "calls", "only %ld", n);
	return done();
}
