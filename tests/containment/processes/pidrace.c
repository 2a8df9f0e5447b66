/* Races the end of the box: forks as fast as it can while the program exits.
 * judge: family=processes slice=no invariants=I-04,I-29,I-34,I-18 done=no verdicts=ok,time_limit repeat=8 limits=cpuMs:1000,wallMs:2000
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <unistd.h>

static void *
breed(void *arg)
{
	for (;;)
		if (fork() == 0 && fork() == 0)
			breed(arg);
	return NULL;
}

int
main(void)
{
	pthread_t t;

	for (int i = 0; i < 4; i++)
		pthread_create(&t, NULL, breed, NULL);
	usleep(3000);
	_exit(0);
}
