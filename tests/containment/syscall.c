/* One raw system call, told by its number: syscall NR [ARG]…   An argument "buf" is a
 * zeroed buffer, "str:X" the string X, "fd" an open descriptor of /usr/bin. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <unistd.h>

#include "report.h"

int
main(int argc, char **argv)
{
	static char zero[4096];
	long nr = strtol(argv[1], NULL, 0), a[6] = { 0 };

	for (int i = 2; i < argc && i < 8; i++) {
		if (strcmp(argv[i], "buf") == 0)
			a[i - 2] = (long)zero;
		else if (strcmp(argv[i], "fd") == 0)
			a[i - 2] = open("/usr/bin", O_RDONLY);
		else if (strncmp(argv[i], "str:", 4) == 0)
			a[i - 2] = (long)(argv[i] + 4);
		else
			a[i - 2] = (long)strtoull(argv[i], NULL, 0);
	}
	errno = 0;
	long r = syscall(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
	if (r == -1)
		printf("OK %s errno %d\n", argv[1], errno);
	else
		printf("BREACH %s returned %ld\n", argv[1], r);
	fflush(stdout);
	_exit(0);
}
