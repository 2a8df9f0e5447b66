/* Memory in pipes: full ones, as large as they may be made.
 * judge: family=memory invariants=I-33,I-34 verdicts=memory_limit,ok done=no limits=memoryBytes:64M,cpuMs:6000,wallMs:12000,openFiles:1024,processes:16
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "report.h"

int
main(void)
{
	static char block[65536];
	long total = 0;

	for (int i = 0; i < 30; i++) {
		int up[2];

		if (pipe(up) == -1 || fork() != 0)
			continue;
		for (;;) {
			int p[2];

			if (pipe2(p, O_NONBLOCK) == -1)
				break;
			fcntl(p[1], F_SETPIPE_SZ, 1 << 20);
			for (ssize_t n; (n = write(p[1], block, sizeof(block))) > 0;)
				total += n;
		}
		pause();
	}
	sleep(1);
	return done();
}
