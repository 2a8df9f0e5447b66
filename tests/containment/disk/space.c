/* The writable place is limited in bytes and in files: space LIMIT.
 * judge: family=disk invariants=I-26,I-34 limits=fileBytes:8M,cpuMs:20000,wallMs:30000 test=8388608
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report.h"

int
main(int argc, char **argv)
{
	static char block[65536];
	long limit = argc > 1 ? atol(argv[1]) : 0, total = 0, files = 0;

	signal(SIGXFSZ, SIG_IGN);
	memset(block, 1, sizeof(block));
	for (int i = 0; i < 64; i++) {
		char name[32];
		ssize_t n;

		snprintf(name, sizeof(name), i % 2 ? "/tmp/f%d" : "/work/f%d", i);
		int fd = open(name, O_CREAT | O_WRONLY, 0600);
		if (fd == -1)
			break;
		while (total < limit * 4 && (n = write(fd, block, sizeof(block))) > 0)
			total += n;
		close(fd);
	}
	report(total <= limit + (1 << 20), "bytes", "%ld written, %ld allowed", total, limit);
	report(total > limit / 2, "usable", "only %ld of %ld bytes", total, limit);
	for (int i = 0; i < 64; i++) {
		char name[32];

		snprintf(name, sizeof(name), i % 2 ? "/tmp/f%d" : "/work/f%d", i);
		unlink(name);
	}
	for (; files < 300000; files++) {
		char name[32];

		snprintf(name, sizeof(name), "d%ld", files);
		if (mkdir(name, 0700) == -1)
			break;
	}
	report(files < 300000, "inodes", "%ld directories", files);
	return done();
}
