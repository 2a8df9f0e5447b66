/* The door to 32-bit calls, int 0x80: none ever answers.
 * judge: family=syscalls invariants=I-25,I-32 verdicts=security_violation done=no needs=i386
 * judge: test=getpid test=socketcall test=exit test=negative
 * judge: test="nr 1" test="nr 5" test="nr 11" test="nr 26" test="nr 102" test="nr 120" test="nr 359"
 */
#include "report.h"

static long
int80(long nr, long a, long b, long c)
{
	long r;

	__asm__ volatile("int $0x80" : "=a"(r) : "a"(nr), "b"(a), "c"(b), "d"(c) : "memory", "r8", "r9", "r10", "r11");
	return r;
}

int
main(int argc, char **argv)
{
	const char *m = argc > 1 ? argv[1] : "";
	long r = 0;

	if (strcmp(m, "getpid") == 0)
		r = int80(20, 0, 0, 0);
	else if (strcmp(m, "socketcall") == 0)
		r = int80(102, 1, 0, 0);
	else if (strcmp(m, "exit") == 0)
		r = int80(1, 42, 0, 0);
	else if (strcmp(m, "negative") == 0)
		r = int80((long)0xffffffff, 0, 0, 0);
	else if (strcmp(m, "nr") == 0)
		r = int80(atol(argv[2]), 0, 0, 0);
	report(0, m, "returned %ld", r);
	return done();
}
