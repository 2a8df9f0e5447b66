/* AF_ALG and splice, the way of Copy Fail (CVE-2026-31431): changes pages of a shared file.
 * judge: family=kernel invariants=I-22,I-25,I-28 causes=P verdicts=security_violation require=socket
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "report.h"

int
main(void)
{
	struct { unsigned short family; char type[14]; unsigned feat, mask; char name[64]; } sa = { 38, "aead", 0, 0, "authencesn(hmac(sha256),cbc(aes))" };
	int fd = socket(38, SOCK_SEQPACKET, 0), f = open("/usr/bin/env", O_RDONLY), p[2];

	report(fd == -1, "af_alg", "opened");
	refused("bind", bind(fd, (void *)&sa, sizeof(sa)));
	refused("key", setsockopt(fd, 279, 1, "0123456789abcdef", 16));
	int op = accept(fd, NULL, NULL);
	report(op == -1, "accept", "an operation");
	report(pipe(p) == 0, "pipe", "none");
	refused("splice", splice(f, NULL, p[1], NULL, 4096, 0));
	refused("splice-op", splice(p[0], NULL, op, NULL, 4096, 0));
	refused("high", syscall(41, (1ul << 33) | 38, 5, 0));
	return done();
}
