/* io_uring does what no filter sees: sets up rings in every way.
 * judge: family=kernel invariants=I-25 causes=Q verdicts=security_violation require=io_uring_setup
 */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "report.h"

int
main(void)
{
	static unsigned params[64];

	for (unsigned flags = 0; flags < 1u << 17; flags = flags * 2 + 1) {
		memset(params, 0, sizeof(params));
		params[2] = flags;
		refused("setup", syscall(425, 8, params));
	}
	for (int op = 0; op < 35; op++)
		refused("register", syscall(427, 3, op, params, 1));
	refused("register-blind", syscall(427, -1, 0x80000000u, params, 1));
	for (int fd = 0; fd < 8; fd++)
		refused("enter", syscall(426, fd, 1, 0, 0, NULL, 0));
	refused("map", mmap(NULL, 4096, PROT_READ, MAP_SHARED, 3, 0) == MAP_FAILED ? -1 : 0);
	return done();
}
