/* Two at a time on shared inodes: locks, leases and watches, tried by both.
 * judge: family=pairs invariants=I-36,I-25 causes=F,K pair=beside limits=wallMs:8000,cpuMs:5000
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "report.h"

int
main(int argc, char **argv)
{
	long began = clock_ms(), held = 0, met = 0;
	int fd = open("/usr/bin/env", O_RDONLY), a = argc > 1 && argv[1][0] == 'a';
	struct flock l = { .l_type = F_RDLCK, .l_whence = SEEK_SET };

	while (clock_ms() < began + 800) {
		if (a) {
			held += flock(fd, LOCK_EX | LOCK_NB) == 0;
			held += fcntl(fd, F_SETLK, &l) == 0;
			held += fcntl(fd, F_OFD_SETLK, &l) == 0;
			held += fcntl(fd, F_SETLEASE, F_RDLCK) == 0;
		} else {
			l.l_type = F_WRLCK;
			met += fcntl(fd, F_GETLK, &l) == 0;
			met += flock(fd, LOCK_SH | LOCK_NB) == -1 && errno == EWOULDBLOCK;
		}
		usleep(500);
	}
	report(held == 0, "held", "%ld locks", held);
	report(met == 0, "met", "%ld locks", met);
	span(began);
	return done();
}
