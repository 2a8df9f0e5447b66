/* How many workers: enough for the next request, and not many more. */
#include "unit.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "app/crowd.h"

static void
more_when_few_are_left(void **state)
{
	static const struct {
		const char *what;
		struct crowd_bounds b;
		unsigned have, idle, more;
	} cases[] = {
		{ "below the least", { 8, 64, 2, 0 }, 5, 5, 3 },
		{ "enough are idle", { 8, 64, 2, 0 }, 8, 3, 0 },
		{ "a few are left", { 8, 64, 2, 0 }, 8, 2, 1 },
		{ "one for five that wait", { 8, 64, 2, 0 }, 8, 0, 2 },
		{ "ceil", { 8, 256, 4, 0 }, 35, 0, 7 },
		{ "three for each slot at once", { 8, 256, 2, 0 }, 200, 0, 6 },
		{ "and if there is one", { 8, 256, 1, 0 }, 200, 0, 6 },
		{ "no more where there are many", { 8, 1024, 32, 0 }, 600, 0, 96 },
		{ "all of them run", { 2, 64, 8, 0 }, 4, 0, 1 },
		{ "slots not known", { 8, 64, 0, 0 }, 10, 0, 2 },
		{ "not above the most", { 8, 64, 2, 0 }, 62, 0, 2 },
		{ "at the most", { 8, 64, 2, 0 }, 64, 0, 0 },
		{ "least is most", { 4, 4, 2, 0 }, 4, 0, 0 },
	};

	(void)state;
	for (unsigned i = 0; i < LENGTH(cases); i++)
		CHECK_INT(cases[i].what,
		    crowd_more(&cases[i].b, cases[i].have, cases[i].idle), cases[i].more);
}

static void
fewer_when_many_are_idle(void **state)
{
	const struct crowd_bounds b = { 8, 64, 2, 0 };

	(void)state;
	assert_true(crowd_has_spare(&b, 20, 6));
	assert_false(crowd_has_spare(&b, 20, 5));
	assert_false(crowd_has_spare(&b, 8, 8));
}

/* Everybody busy at once gets there, whatever the number. */
static void
a_rush_is_met(void **state)
{
	const struct crowd_bounds b = { 8, 256, 2, 0 };
	unsigned have = 8, rounds = 0;

	(void)state;
	for (; have < 200; rounds++) {
		assert_true(crowd_more(&b, have, 0) > 0);
		have += crowd_more(&b, have, 0);
	}
	assert_in_range(rounds, 1, 40); /* six at once, so a little more than 192 / 6 */
}

/* The bell as the master hears it: as a signal, or not at all. */
static bool
rings(void)
{
	const struct timespec none = { 0 };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, CROWD_BELL);
	return sigtimedwait(&set, NULL, &none) == CROWD_BELL;
}

static void
from_a_child(struct crowd *c, unsigned place, bool busy)
{
	pid_t pid = fork();

	if (pid == 0) {
		crowd_busy(c, place, busy);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void
the_bell_rings_when_few_are_left(void **state)
{
	struct crowd *c;
	struct err e = { 0 };
	unsigned place[4];
	sigset_t set;

	(void)state;
	sigemptyset(&set);
	sigaddset(&set, CROWD_BELL);
	sigprocmask(SIG_BLOCK, &set, NULL);
	CHECK_OK(crowd_open(&c, &e), e);
	for (unsigned i = 0; i < 4; i++)
		place[i] = crowd_enter(c, 1000 + i);
	crowd_listen(c, true);
	from_a_child(c, place[0], true);
	assert_false(rings()); /* three are left */
	assert_true(crowd_idle_since(c, place[0]) == UINT64_MAX);
	from_a_child(c, place[1], true);
	assert_true(rings());
	from_a_child(c, place[2], true);
	assert_false(rings()); /* it was heard: not again before it is answered */
	crowd_listen(c, true);
	assert_false(rings());
	from_a_child(c, place[3], true);
	assert_true(rings());
	crowd_listen(c, false);
	from_a_child(c, place[3], false);
	from_a_child(c, place[3], true);
	assert_false(rings()); /* there may not be more */
	from_a_child(c, place[2], false);
	assert_true(crowd_idle_since(c, place[2]) > 1003);
	crowd_leave(c, place[3]); /* it died with a request in hand */
	CHECK_INT("its place is free", crowd_enter(c, 7), place[3]);
	CHECK_INT("and idle", crowd_idle_since(c, place[3]), 7);
}

static void
there_is_an_end_of_places(void **state)
{
	struct crowd *c;
	struct err e = { 0 };

	(void)state;
	CHECK_OK(crowd_open(&c, &e), e);
	for (unsigned i = 0; i < CROWD_PLACES; i++)
		CHECK_INT("place", crowd_enter(c, 0), i);
	CHECK_INT("full", crowd_enter(c, 0), CROWD_NOWHERE);
	crowd_busy(c, CROWD_NOWHERE, true); /* nothing */
	crowd_leave(c, CROWD_NOWHERE);
	assert_true(crowd_idle_since(c, CROWD_NOWHERE) == UINT64_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(more_when_few_are_left),
		cmocka_unit_test(fewer_when_many_are_idle),
		cmocka_unit_test(a_rush_is_met),
		cmocka_unit_test(the_bell_rings_when_few_are_left),
		cmocka_unit_test(there_is_an_end_of_places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
