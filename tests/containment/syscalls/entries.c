/* The other doors into the kernel, int 0x80 and x32: none ever answers.
 * judge: family=syscalls invariants=I-25,I-32 verdicts=security_violation done=no
 * judge: test=i386 test=i386-socketcall test=i386-exit test=i386-negative test=x32 test=x32-ptrace test=x32-exit
 * judge: test="i386-nr 1" test="i386-nr 5" test="i386-nr 11" test="i386-nr 26" test="i386-nr 102" test="i386-nr 120" test="i386-nr 359"
 * judge: test="x32-nr 0" test="x32-nr 59" test="x32-nr 520" test="x32-nr 544" test="x32-nr 547" test="x32-nr 1023"
 */
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <unistd.h>

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

	if (strcmp(m, "i386") == 0)
		r = int80(20 /* getpid */, 0, 0, 0);
	else if (strcmp(m, "i386-socketcall") == 0)
		r = int80(102, 1, 0, 0);
	else if (strcmp(m, "i386-exit") == 0)
		r = int80(1, 42, 0, 0);
	else if (strcmp(m, "i386-negative") == 0)
		r = int80((long)0xffffffff, 0, 0, 0);
	else if (strcmp(m, "x32") == 0)
		r = syscall(0x40000000 | SYS_getpid);
	else if (strcmp(m, "x32-ptrace") == 0)
		r = syscall(0x40000000 | 521, 0, 0, 0, 0);
	else if (strcmp(m, "x32-exit") == 0)
		r = syscall(0x40000000 | SYS_exit_group, 42);
	else if (strcmp(m, "i386-nr") == 0)
		r = int80(atol(argv[2]), 0, 0, 0);
	else if (strcmp(m, "x32-nr") == 0)
		r = syscall(0x40000000 | atol(argv[2]), 0, 0, 0, 0);
	report(0, m, "returned %ld", r);
	return done();
}
