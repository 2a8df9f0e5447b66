/* The life of a slot, with a process that only waits in place of judgebox-slot. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "sandbox/slot.h"
#include "sandbox/slot_run.h"
#include "sandbox/slot_spawn.h"

static unsigned downs;

/* --- in place of cgroup.c and slot_spawn.c --- */

bool
cgroups_v2(const struct cgroups *g)
{
	(void)g;
	return false;
}

int
cgroups_make_slot(struct cgroups *g, unsigned slot, int fd[METER_MAX_], struct err *e)
{
	(void)g;
	(void)slot;
	(void)e;
	for (int i = 0; i < METER_MAX_; i++)
		fd[i] = open("/dev/null", O_RDWR | O_CLOEXEC);
	return 0;
}

int
cgroups_drop_slot(struct cgroups *g, unsigned slot, struct err *e)
{
	(void)g;
	(void)slot;
	(void)e;
	return 0;
}

int
slot_spawn(struct slot_spawn *s, struct err *e)
{
	int pair[2];

	(void)e;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	s->pid = fork();
	if (s->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0); /* if a test fails */
		close(pair[0]);
		pause();
		_exit(0);
	}
	close(pair[1]);
	s->pidfd = (int)syscall(SYS_pidfd_open, s->pid, 0);
	s->control = pair[0];
	return 0;
}

/* --- tests --- */

static void
count_down(void *owner, struct slot *s, const struct err *why)
{
	(void)owner;
	(void)s;
	(void)why;
	downs++;
}

static void
assert_all_dead(void)
{
	errno = 0;
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static void
a_slot_that_cannot_be_watched_is_tried_again(void **state)
{
	static const struct config config;
	struct loop loop = { .epoll = -1 };
	struct slot_host host = { .loop = &loop, .config = &config, .down = count_down };
	struct slot s;
	struct err e = { 0 };

	(void)state;
	slot_init(&s, &host, &slot_run_ears, 0, 0);
	assert_int_equal(slot_start(&s, &e), -1);
	assert_int_equal(s.state, SLOT_DOWN);
	assert_all_dead();
	downs = 0;
	for (unsigned i = 1; i <= 2; i++) {
		uint64_t now = clock_us();

		s.deadline_us = now;
		slot_check(&s, now);
		assert_int_equal(s.state, SLOT_DOWN);
		assert_true(s.deadline_us > now && s.deadline_us < now + 60000000);
		assert_int_equal(s.failures, i);
		assert_int_equal(downs, i);
		assert_all_dead();
	}
	assert_int_equal(loop_open(&loop, &e), 0);
	slot_check(&s, s.deadline_us);
	assert_int_equal(s.state, SLOT_STARTING);
	slot_end(&s);
	assert_all_dead();
	close(loop.epoll);
}

/* I-29: the first alarm is 0.2 s after the run's time on the clock, see slot_order.c. */
static void
an_overdue_run_has_two_seconds(void **state)
{
	static const struct config config;
	struct slot_host host = { .config = &config };
	struct run run = { 0 };
	struct slot s;

	(void)state;
	slot_init(&s, &host, &slot_run_ears, 0, 0);
	s.state = SLOT_BUSY;
	s.run = &run;
	s.run_sent = true;
	s.deadline_us = 5000000;
	slot_check(&s, 4999999);
	assert_int_equal(s.deadline_us, 5000000);
	slot_check(&s, 5000000);
	assert_true(s.helped);
	assert_in_range(s.deadline_us, 5000001, 5000000 + 1800000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_slot_that_cannot_be_watched_is_tried_again),
		cmocka_unit_test(an_overdue_run_has_two_seconds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
