/* One after the other: numbers of files in /work that an invisible file has used up.
 * judge: family=pairs invariants=I-36,I-28 pair=after
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report.h"

int
main(int argc, char **argv)
{
	struct stat st;

	if (argv[argc - 1][0] == 'a') {
		for (int i = 0; i < 3000; i++) {
			int fd = open("/work", O_TMPFILE | O_RDWR, 0600);
			if (fd == -1)
				break;
			close(fd);
		}
		return done();
	}
	int fd = open("/work/first", O_CREAT | O_RDWR, 0600);
	report(fd >= 0 && fstat(fd, &st) == 0 && st.st_ino < 64, "number", "the first file is number %lu", (unsigned long)st.st_ino);
	return done();
}
