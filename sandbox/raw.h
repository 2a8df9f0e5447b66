/*
 * raw - system calls without libc, for code that runs between clone(CLONE_VM) and exec.
 *
 * Such a child shares the launcher's memory, thread-local storage included: libc's
 * wrappers would write the launcher's errno while it uses it.  These return -errno.
 */
#ifndef SANDBOX_RAW_H
#define SANDBOX_RAW_H

#include <sys/syscall.h>

#if !defined(__x86_64__)
#error "judgebox judges on x86-64: raw.h, the filters and BADARCH know no other"
#endif

static inline long
raw6(long nr, long a, long b, long c, long d, long f, long g)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = f;
	register long r9 __asm__("r9") = g;
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}

#define raw_call(nr, a, b, c, d, f)                                                      \
	raw6((nr), (long)(a), (long)(b), (long)(c), (long)(d), (long)(f), 0)

#endif
