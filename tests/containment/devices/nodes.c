/* Five device nodes, none of which does more than it should.
 * judge: family=devices invariants=I-26,I-36 causes=J
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <unistd.h>

#include "report.h"

static const struct node {
	const char *name;
	unsigned minor;
} nodes[] = { { "null", 3 }, { "zero", 5 }, { "full", 7 }, { "random", 8 }, { "urandom", 9 } };

int
main(void)
{
	DIR *d = opendir("/dev");
	struct dirent *en;
	int n = 0;

	while (d && (en = readdir(d)) != NULL) {
		struct stat st;
		int known = 0;

		if (en->d_name[0] == '.')
			continue;
		if (strcmp(en->d_name, "shm") == 0 && fstatat(dirfd(d), "shm", &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISLNK(st.st_mode))
			continue; /* semaphores of Python: a link to the box's own place */
		n++;
		for (size_t i = 0; i < 5; i++)
			if (strcmp(nodes[i].name, en->d_name) == 0 && fstatat(dirfd(d), en->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
				known = S_ISCHR(st.st_mode) && major(st.st_rdev) == 1 && minor(st.st_rdev) == nodes[i].minor;
		report(known, en->d_name, "is in /dev");
	}
	report(n == 5, "number", "%d nodes in /dev", n);

	char b[16];
	int z = open("/dev/zero", O_RDWR), u = open("/dev/urandom", O_RDWR), f = open("/dev/full", O_WRONLY);
	report(z >= 0 && read(z, b, 16) == 16 && b[0] == 0 && b[15] == 0, "zero", "does not work");
	report(f >= 0 && write(f, b, 1) == -1 && errno == ENOSPC, "full", "does not work");
	report(u >= 0 && read(u, b, 16) == 16, "urandom", "does not work");
	refused("urandom-ioctl", ioctl(u, 0x5206 /* RNDCLEARPOOL */, 0));
	refused("urandom-add", ioctl(u, 0x40085203 /* RNDADDENTROPY */, b));
	refused("chmod", chmod("/dev/null", 0600));
	refused("utimes", utimensat(AT_FDCWD, "/dev/null", NULL, 0));
	refused("unlink", unlink("/dev/null"));
	refused("mknod-char", mknod("/work/mem", S_IFCHR | 0666, makedev(1, 1)));
	refused("mknod-block", mknod("/work/disk", S_IFBLK | 0666, makedev(254, 0)));
	for (int fd = 0; fd < 3; fd++) {
		char c = 'x';
		refused("tiocsti", ioctl(fd, TIOCSTI, &c));
		refused("tty", ioctl(fd, TIOCSCTTY, 1));
	}
	return done();
}
