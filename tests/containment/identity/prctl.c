/* Tries every prctl there is or may be; none changes who or what it is.
 * judge: family=identity invariants=I-24,I-25 causes=M,L
 */
#define _GNU_SOURCE
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "report.h"

static int
permitted(int op)
{
	static const int ok[] = { 15, 16, 3, 4, 23, 21, 39 };

	for (int i = 0; i < 7; i++)
		if (op == ok[i])
			return 1;
	return 0;
}

int
main(void)
{
	static char buf[4096];

	for (int op = 0; op < 300; op++)
		for (long arg = 0; arg < 5; arg++) {
			if (permitted(op))
				continue;
			if (syscall(SYS_prctl, op, arg, arg, 0, 0) != -1 || syscall(SYS_prctl, op, buf, sizeof(buf), 0, 0) != -1 ||
			    syscall(SYS_prctl, 0xffffffff00000000ul | (unsigned)op, arg, 0, 0, 0) != -1)
				report(0, "prctl", "%d with %ld", op, arg);
		}
	refused("pac", prctl(54, 0, 0, 0, 0));
	refused("auxv", prctl(0x41555856, buf, sizeof(buf), 0, 0));
	refused("ptracer", prctl(0x59616d61, -1L, 0, 0, 0));
	report(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1, "no_new_privs", "is off");
	report(prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == 2, "seccomp", "is off");
	return done();
}
