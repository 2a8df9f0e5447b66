/* Maps the memory devices: they hold zeros of one's own and nobody else's pages.
 * judge: family=devices invariants=I-26,I-36
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
	static const char *const nodes[] = { "/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom" };
	char b[4096];

	for (int i = 0; i < 5; i++) {
		int fd = open(nodes[i], O_RDWR);
		if (fd == -1)
			continue;
		char *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (p != MAP_FAILED) {
			for (int k = 0; k < 1 << 20; k += 512)
				report(p[k] == 0, "zero", "%s has %d at %d", nodes[i], p[k], k), k += 1 << 16;
			memset(p, 7, 1 << 20);
		}
		char *q = mmap(NULL, 1 << 20, PROT_READ, MAP_SHARED, fd, 0);
		report(q == MAP_FAILED || q[0] == 0, "shared", "%s is shared by its maps", nodes[i]);
		refused("map-exec-kernel", mmap((void *)0xffff800000000000, 4096, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED ? -1 : 0);
		refused("truncate", ftruncate(fd, 0));
		refused("chmod", fchmod(fd, 0600));
		close(fd);
	}
	int z = open("/dev/zero", O_RDONLY);
	for (off_t at = 0; at < 1l << 40; at = at * 2 + 4096)
		report(pread(z, b, sizeof(b), at) == sizeof(b) && b[17] == 0, "read", "at %ld", (long)at);
	return done();
}
