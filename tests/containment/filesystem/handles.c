/* Opens files by handle, as if the root were no wall (the shocker escape).
 * judge: family=filesystem invariants=I-25,I-26 causes=L verdicts=security_violation require=open_by_handle_at
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report.h"

int
main(void)
{
	struct { struct file_handle h; unsigned char more[128]; } f = { { .handle_bytes = 128 } };
	int mount = 0, root = open("/usr", O_RDONLY);

	refused("name-to-handle", name_to_handle_at(AT_FDCWD, "/usr", &f.h, &mount, 0));
	refused("name-to-handle-root", name_to_handle_at(AT_FDCWD, "/", &f.h, &mount, AT_SYMLINK_FOLLOW));
	for (unsigned long ino = 2; ino < 20; ino++) {
		f.h.handle_bytes = 8;
		f.h.handle_type = 1;
		memcpy(f.h.f_handle, &(unsigned long){ ino }, 8);
		refused("open-by-handle", open_by_handle_at(root, &f.h, O_RDONLY));
		refused("open-by-handle-cwd", open_by_handle_at(AT_FDCWD, &f.h, O_RDONLY));
	}
	return done();
}
