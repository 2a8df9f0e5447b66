/* Locks, leases and watches on files that all boxes share: each is a channel.
 * judge: family=locks invariants=I-25,I-36 causes=F,K
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/fanotify.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "report.h"

int
main(void)
{
	static const char *const shared[] = { "/usr/bin/python3", "/usr/lib", "/etc/passwd", "/dev/null", "/", NULL };

	for (int i = 0; shared[i]; i++) {
		struct flock l = { .l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 0 };
		int fd = open(shared[i], O_RDONLY);

		if (fd == -1)
			continue;
		refused("flock", flock(fd, LOCK_SH | LOCK_NB));
		refused("setlk", fcntl(fd, F_SETLK, &l));
		l.l_pid = 0;
		refused("ofd-setlk", fcntl(fd, F_OFD_SETLK, &l));
		refused("getlk", fcntl(fd, F_GETLK, &l));
		refused("lease", fcntl(fd, F_SETLEASE, F_RDLCK));
		refused("notify", fcntl(fd, F_NOTIFY, DN_ACCESS));
		refused("setown", fcntl(fd, F_SETOWN, 1));
		refused("setsig", fcntl(fd, F_SETSIG, SIGUSR1));
		refused("seals", fcntl(fd, F_ADD_SEALS, 0));
		close(fd);
	}
	refused("inotify", inotify_init1(0));
	refused("fanotify", syscall(SYS_fanotify_init, 0, 0));
	refused("memfd", memfd_create("x", 0));
	refused("memfd-secret", syscall(447, 0));
	refused("mlock", mlock("x", 1));
	refused("mlockall", mlockall(MCL_FUTURE));
	report(syscall(SYS_fcntl, 1, (1L << 32) | F_SETLK, NULL) == -1, "high-bits", "passed the filter");
	return done();
}
