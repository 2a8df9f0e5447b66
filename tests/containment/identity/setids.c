/* Becomes somebody else by any call: root, the worker, the neighbour slot, everybody near.
 * judge: family=identity invariants=I-21,I-24,I-37 causes=M
 */
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <unistd.h>

#include "report.h"

int
main(void)
{
	unsigned me = getuid();

	for (unsigned id = 0; id < 70000; id++) {
		if (id == me)
			continue;
		if (syscall(SYS_setresuid, id, id, id) == 0 || syscall(SYS_setresuid, -1, id, -1) == 0 || syscall(SYS_setresgid, id, id, id) == 0)
			report(0, "setres", "became %u", id);
		if (id < 2000 && (syscall(SYS_setuid, id) == 0 || syscall(SYS_setgid, id) == 0 || syscall(SYS_setreuid, id, id) == 0 ||
		    syscall(SYS_setregid, id, id) == 0 || syscall(SYS_setgroups, 1, &id) == 0))
			report(0, "set", "became %u", id);
	}
	for (unsigned long high = 1ul << 32; high != 0; high <<= 1)
		if (syscall(SYS_setresuid, high, high, high) == 0)
			report(0, "high-bits", "became 0 by %#lx", high);
	unsigned r, e, s;
	syscall(SYS_getresuid, &r, &e, &s);
	report(r == me && e == me && s == me && me != 0, "still", "%u %u %u", r, e, s);
	return done();
}
