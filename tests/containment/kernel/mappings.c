/* Maps what must not be mapped: page zero, kernel addresses, others' files for writing.
 * judge: family=kernel invariants=I-25,I-28 causes=P
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "report.h"

int
main(void)
{
	int f = open("/usr/bin/env", O_RDONLY);

	report(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED, "zero", "mapped");
	for (unsigned long at = 0xffff800000000000ul; at != 0; at += 0x0008000000000000ul) {
		report(mmap((void *)at, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED, "kernel", "%#lx", at);
		refused("mprotect", mprotect((void *)at, 4096, PROT_READ));
		refused("munmap", munmap((void *)at, 4096));
		refused("read", write(2, (void *)at, 16));
		refused("fill", read(0, (void *)at, 16));
		if (at > 0xfff0000000000000ul)
			break;
	}
	report(mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, f, 0) == MAP_FAILED, "shared-write", "mapped");
	report(mmap(NULL, 1ul << 47, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) == MAP_FAILED, "all", "mapped");
	char *p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, f, 0), first = p[1];
	mprotect(p, 4096, PROT_READ | PROT_WRITE);
	p[1] = 'X'; /* a copy of its own */
	char b[2];
	report(pread(f, b, 2, 0) == 2 && b[1] == first, "cow", "reached the file");
	refused("remap_file_pages", syscall(SYS_remap_file_pages, p, 4096, 0, 1, 0));
	refused("mbind", syscall(SYS_mbind, p, 4096, 1, NULL, 0, 0));
	refused("move_pages", syscall(SYS_move_pages, 0, 1, &p, NULL, b, 0));
	refused("migrate_pages", syscall(SYS_migrate_pages, 1, 1, b, b));
	refused("process_madvise", syscall(440, 0, &p, 1, 20, 0));
	refused("merge", madvise(p, 4096, MADV_MERGEABLE));
	refused("poison", madvise(p, 4096, MADV_HWPOISON));
	refused("offline", madvise(p, 4096, 101));
	refused("personality", syscall(SYS_personality, 0x0040000));
	return done();
}
