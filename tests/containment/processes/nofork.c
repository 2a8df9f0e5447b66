/* Where a profile forbids processes: none by fork, vfork, clone, clone3 or posix_spawn.
 * judge: family=processes invariants=I-25,I-33 causes=K profile=letscode
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "report.h"

static void *
thread(void *arg)
{
	return arg;
}

int
main(void)
{
	pid_t p;
	pthread_t t;
	static const unsigned long flags[] = { 0, SIGCHLD, 0x100 | SIGCHLD, 0x4100 | SIGCHLD, 0x800 | SIGCHLD, 0xf00 | SIGCHLD, 0x20001711, 0x04004111, 0x8000 | SIGCHLD };

	refused("fork", syscall(SYS_fork));
	refused("vfork", syscall(SYS_vfork));
	for (int i = 0; i < 7; i++) {
		refused("clone", syscall(SYS_clone, flags[i], 0, 0, 0, 0));
		refused("clone-high", syscall(SYS_clone, 0xffffffff00000000ul | flags[i], 0, 0, 0, 0));
	}
	report(posix_spawn(&p, "/usr/bin/true", NULL, NULL, (char *[]){ "true", NULL }, NULL) != 0, "spawn", "worked");
	report(pthread_create(&t, NULL, thread, NULL) == 0 && pthread_join(t, NULL) == 0, "thread", "is refused too");
	return done();
}
