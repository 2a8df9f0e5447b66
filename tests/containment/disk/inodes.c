/* Uses up files: names, links, directories, symbolic links.
 * judge: family=disk slice=no invariants=I-26,I-34 limits=cpuMs:6000,wallMs:12000 repeat=2
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report.h"

int
main(void)
{
	char name[64], long_target[4000];
	long files = 0, links = 0, symlinks = 0;

	memset(long_target, 'x', sizeof(long_target) - 1);
	long_target[sizeof(long_target) - 1] = '\0';
	for (; files < 100000; files++) {
		snprintf(name, sizeof(name), "/work/f%ld", files);
		int fd = open(name, O_CREAT | O_WRONLY, 0600);
		if (fd == -1)
			break;
		close(fd);
		if (files % 3 == 0)
			unlink(name);
	}
	report(files < 100000, "files", "%ld", files);
	for (; links < 300000; links++) {
		snprintf(name, sizeof(name), "/work/l%ld", links);
		if (link("/work/f1", name) == -1)
			break;
	}
	report(links < 300000, "links", "%ld", links);
	for (; symlinks < 100000; symlinks++) {
		snprintf(name, sizeof(name), "/work/s%ld", symlinks);
		if (symlink(long_target, name) == -1)
			break;
	}
	report(symlinks < 100000, "symlinks", "%ld", symlinks);
	return done();
}
