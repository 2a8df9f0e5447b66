/* Makes, renames, links and deletes as fast as it can, in several processes, until it is ended.
 * judge: family=disk slice=no invariants=I-29,I-31,I-34 limits=cpuMs:1200,wallMs:3000 verdicts=time_limit,ok done=no
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int
main(void)
{
	char a[64], b[64];

	for (int i = 0; i < 3; i++)
		fork();
	srand((unsigned)getpid());
	for (;;) {
		snprintf(a, sizeof(a), "/work/%d", rand() % 500);
		snprintf(b, sizeof(b), "/work/%d/%d", rand() % 500, rand() % 50);
		mkdir(a, (mode_t)(rand() & 0777));
		close(open(b, O_CREAT | O_WRONLY, (mode_t)(rand() & 07777)));
		link(b, a);
		symlink(b, a);
		rename(a, b);
		rename(b, a);
		if (rand() % 3 == 0) {
			unlink(b);
			rmdir(a);
		}
		chmod(a, 0);
	}
}
