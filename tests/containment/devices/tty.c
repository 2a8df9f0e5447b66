/* Looks for a terminal to type into: TIOCSTI, TIOCLINUX, consoles, pseudo terminals.
 * judge: family=devices invariants=I-24,I-25 causes=J
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "report.h"

int
main(void)
{
	static const char *const ttys[] = { "/dev/tty", "/dev/tty0", "/dev/console", "/dev/ptmx", "/dev/pts/0", "/dev/pts/ptmx", "/dev/ttyS0", "/dev/vcs", "/dev/hvc0" };

	for (size_t i = 0; i < sizeof(ttys) / sizeof(ttys[0]); i++)
		refused(ttys[i], open(ttys[i], O_RDWR | O_NOCTTY | O_NONBLOCK));
	refused("openpt", posix_openpt(O_RDWR));
	for (int fd = 0; fd < 3; fd++) {
		struct termios t;
		char c = 'x', linux_call[2] = { 3, 0 };

		refused("isatty", isatty(fd) ? 0 : -1);
		refused("tiocsti", ioctl(fd, TIOCSTI, &c));
		refused("tiocsti-high", ioctl(fd, 0xffffffff00000000ul | TIOCSTI, &c));
		refused("tioclinux", ioctl(fd, TIOCLINUX, linux_call));
		refused("tiocsctty", ioctl(fd, TIOCSCTTY, 1));
		refused("tiocnotty", ioctl(fd, TIOCNOTTY));
		refused("tcsets", ioctl(fd, TCSETS, &t));
		refused("tcgetpgrp", tcgetpgrp(fd));
		refused("tcsetpgrp", tcsetpgrp(fd, 1));
		refused("kdsetmode", ioctl(fd, 0x4b3a, 1));
	}
	char name[64] = "";
	refused("ctermid", open(ctermid(name), O_RDWR));
	return done();
}
