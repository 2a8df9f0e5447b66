/* Descendants keep stdout open and write after the program's end: none of it counts.
 * judge: family=processes invariants=I-29,I-32,I-18 limits=cpuMs:3000,wallMs:6000 forbid=LATE repeat=2
 */
#define _GNU_SOURCE
#include <signal.h>
#include <unistd.h>

#include "report.h"

int
main(void)
{
	if (fork() == 0) {
		setsid();
		signal(SIGPIPE, SIG_IGN);
		sleep(1);
		for (;;)
			if (write(1, "LATE\n", 5) == -1)
				usleep(1000);
	}
	return done();
}
