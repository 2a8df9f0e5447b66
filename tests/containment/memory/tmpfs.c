/* Memory as files: in /work, deleted but open, shared with children that die.
 * judge: family=memory slice=no invariants=I-33,I-34 verdicts=memory_limit,ok done=no limits=memoryBytes:64M,fileBytes:256M,cpuMs:5000,wallMs:10000 test=named test=deleted test=mapped
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "report.h"

int
main(int argc, char **argv)
{
	static char block[1 << 20];
	long total = 0;

	(void)argc;
	memset(block, 1, sizeof(block));
	for (int i = 0; i < 300; i++) {
		char name[32];

		snprintf(name, sizeof(name), "/work/f%d", i);
		int fd = open(name, O_CREAT | O_RDWR, 0600);
		if (strcmp(argv[1], "mapped") == 0 && ftruncate(fd, 1 << 20) == 0) {
			char *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
			memset(p, 1, 1 << 20);
			total += 1 << 20;
		} else if (write(fd, block, sizeof(block)) == (ssize_t)sizeof(block))
			total += 1 << 20;
		if (strcmp(argv[1], "deleted") == 0)
			unlink(name);
		else if (i % 2)
			close(fd);
	}
	report(total <= 64 << 20, "files", "%ld MiB of memory", total >> 20);
	return done();
}
