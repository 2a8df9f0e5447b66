/* Keyrings have no namespace: makes, searches, joins and reads them by every operation.
 * judge: family=keyrings invariants=I-36,I-25 causes=F verdicts=security_violation require=add_key
 */
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <unistd.h>

#include "report.h"

int
main(void)
{
	static char buf[4096];

	for (int ring = -1; ring > -9; ring--) {
		refused("add_key", syscall(SYS_add_key, "user", "judge:covert", "payload", 7, ring));
		refused("request_key", syscall(SYS_request_key, "user", "judge:covert", NULL, ring));
	}
	refused("add-big", syscall(SYS_add_key, "big_key", "b", buf, sizeof(buf), -3));
	refused("add-keyring", syscall(SYS_add_key, "keyring", "k", NULL, 0, -4));
	for (int op = 0; op < 33; op++)
		refused("keyctl", syscall(SYS_keyctl, op, -3, buf, sizeof(buf), 0));
	refused("keyctl-high", syscall(SYS_keyctl, 1ul << 32, -4, 0));
	refused("proc-keys", access("/proc/keys", R_OK));
	return done();
}
