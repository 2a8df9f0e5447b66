/* Only three descriptors, each good for one direction.
 * judge: family=self invariants=I-23 causes=I input=abc limits=openFiles:1024,processes:16
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report.h"

int
main(void)
{
	struct stat st[3];
	char c;

	for (int fd = 3; fd < 65536; fd++)
		if (fcntl(fd, F_GETFD) != -1)
			report(0, "open", "descriptor %d", fd);
	for (int fd = 0; fd < 3; fd++)
		report(fstat(fd, &st[fd]) == 0, "std", "%d is closed", fd);
	report((fcntl(0, F_GETFL) & O_ACCMODE) == O_RDONLY, "stdin", "may be written");
	report((fcntl(1, F_GETFL) & O_ACCMODE) == O_WRONLY, "stdout", "may be read");
	report((fcntl(2, F_GETFL) & O_ACCMODE) == O_WRONLY, "stderr", "may be read");
	report(S_ISREG(st[0].st_mode), "stdin-kind", "mode %o", st[0].st_mode);
	report(S_ISFIFO(st[1].st_mode) && S_ISFIFO(st[2].st_mode), "stdout-kind", "mode %o", st[1].st_mode);
	report(st[1].st_ino != st[2].st_ino, "apart", "stdout and stderr are one pipe");
	refused("write-stdin", write(0, "x", 1));
	refused("truncate-stdin", ftruncate(0, 0));
	refused("fallocate-stdin", fallocate(0, 0, 0, 1 << 20));
	refused("read-stdout", read(1, &c, 1));
	refused("chmod-stdin", fchmod(0, 0777));
	report(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, 0, 0) == MAP_FAILED, "map-stdin", "shared and writable");
	/* Whatever the program does to its own pipe must not outlive it; see state.c. */
	fcntl(1, F_SETPIPE_SZ, 4096);
	fcntl(1, F_SETFL, O_WRONLY | O_NONBLOCK | O_APPEND);
	fcntl(1, F_SETFL, O_WRONLY);
	return done();
}
