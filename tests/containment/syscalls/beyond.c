/* Numbers that are no calls: above the table, negative, huge, with 64-bit upper halves.
 * judge: family=syscalls invariants=I-25,I-32 causes=K,L
 */
#define _GNU_SOURCE
#include <unistd.h>

#include "report.h"

static long
raw(unsigned long nr)
{
	long r;

	__asm__ volatile("syscall" : "=a"(r) : "a"(nr), "D"(0), "S"(0), "d"(0) : "rcx", "r11", "memory");
	return r;
}

int
main(void)
{
	for (unsigned long nr = 470; nr < 70000; nr++)
		if (raw(nr) >= 0)
			report(0, "call", "%lu was made", nr);
	for (unsigned shift = 17; shift < 30; shift++)
		report(raw(1ul << shift) < 0, "bit", "%u", shift);
	/* the kernel looks at 32 bits of rax: a number in the lower half is that call */
	report(raw(0x100000000ul | 39) == getpid() || raw(0x100000000ul | 39) < 0, "upper", "is another call");
	report(raw(0x100000000ul | 41) < 0, "upper-socket", "passed");
	report(raw(0xdead000000000000ul | 157) < 0, "upper-prctl", "passed");
	return done();
}
