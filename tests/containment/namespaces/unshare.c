/* Makes namespaces of its own, each kind and all together; the tripwire tells.
 * judge: family=namespaces invariants=I-25,I-24 causes=O,K verdicts=security_violation require=unshare
 */
#define _GNU_SOURCE
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "report.h"

int
main(void)
{
	static const unsigned kinds[] = { 0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000, 0x80, 0x200, 0x400, 0x7e020080 };

	for (int i = 0; i < 11; i++) {
		refused("unshare", unshare((int)kinds[i]));
		refused("unshare-user-too", syscall(SYS_unshare, kinds[i] | 0x10000000u));
		refused("unshare-high", syscall(SYS_unshare, 0xffffffff00000000ul | kinds[i]));
	}
	return done();
}
