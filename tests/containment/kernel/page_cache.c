/* Throws shared files out of the page cache, or asks which are in it: slows and spies.
 * judge: family=kernel invariants=I-35,I-36,I-25 causes=R
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "report.h"

int
main(void)
{
	static const char *const files[] = { "/usr/bin/python3", "/usr/bin/env", "/lib/x86_64-linux-gnu/libc.so.6" };
	static unsigned char vec[4096];
	static char buf[4096];

	for (int i = 0; i < 3; i++) {
		int fd = open(files[i], O_RDONLY);
		struct iovec v = { buf, sizeof(buf) };
		unsigned long range[2] = { 0, 1 << 20 }, stat[5];
		char *p = mmap(NULL, 1 << 16, PROT_READ, MAP_PRIVATE, fd, 0);

		refused("dontneed", posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) == 0 ? 0 : -1);
		refused("dontneed-high", syscall(SYS_fadvise64, fd, 0, 0, (1ul << 32) | POSIX_FADV_DONTNEED));
		refused("noreuse", posix_fadvise(fd, 0, 0, POSIX_FADV_NOREUSE) == 0 ? 0 : -1);
		refused("mincore", mincore(p, 1 << 16, vec));
		refused("cachestat", syscall(451, fd, range, stat, 0));
		refused("nowait", syscall(SYS_preadv2, fd, &v, 1, 0, 0, 8 /* RWF_NOWAIT */));
		refused("readahead", readahead(fd, 0, 4096));
		refused("sync-range", sync_file_range(fd, 0, 0, 7));
		madvise(p, 1 << 16, 21 /* MADV_PAGEOUT: of one's own pages only */);
		report(madvise(p, 1 << 16, 9 /* MADV_REMOVE */) == -1, "remove", "pages of %s", files[i]);
	}
	return done();
}
