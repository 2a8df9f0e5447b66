/* Fills signal queues and timers, which are counted per user on the whole machine.
 * judge: family=signals invariants=I-37,I-33,I-34
 */
#define _GNU_SOURCE
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "report.h"

int
main(void)
{
	sigset_t all;
	long queued = 0, timers = 0;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	while (queued < 100000 && sigqueue(getpid(), SIGRTMIN, (union sigval){ 0 }) == 0)
		queued++;
	report(queued <= 256, "queue", "%ld signals", queued);
	for (timer_t t; timers < 100000; timers++) {
		struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN };
		struct itimerspec it = { { 0, 1 }, { 0, 1 } };

		if (timer_create(CLOCK_MONOTONIC, &ev, &t) == -1)
			break;
		timer_settime(t, 0, &it, NULL);
	}
	report(timers <= 256, "timers", "%ld", timers);
	return done();
}
