/* Changes its own program, which all tests of the job execute.
 * judge: family=self invariants=I-28,I-39,I-36 causes=H test=0 test=1 test=2 test=3 repeat=2
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report.h"

static const char mark[] = "unchanged";

int
main(int argc, char **argv)
{
	const char *names[] = { argv[0], "main", "./main", "/work/main", "/dev/shm/main", "/memfd:judgebox-artifact", "/dev/fd/3" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		int fd = open(names[i], O_WRONLY | O_TRUNC);
		report(fd == -1, names[i], "opens for writing");
		report(unlink(names[i]) == -1 || i > 3, names[i], "is gone");
	}
	report(strcmp(mark, "unchanged") == 0, "mark", "%s", mark);
	long page = sysconf(_SC_PAGESIZE);
	char *at = (char *)((long)mark & -page);
	if (mprotect(at, (size_t)page, PROT_READ | PROT_WRITE) == 0)
		memcpy((char *)mark, "CHANGED!!", 9); /* in this process's copy alone */
	int fd = open("/work/main", O_CREAT | O_WRONLY, 0755);
	if (fd >= 0)
		write(fd, "#!/bin/sh\necho BREACH\n", 22);
	report(argc == 2, "args", "%d", argc);
	return done();
}
