/* Floods the tripwire from many threads and processes that die with their call unanswered.
 * judge: family=syscalls invariants=I-29,I-32,I-34 verdicts=security_violation done=no
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <sys/mount.h>
#include <unistd.h>

#include "report.h"

static void *
trip(void *arg)
{
	for (;;)
		umount2(arg, 0);
	return NULL;
}

int
main(void)
{
	for (int i = 0; i < 20; i++) {
		pid_t p = fork();
		pthread_t t;

		if (p == 0)
			trip("/");
		pthread_create(&t, NULL, trip, "/usr");
		kill(p, SIGKILL);
	}
	sleep(5);
	report(0, "flood", "was not ended");
	return done();
}
