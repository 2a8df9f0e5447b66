/* Changes what all boxes share: contents, modes, times, attributes, names of files in /usr.
 * judge: family=filesystem invariants=I-26,I-28,I-36 causes=H,P
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <ftw.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "report.h"

static int seen;

static void
attack(const char *path)
{
	struct timespec t[2] = { { 5, 0 }, { 5, 0 } };
	int fd;

	if ((fd = open(path, O_WRONLY)) >= 0 || (fd = open(path, O_RDWR)) >= 0 || (fd = open(path, O_RDONLY | O_TRUNC)) >= 0 ||
	    (fd = open(path, O_WRONLY | O_APPEND)) >= 0)
		report(0, "open", "%s for writing", path);
	if (truncate(path, 0) == 0 || chmod(path, 0777) == 0 || chown(path, getuid(), getgid()) == 0 ||
	    utimensat(AT_FDCWD, path, t, 0) == 0 || utimensat(AT_FDCWD, path, NULL, 0) == 0 || unlink(path) == 0 ||
	    rename(path, "/work/taken") == 0 || link(path, "/work/hard") == 0 ||
	    setxattr(path, "user.x", "1", 1, 0) == 0 || removexattr(path, "user.x") == 0)
		report(0, "change", "%s", path);
	if ((fd = open(path, O_RDONLY)) == -1)
		return;
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	report(p == MAP_FAILED, "map-shared", "%s", path);
	p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	if (p != MAP_FAILED) {
		refused("mprotect", mprotect(p, 4096, PROT_READ | PROT_WRITE));
		munmap(p, 4096);
	}
	refused("fchmod", fchmod(fd, 0777));
	refused("futimens", futimens(fd, t));
	refused("ftruncate", ftruncate(fd, 0));
	refused("fallocate", fallocate(fd, 3 /* punch a hole */, 0, 4096));
	refused("write", write(fd, "x", 1));
	close(fd);
}

static int
visit(const char *path, const struct stat *st, int type, struct FTW *f)
{
	(void)st;
	(void)f;
	if (type == FTW_F && ++seen <= 60)
		attack(path);
	return seen > 60;
}

int
main(void)
{
	attack("/usr/bin/python3");
	attack("/usr/bin/env");
	attack("/etc/passwd");
	attack("/etc/ld.so.cache");
	attack("/lib64/ld-linux-x86-64.so.2");
	nftw("/usr/lib/x86_64-linux-gnu", visit, 16, FTW_PHYS);
	report(seen > 10, "walk", "saw %d files", seen);
	return done();
}
