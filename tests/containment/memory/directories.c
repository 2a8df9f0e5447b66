/* Opens directories in as many processes as it may have, and reads the first name of each:
 * what the kernel keeps of the others is charged to nobody.
 * judge: family=memory invariants=I-33,I-34 limits=processes:256,cpuMs:20000,wallMs:30000
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "report.h"

#define MOST 16384

int
main(void)
{
	static const char *const dirs[] = { "/usr/bin", "/usr/lib/x86_64-linux-gnu", "/usr/share", "/usr/lib" };
	int told[2], go[2], n, processes = 0;
	long all = 0;
	char names[300];

	if (pipe(told) == -1 || pipe(go) == -1)
		return 1;
	for (;; processes++) {
		int pid = fork();

		if (pid == -1)
			break;
		if (pid > 0)
			continue;
		for (n = 0;; n++) {
			int fd = open(dirs[n % 4], O_RDONLY | O_DIRECTORY);

			if (fd == -1)
				break;
			syscall(SYS_getdents64, fd, names, sizeof(names));
		}
		write(told[1], &n, sizeof(n));
		poll(&(struct pollfd){ go[0], POLLIN, 0 }, 1, -1);
		_exit(0);
	}
	for (int i = 0; i < processes && read(told[0], &n, sizeof(n)) == sizeof(n); i++)
		all += n;
	report(all > 1000, "opened", "only %ld", all);
	report(all <= MOST, "directories", "%ld in %d processes", all, processes);
	return done();
}
