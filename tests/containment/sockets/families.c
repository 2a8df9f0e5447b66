/* Opens a socket of every family, type and protocol.
 * judge: family=sockets invariants=I-22,I-25 causes=F,K verdicts=security_violation
 */
#define _GNU_SOURCE
#include <sys/socket.h>
#include <unistd.h>

#include "report.h"

int
main(void)
{
	int types[] = { 1, 2, 3, 4, 5, 6, 10, 1 | SOCK_CLOEXEC, 2 | SOCK_NONBLOCK }, sv[2];

	for (int f = 0; f < 64; f++) {
		int wire = f == 17 || f == 38 || f == 40;
		for (int t = 0; t < (wire ? 1 : 9); t++)
			for (int p = 0; p < (wire ? 1 : 4); p++)
				if (socket(f, types[t], p == 3 ? 255 : p) != -1)
					report(0, "socket", "family %d type %d", f, types[t]);
		if (!wire && socketpair(f, SOCK_STREAM, 0, sv) != -1)
			report(0, "socketpair", "family %d", f);
	}
	report(1, "families", "");
	for (int fd = 0; fd < 64; fd++)
		if (listen(fd, 1) != -1 || accept(fd, NULL, NULL) != -1 || shutdown(fd, 2) != -1)
			report(0, "socket", "descriptor %d is one", fd);
	return done();
}
