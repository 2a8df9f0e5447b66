/* Work that is done beside the loop: what comes back, and that nobody waits for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "sandbox/chore.h"

struct place {
	struct loop loop;
	struct chore chore;
	struct watcher other;
	int ask[2];   /* what a chore waits for */
	int other_in; /* makes the other watcher ready */
	unsigned others;
	bool done;
	struct err why;
	int made[CHORE_MADE];
};

static void
on_done(void *owner, const struct err *why, int made[CHORE_MADE])
{
	struct place *p = owner;

	p->done = true;
	p->why = *why;
	memcpy(p->made, made, sizeof(p->made));
}

static void
on_other(struct watcher *w, uint32_t events)
{
	struct place *p = w->owner;
	char c;

	(void)events;
	assert_int_equal(read(w->fd, &c, 1), 1);
	p->others++;
}

static void
place_open(struct place *p)
{
	struct err e = { 0 };
	int other[2];

	*p = (struct place){ 0 };
	assert_int_equal(loop_open(&p->loop, &e), 0);
	assert_int_equal(pipe(p->ask), 0);
	assert_int_equal(pipe(other), 0);
	p->other_in = other[1];
	p->other = (struct watcher){ other[0], on_other, p };
	assert_int_equal(loop_add(&p->loop, &p->other, &e), 0);
	p->chore.done = on_done;
	p->chore.owner = p;
}

static void
place_close(struct place *p)
{
	int fds[] = { p->ask[0], p->ask[1], p->other.fd, p->other_in, p->loop.epoll };

	fd_close_all(fds, 5);
	fd_close_all(p->made, CHORE_MADE);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static void
turn_until_done(struct place *p)
{
	struct err e = { 0 };

	while (!p->done)
		assert_int_equal(loop_turn(&p->loop, 10000, &e), 0);
}

static void
start(struct place *p, chore_work *work)
{
	const int keep[CHORE_KEEP] = { p->ask[0], -1, -1, -1 };
	struct err e = { 0 };

	assert_int_equal(chore_start(&p->chore, &p->loop, work, p, keep, &e), 0);
}

/* Waits for a byte and returns it in a file. */
static int
wait_and_write(void *arg, int made[CHORE_MADE], struct err *e)
{
	struct place *p = arg;
	char c;

	if (read(p->ask[0], &c, 1) != 1)
		return err_sys(e, "read");
	made[0] = fd_memfd("t", &c, 1, e);
	return made[0] == -1 ? -1 : 0;
}

static void
others_are_served_meanwhile(void **state)
{
	struct place p;
	struct err e = { 0 };
	char c = 0;

	(void)state;
	place_open(&p);
	start(&p, wait_and_write);
	for (unsigned i = 0; i < 10; i++) {
		assert_int_equal(write(p.other_in, "o", 1), 1);
		assert_int_equal(loop_turn(&p.loop, 10000, &e), 0);
	}
	assert_int_equal(p.others, 10);
	assert_false(p.done);
	assert_int_equal(write(p.ask[1], "x", 1), 1);
	turn_until_done(&p);
	assert_int_equal(p.why.code, ERR_NONE);
	assert_int_equal(pread(p.made[0], &c, 1, 0), 1);
	assert_int_equal(c, 'x');
	assert_int_equal(p.made[1], -1);
	p.made[1] = -1;
	place_close(&p);
}

static int
refuse(void *arg, int made[CHORE_MADE], struct err *e)
{
	(void)arg, (void)made;
	return err_set(e, ERR_BAD_INPUT, "too sour");
}

static int
die(void *arg, int made[CHORE_MADE], struct err *e)
{
	(void)arg, (void)made, (void)e;
	raise(SIGKILL);
	return 0;
}

/* Only what it was given, and its way back, is open there. */
static int
count_descriptors(void *arg, int made[CHORE_MADE], struct err *e)
{
	unsigned n = 0;

	(void)arg, (void)made;
	for (int i = 3; i < 1000; i++)
		n += fcntl(i, F_GETFD) != -1;
	return err_set(e, ERR_BUSY, "%u", n);
}

static void
what_goes_wrong_is_told(void **state)
{
	static const struct {
		chore_work *work;
		enum err_code code;
		const char *msg;
	} cases[] = {
		{ refuse, ERR_BAD_INPUT, "too sour" },
		{ die, ERR_GONE, "a chore ended early: peer closed the socket" },
		{ count_descriptors, ERR_BUSY, "2" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct place p;

		place_open(&p);
		start(&p, cases[i].work);
		turn_until_done(&p);
		assert_int_equal(p.why.code, cases[i].code);
		assert_string_equal(p.why.msg, cases[i].msg);
		place_close(&p);
	}
}

static void
one_that_is_dropped_is_gone(void **state)
{
	struct place p;
	struct err e = { 0 };
	const int none[CHORE_KEEP] = { -1, -1, -1, -1 };

	(void)state;
	place_open(&p);
	chore_end(&p.chore); /* nothing to end */
	start(&p, wait_and_write);
	assert_int_equal(chore_start(&p.chore, &p.loop, refuse, &p, none, &e), -1);
	assert_string_equal(e.msg, "a chore is being done already");
	chore_end(&p.chore);
	assert_int_equal(write(p.other_in, "o", 1), 1);
	assert_int_equal(loop_turn(&p.loop, 10000, &e), 0);
	assert_false(p.done);
	p.made[0] = p.made[1] = -1;
	place_close(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(others_are_served_meanwhile),
		cmocka_unit_test(what_goes_wrong_is_told),
		cmocka_unit_test(one_that_is_dropped_is_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
