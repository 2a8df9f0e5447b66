/* Leaves the root by every path trick: dots, descriptors, empty paths, openat2, loops.
 * judge: family=filesystem invariants=I-26,I-30 causes=A,I
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "report.h"

int
main(void)
{
	static const char *const paths[] = { "/../etc/shadow", "../../../../../../etc/shadow", "/usr/../../etc/shadow",
		"/usr/lib/../../../root", "/dev/../../proc/self", "//proc/self/root/etc/shadow", "/dev/fd/../cwd",
		"/work/../../../../var", "/tmp/../run/judgebox", "/dev/shm/../../run" };
	char dots[4000] = "";
	struct stat root, st;

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		refused(paths[i], open(paths[i], O_RDONLY));
	for (int i = 0; i < 1000; i++)
		strcat(dots, "../");
	strcat(dots, "etc/shadow");
	refused("dots", open(dots, O_RDONLY));
	int d = open("/", O_PATH | O_DIRECTORY);
	stat("/", &root);
	for (int i = 0; i < 50; i++) {
		int up = openat(d, "..", O_PATH | O_DIRECTORY);
		report(up >= 0 && fstat(up, &st) == 0 && st.st_ino == root.st_ino && st.st_dev == root.st_dev,
		    "openat-dots", "leads out of the root");
		close(d);
		d = up;
	}
	fchdir(d);
	refused("after-fchdir", open("../etc/shadow", O_RDONLY));
	unsigned long how[3] = { O_RDONLY, 0, 0 };
	refused("openat2", syscall(437, d, "../etc/shadow", how, sizeof(how)));
	refused("empty-path-link", linkat(0, "", AT_FDCWD, "/work/stdin", AT_EMPTY_PATH));
	refused("proc-link", linkat(AT_FDCWD, "/proc/self/fd/0", AT_FDCWD, "/work/stdin", AT_SYMLINK_FOLLOW));
	symlink("/work/b", "/work/a");
	symlink("/work/a", "/work/b");
	refused("loop", open("/work/a", O_RDONLY));
	symlink("/", "/work/root");
	refused("through-link", open("/work/root/../../../etc/shadow", O_RDONLY));
	refused("tmpfile-root", open("/", O_TMPFILE | O_RDWR, 0600));
	refused("rename-out", rename("/work/a", "/a"));
	refused("exchange", syscall(SYS_renameat2, AT_FDCWD, "/work", AT_FDCWD, "/dev", 2));
	return done();
}
