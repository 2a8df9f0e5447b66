/* Clones into new namespaces, with every flag, its high bits, and the launcher's own words.
 * judge: family=namespaces invariants=I-25,I-24 causes=K,L,O
 */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "report.h"

static void
attempt(const char *name, unsigned long flags)
{
	errno = 0;
	long r = syscall(SYS_clone, flags, 0, 0, 0, 0);
	if (r == 0)
		_exit(0);
	report(r == -1, name, "%#lx made process %ld", flags, r);
}

int
main(void)
{
	static const unsigned long kinds[] = { 0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000, 0x80 };

	for (int i = 0; i < 8; i++) {
		attempt("plain", kinds[i] | SIGCHLD);
		attempt("high", 0xffffffff00000000ul | kinds[i] | SIGCHLD);
		attempt("user", kinds[i] | 0x10000000 | SIGCHLD);
		attempt("vfork", kinds[i] | 0x4000 | SIGCHLD);
	}
	attempt("all", 0x7e020080 | SIGCHLD);
	attempt("launcher-init", 0x20001711);
	attempt("launcher-program", 0x04004111);
	attempt("launcher-init-high", 0x1234500000000ul | 0x20001711);
	struct { unsigned long flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup; } a = { .flags = 0x10000000, .exit_signal = SIGCHLD };
	for (unsigned size = 64; size <= 88; size += 8) {
		refused("clone3", syscall(435, &a, size));
		report(errno == ENOSYS, "clone3-errno", "%d, libraries would not fall back", errno);
	}
	a = (typeof(a)){ .flags = 0x200000000ul, .exit_signal = SIGCHLD, .cgroup = 0 };
	refused("clone-into-cgroup", syscall(435, &a, sizeof(a)));
	return done();
}
