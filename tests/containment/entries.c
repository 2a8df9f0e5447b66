/* The other doors into the kernel: entries i386|x32|x32-high|vsyscall. */
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
	report(r < 0, m, "returned %ld", r);
	return done();
}
