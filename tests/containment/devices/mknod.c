/* Makes device nodes of its own and opens them; nodev is the second wall.
 * judge: family=devices invariants=I-26,I-25
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "report.h"

int
main(void)
{
	char name[32];

	for (unsigned ma = 0; ma < 260; ma++) {
		snprintf(name, sizeof(name), "/work/n%u", ma);
		for (int kind = 0; kind < 2; kind++) {
			mode_t m = (kind ? S_IFBLK : S_IFCHR) | 0666;
			if (mknod(name, m, makedev(ma, 0)) == 0 || mknodat(AT_FDCWD, name, m, makedev(ma, 1)) == 0)
				report(0, "mknod", "%u", ma);
			if (open(name, O_RDONLY | O_NONBLOCK) >= 0)
				report(0, "open", "%u", ma);
		}
	}
	refused("fifo", mkfifo("/work/fifo", 0666));
	refused("socket", mknod("/work/socket", S_IFSOCK | 0666, 0));
	refused("whiteout", mknod("/work/w", S_IFCHR, 0));
	return done();
}
