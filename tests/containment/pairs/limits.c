/* Two at a time: one uses up what is counted per user, the other has all of its own.
 * judge: family=pairs slice=no invariants=I-36,I-37,I-21 pair=beside limits=wallMs:8000,cpuMs:5000,openFiles:256
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "report.h"

int
main(int argc, char **argv)
{
	long began = clock_ms();
	int a = argc > 1 && argv[1][0] == 'a', p[2];
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	if (a) {
		while (sigqueue(getpid(), SIGRTMIN, (union sigval){ 0 }) == 0)
			;
		while (pipe(p) == 0)
			fcntl(p[0], F_SETPIPE_SZ, 1 << 20);
		for (int i = 0; i < 40; i++)
			if (fork() == 0)
				pause();
		while (clock_ms() < began + 900)
			usleep(1000);
	} else
		while (clock_ms() < began + 800) {
			long n = 0;
			while (n < 200 && sigqueue(getpid(), SIGRTMIN, (union sigval){ 0 }) == 0)
				n++;
			for (siginfo_t si; sigtimedwait(&all, &si, &(struct timespec){ 0, 0 }) > 0;)
				;
			report(n == 200, "signals", "%ld", n);
			if (pipe(p) != 0 || fcntl(p[0], F_SETPIPE_SZ, 1 << 20) != 1 << 20)
				report(0, "pipe", "%s", strerror(errno));
			close(p[0]);
			close(p[1]);
			usleep(20000);
		}
	span(began);
	return done();
}
