/* One after the other: fills memory, caches and files; the next has its whole limit.  How
 * long fifty thousand names take is no matter: in user-mode Linux on a busy host, seconds.
 * judge: family=pairs invariants=I-33,I-36,I-35 pair=after limits=memoryBytes:64M,fileBytes:32M,cpuMs:12000,wallMs:24000
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report.h"

int
main(int argc, char **argv)
{
	static char block[1 << 20];
	char name[64];
	struct stat st;

	if (argv[argc - 1][0] == 'a') {
		int fd = open("/work/big", O_CREAT | O_WRONLY, 0600);
		memset(block, 3, sizeof(block));
		for (int i = 0; i < 24; i++)
			write(fd, block, sizeof(block));
		for (int i = 0; i < 50000; i++) {
			snprintf(name, sizeof(name), "/usr/share/%d-%d", i, getpid());
			stat(name, &st);
		}
		return done();
	}
	char *p = mmap(NULL, 56 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (size_t i = 0; i < 56 << 20; i += 4096) {
		report(i % (8 << 20) != 0 || p[i] == 0, "page", "is not zero");
		p[i] = 1;
	}
	return done();
}
