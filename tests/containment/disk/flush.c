/* Has the disk's cache emptied and the file system's journal written, again and again, by
 * way of files that it may only read; and gives mappings names that are charged to nobody.
 * judge: family=disk invariants=I-04,I-26,I-33
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "report.h"

#define TIMES 20000

int
main(void)
{
	static const char *const files[] = { "/usr/bin/env", "/usr/bin", "/lib/x86_64-linux-gnu/libc.so.6", "/etc/passwd" };
	static int (*const calls[])(int) = { fsync, fdatasync };
	struct timespec from, to;

	for (int c = 0; c < 2; c++) {
		/* a call that reaches the kernel knows that this is no descriptor */
		report(calls[c](-1) == 0, "flush", "call %d reaches the kernel: errno %d", c, errno);
		for (int i = 0; i < 4; i++) {
			int fd = open(files[i], O_RDONLY);

			clock_gettime(CLOCK_MONOTONIC, &from);
			for (int n = 0; fd >= 0 && n < TIMES / 8; n++)
				calls[c](fd);
			clock_gettime(CLOCK_MONOTONIC, &to);
			report(to.tv_sec - from.tv_sec < 2, "flush", "%s: %ld s", files[i], (long)(to.tv_sec - from.tv_sec));
			close(fd);
		}
	}
	char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	report(msync((void *)1, 4096, MS_SYNC) == 0, "flush", "msync reaches the kernel: errno %d", errno);
	refused("name", prctl(0x53564d41 /* PR_SET_VMA */, 0, p, 4096, "a name of eighty bytes, which the kernel copies"));
	return done();
}
