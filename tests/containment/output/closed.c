/* Closes, replaces and misuses its streams; the answer comes all the same.
 * judge: family=output invariants=I-23,I-29 done=no verdicts=ok,runtime_error test=close test=dup test=nonblock test=read test=truncate input=abc
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
	const char *m = argv[argc - 1];
	char b[16];

	if (strcmp(m, "close") == 0)
		for (int fd = 0; fd < 100; fd++)
			close(fd);
	if (strcmp(m, "dup") == 0)
		dup2(0, 1), dup2(1, 2), dup2(2, 0);
	if (strcmp(m, "nonblock") == 0) {
		fcntl(1, F_SETPIPE_SZ, 4096);
		fcntl(1, F_SETFL, O_WRONLY | O_NONBLOCK);
		for (int i = 0; i < 1000; i++)
			write(1, "0123456789", 10);
	}
	if (strcmp(m, "read") == 0 && (read(1, b, 16) != -1 || read(2, b, 16) != -1))
		write(1, "BREACH read\n", 12);
	if (strcmp(m, "truncate") == 0 && (ftruncate(0, 0) != -1 || ftruncate(1, 0) != -1 || write(0, "x", 1) != -1))
		write(1, "BREACH truncate\n", 16);
	return 0;
}
