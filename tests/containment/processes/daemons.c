/* Daemons of every kind outlive the program; the answer does not wait, the box ends them.
 * judge: family=processes invariants=I-29,I-34 limits=cpuMs:3000,wallMs:6000 repeat=2
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "report.h"

int
main(void)
{
	for (int kind = 0; kind < 6; kind++) {
		pid_t p = fork();

		if (p != 0)
			continue;
		setsid();
		if (fork() != 0)
			_exit(0);
		if (kind == 1)
			for (int fd = 0; fd < 3; fd++)
				close(fd);
		if (kind == 2)
			prctl(PR_SET_NAME, "kworker/0:0");
		if (kind == 3)
			execl("/usr/bin/sleep", "[kthreadd]", "1000", NULL);
		if (kind == 4)
			for (;;)
				;
		if (kind == 5)
			for (;;)
				if (fork() == 0)
					_exit(0);
		for (;;)
			pause();
	}
	return done();
}
