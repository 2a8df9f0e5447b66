/* The old vsyscall page: no way around the filter, and nothing to read there.
 * judge: family=syscalls invariants=I-25,I-27 verdicts=ok
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include "report.h"

static sigjmp_buf back;

static void
on_fault(int sig)
{
	(void)sig;
	siglongjmp(back, 1);
}

int
main(void)
{
	signal(SIGSEGV, on_fault);
	signal(SIGSYS, on_fault);
	for (unsigned long at = 0xffffffffff600000ul; at < 0xffffffffff601000ul; at += 64) {
		if (sigsetjmp(back, 1) == 0) {
			volatile unsigned long v = *(volatile unsigned long *)at;
			report(0, "read", "%#lx holds %#lx", at, v);
		}
	}
	for (int i = 0; i < 3; i++) {
		struct timeval tv[4] = { { 0, 0 } };
		if (sigsetjmp(back, 1) == 0)
			((long (*)(void *, void *))(0xffffffffff600000ul + (unsigned long)i * 1024))(tv, NULL);
	}
	report(1, "calls", "");
	return done();
}
