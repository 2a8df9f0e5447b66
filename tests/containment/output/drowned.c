/* Says much at its very end and dies at once, by every end there is; nothing hangs.
 * judge: family=output invariants=I-29,I-12 done=no verdicts=ok,runtime_error,output_limit repeat=3 test=exit test=kill test=exec
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
	static char block[1 << 16];

	memset(block, 'z', sizeof(block));
	fcntl(1, F_SETFL, O_WRONLY | O_NONBLOCK);
	fcntl(1, F_SETPIPE_SZ, 1 << 20);
	for (int i = 0; i < 64; i++)
		write(1, block, sizeof(block)), write(2, block, 100);
	if (strcmp(argv[argc - 1], "kill") == 0)
		raise(SIGKILL);
	if (strcmp(argv[argc - 1], "exec") == 0)
		execl("/usr/bin/true", "true", NULL);
	_exit(0);
}
