/* Files far larger than there is room: sparse ones, reserved ones, by every call.
 * judge: family=disk invariants=I-26,I-33 limits=fileBytes:8M,cpuMs:4000,wallMs:8000
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report.h"

int
main(void)
{
	struct stat st;

	signal(SIGXFSZ, SIG_IGN);
	int fd = open("/work/f", O_CREAT | O_RDWR, 0600);
	for (int shift = 24; shift < 63; shift++) {
		refused("ftruncate", ftruncate(fd, 1l << shift));
		refused("truncate", truncate("/work/f", 1l << shift));
		for (int mode = 0; mode < 4; mode++)
			if (fallocate(fd, mode & 1, mode & 2 ? 1l << shift : 0, 1l << shift) == 0)
				report(0, "fallocate", "%d", shift);
		refused("pwrite", pwrite(fd, "x", 1, 1l << shift));
		if (lseek(fd, 1l << shift, SEEK_SET) > 0)
			refused("write", write(fd, "x", 1));
	}
	fstat(fd, &st);
	report(st.st_size <= 8 << 20, "size", "%ld", (long)st.st_size);
	return done();
}
