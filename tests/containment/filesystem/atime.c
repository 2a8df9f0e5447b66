/* Leaves a mark in the times of shared files by reading and listing them.
 * judge: family=filesystem invariants=I-36,I-34
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report.h"

int
main(void)
{
	static const char *const files[] = { "/usr/share/common-licenses/GPL-3", "/usr/bin/env", "/usr/lib/os-release", "/etc/passwd",
		"/dev/null", "/dev/zero", "/dev/urandom", "/usr", "/usr/share", "/etc", "/dev" };

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct stat a, b;
		char c[64];

		if (stat(files[i], &a) == -1)
			continue;
		int fd = open(files[i], O_RDWR);
		if (fd == -1)
			fd = open(files[i], O_RDONLY);
		DIR *d = opendir(files[i]);
		while (d && readdir(d))
			;
		if (d)
			closedir(d);
		if (read(fd, c, sizeof(c)) < 0 || write(fd, c, 1) < 0)
			errno = 0;
		mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
		close(fd);
		usleep(3000);
		stat(files[i], &b);
		report(memcmp(&a.st_atim, &b.st_atim, sizeof(a.st_atim)) == 0 && memcmp(&a.st_mtim, &b.st_mtim, sizeof(a.st_mtim)) == 0 &&
		    memcmp(&a.st_ctim, &b.st_ctim, sizeof(a.st_ctim)) == 0, files[i], "has new times");
	}
	return done();
}
