/* Moves pages of shared files by reference: splice, tee, vmsplice, sendfile, copy_file_range.
 * judge: family=kernel invariants=I-25,I-28,I-36 causes=P
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "report.h"

int
main(void)
{
	int p[2], q[2], f = open("/usr/bin/env", O_RDONLY), own = open("/work/f", O_CREAT | O_RDWR, 0600);
	char page[4096], before[64], after[64];
	struct iovec v = { page, sizeof(page) };
	loff_t off = 1;

	report(pipe(p) == 0 && pipe(q) == 0, "pipes", "none");
	pread(f, before, sizeof(before), 0);
	/* Dirty Pipe: a page of the cache in a pipe whose buffers may be merged */
	for (int i = 0; i < 16; i++)
		write(p[1], page, 4096);
	for (int i = 0; i < 16; i++)
		read(p[0], page, 4096);
	refused("splice-in", splice(f, &off, p[1], NULL, 1, 0));
	write(p[1], "BREACH", 6);
	refused("splice-out", splice(p[0], NULL, own, NULL, 4096, 0));
	refused("tee", tee(p[0], q[1], 4096, 0));
	refused("vmsplice", vmsplice(q[1], &v, 1, SPLICE_F_GIFT));
	refused("sendfile", sendfile(own, f, NULL, 4096));
	refused("sendfile-stdout", sendfile(1, f, NULL, 4096));
	refused("copy_file_range", copy_file_range(f, NULL, own, NULL, 4096, 0));
	refused("clone-range", syscall(SYS_ioctl, own, 0x40049409, f));
	pread(f, after, sizeof(after), 0);
	report(memcmp(before, after, sizeof(before)) == 0, "cache", "was changed");
	return done();
}
