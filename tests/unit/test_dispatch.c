/* Who waits for whose compile, and never for ever.  No slot runs here: the tests are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "sandbox/dispatch.h"
#include "sandbox/slot_run.h"
#include "tree.h"

#define CLIENTS 3

static const struct config config = { .max_wait = 3600000,
	.jobs_bytes = 1 << 30,
	.caps = { .cpu_ms = 10000,
	    .wall_ms = 20000,
	    .memory_bytes = 1 << 30,
	    .processes = 100,
	    .file_bytes = 1 << 20,
	    .stack_bytes = 1 << 26,
	    .open_files = 256,
	    .cpu_share = 64000 } };
static const struct wire_limits limits = { .cpu_us = 1000000,
	.wall_us = 2000000,
	.memory_bytes = 64 << 20,
	.stack_bytes = 8 << 20,
	.processes = 8,
	.open_files = 64 };
static struct languages *languages;
static char dir[] = "/tmp/judgebox-test-XXXXXX";

struct house {
	struct loop loop;
	struct slot_host slots;
	struct cache *cache;
	struct dispatch d;
	int client[CLIENTS];
	struct session *session[CLIENTS];
	struct run *runs; /* in the slot */
};

static void
say(struct house *h, unsigned i, enum wire_type type, const void *body, const int *fds,
    unsigned nfds)
{
	struct err e = { 0 };

	assert_int_equal(wire_send(h->client[i], type, body, fds, nfds, &e), 0);
	assert_int_equal(loop_turn(&h->loop, 1000, &e), 0);
}

/* The next answer, or 0: there is none. */
static int
hear(struct house *h, unsigned i, struct wire_message *m)
{
	struct err e = { 0 };
	int fds[WIRE_FDS_MAX];
	unsigned n;

	return wire_recv(h->client[i], m, fds, &n, &e) == 0 ? m->head.type : 0;
}

static int
ask_job(struct house *h, unsigned i, struct wire_job job, struct wire_message *m)
{
	struct bundle_writer w = { 0 };
	struct err e = { 0 };

	snprintf(job.language, sizeof(job.language), "made");
	assert_int_equal(bundle_add(&w, "main.x", "the same", 8, &e), 0);
	int fd = bundle_seal(&w, &e);
	bundle_free(&w);
	say(h, i, WIRE_JOB, &job, &fd, 1);
	close(fd);
	return hear(h, i, m);
}

static void
open_job(struct house *h, unsigned i)
{
	struct wire_message m;

	say(h, i, WIRE_HELLO, NULL, NULL, 0);
	assert_int_equal(hear(h, i, &m), WIRE_WELCOME);
	assert_int_equal(ask_job(h, i, (struct wire_job){ 0 }, &m), WIRE_READY);
}

static void
house_open(struct house *h)
{
	struct err e = { 0 };

	memset(h, 0, sizeof(*h));
	assert_int_equal(loop_open(&h->loop, &e), 0);
	assert_int_equal(cache_open("", 0, &h->cache, &e), 0);
	h->slots = (struct slot_host){ .loop = &h->loop, .config = &config };
	assert_int_equal(
	    dispatch_start(&h->d, &h->slots, languages, h->cache, 0, 0, &e), 0);
	slot_init(&h->d.fleet.slot[0], &h->slots, &slot_run_ears, 0, 0);
	h->d.fleet.n = h->d.fleet.nall =
	    1; /* and down: what is submitted stays where it is */
	for (unsigned i = 0; i < CLIENTS; i++) {
		int pair[2];

		assert_int_equal(
		    socketpair(
			AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair),
		    0);
		assert_int_equal(dispatch_connect(&h->d, pair[0], &e), 0);
		h->client[i] = pair[1];
		h->session[i] = h->d.sessions;
		open_job(h, i);
	}
}

static void
house_close(struct house *h)
{
	h->d.fleet.n = h->d.fleet.nall = 0;
	dispatch_end(&h->d);
	cache_close(h->cache);
	for (unsigned i = 0; i < CLIENTS; i++)
		close(h->client[i]);
	close(h->loop.epoll);
}

static void
ask_compile_within(struct house *h, unsigned i, struct wire_limits within)
{
	const struct wire_compile c = { .tag = 1, .limits = within };
	int p[2];

	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	say(h, i, WIRE_COMPILE, &c, (int[2]){ p[1], p[1] }, 2);
	fd_close_all(p, 2);
}

static void
ask_compile(struct house *h, unsigned i)
{
	ask_compile_within(h, i, limits);
}

static void
ask_version(struct house *h, unsigned i)
{
	const struct wire_run r = { .tag = 2 + h->session[i]->pending,
		.stage = WIRE_STAGE_VERSION,
		.limits = limits };
	int p[2];

	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	say(h, i, WIRE_RUN, &r, (int[2]){ p[1], p[1] }, 2);
	fd_close_all(p, 2);
}

/* What happens when its turn comes and a slot is free; does it run, or wait? */
static bool
begin(struct house *h, unsigned i)
{
	struct run *r = h->session[i]->queue;

	assert_true(r != NULL && r->kind == RUN_COMPILE && !r->waits);
	if (!twins_start(&h->d.twins, h->d.sessions, r))
		return false;
	assert_null(h->runs);
	h->session[i]->queue = r->next;
	h->runs = r;
	return true;
}

/* The slot is through with it. */
static void
end(struct house *h, unsigned i, bool well)
{
	struct wire_outcome o = { .tag = 1, .violation = -1 };
	struct run *r = h->runs;
	struct wire_message m;
	struct err e = { 0 };

	h->runs = NULL;
	if (well) {
		int fd = fd_memfd("artifact", "made", 4, &e);

		assert_int_equal(job_adopt(r->job, fd, false, &e), 0);
		close(fd);
	}
	h->slots.done(h->slots.owner, &h->d.fleet.slot[0], r, &o);
	assert_int_equal(hear(h, i, &m), WIRE_OUTCOME);
}

static bool
waits(const struct house *h, unsigned i)
{
	return h->session[i]->queue != NULL && h->session[i]->queue->waits;
}

/* What STATUS says of the cache. */
static void
check_counts(struct house *h, uint64_t hits, uint64_t misses)
{
	struct wire_message m;

	say(h, CLIENTS - 1, WIRE_STATUS, NULL, NULL, 0);
	while (hear(h, CLIENTS - 1, &m) != WIRE_STATE)
		assert_int_equal(m.head.type, WIRE_OUTCOME);
	assert_int_equal(m.body.state.cache_hits, hits);
	assert_int_equal(m.body.state.cache_misses, misses);
}

static void
hits_and_misses_of_the_cache_are_counted(void **state)
{
	const struct wire_keep keep = { .keep = 1 };
	char cache[] = "/tmp/judgebox-cache-XXXXXX";
	struct wire_message m;
	struct err e = { 0 };
	struct house h;

	(void)state;
	house_open(&h);
	cache_close(h.cache);
	assert_non_null(mkdtemp(cache));
	assert_int_equal(cache_open(cache, 1 << 20, &h.cache, &e), 0);
	h.d.twins.cache = h.cache;
	ask_compile(&h, 0);
	check_counts(&h, 0, 0); /* who waits is neither yet */
	assert_true(begin(&h, 0));
	ask_compile(&h, 1);
	check_counts(&h, 0, 1);
	end(&h, 0, true);
	say(&h, 0, WIRE_KEEP, &keep, NULL, 0);
	assert_int_equal(hear(&h, 1, &m), WIRE_OUTCOME);
	assert_int_equal(m.body.outcome.cached, 1);
	check_counts(&h, 1, 1);
	house_close(&h);
	assert_int_equal(tree_remove(cache), 0);
}

static void
a_leader_who_says_nothing_is_not_waited_for(void **state)
{
	struct wire_keep keep = { 0 };
	struct house h;

	(void)state;
	house_open(&h);
	ask_compile(&h, 0);
	assert_true(begin(&h, 0));
	ask_compile(&h, 1);
	assert_true(waits(&h, 1));
	assert_int_equal(dispatch_timeout_ms(&h.d), -1);
	end(&h, 0, true);
	assert_in_range(dispatch_timeout_ms(&h.d), 1, 1001);
	dispatch_check(&h.d);
	assert_true(waits(&h, 1));
	h.session[0]->job->made_us -= 2000000;
	h.d.twins.due_us -= 2000000;
	dispatch_check(&h.d);
	assert_false(waits(&h, 1));
	say(&h, 0, WIRE_KEEP, &keep, NULL, 0); /* late, but no fault */
	assert_int_equal(h.d.nsessions, CLIENTS);
	house_close(&h);
}

static void
a_leader_of_whom_nothing_comes_is_not_waited_for(void **state)
{
	struct house h;

	(void)state;
	house_open(&h);
	ask_compile(&h, 0);
	assert_true(begin(&h, 0));
	ask_compile(&h, 1);
	ask_compile(&h, 2);
	assert_true(waits(&h, 1) && waits(&h, 2));
	end(&h, 0, false);
	assert_true(!waits(&h, 1) && !waits(&h, 2));
	assert_true(begin(&h, 1));
	assert_false(begin(&h, 2)); /* one of them is enough */
	end(&h, 1, false);
	check_counts(&h, 0, 2);
	house_close(&h);
}

/* Who was first to ask may be the last to run: nobody gives his own turn away for his. */
static void
who_waits_himself_is_not_waited_for(void **state)
{
	struct house h;

	(void)state;
	house_open(&h);
	ask_compile(&h, 0);
	ask_compile(&h, 1);
	assert_true(!waits(&h, 0) && !waits(&h, 1));
	assert_true(begin(&h, 1));
	assert_false(begin(&h, 0));
	assert_true(waits(&h, 0));
	end(&h, 1, false);
	house_close(&h);
}

static void
who_has_less_is_not_waited_for(void **state)
{
	struct wire_limits less[] = { limits, limits, limits, limits };

	(void)state;
	less[0].cpu_share_milli = 1;
	less[1].memory_bytes--;
	less[2].no_fork = 1;
	less[3].cpu_us--;
	for (unsigned k = 0; k < sizeof(less) / sizeof(less[0]); k++) {
		struct house h;

		house_open(&h);
		ask_compile_within(&h, 0, less[k]);
		assert_true(begin(&h, 0));
		ask_compile(&h, 1);
		ask_compile_within(&h, 2, less[k]);
		assert_true(!waits(&h, 1) && waits(&h, 2));
		end(&h, 0, false);
		house_close(&h);
	}
}

static void
what_stands_around_a_waiting_compile_is_not_lost(void **state)
{
	struct house h;

	(void)state;
	house_open(&h);
	ask_compile(&h, 0);
	assert_true(begin(&h, 0));
	ask_version(&h, 1);
	ask_compile(&h, 1);
	ask_version(&h, 1);
	struct run *first = h.session[1]->queue;
	assert_true(first->next->waits);
	end(&h, 0, true);
	say(&h, 0, WIRE_END, NULL, NULL, 0);
	assert_ptr_equal(h.session[1]->queue, first);
	assert_false(first->next->waits);
	assert_non_null(first->next->next);
	assert_int_equal(h.session[1]->pending, 3);
	house_close(&h);
}

/* One long job of many tests waits; who shares its place is told to come again, a key of
 * its own is not. */
static void
the_wait_is_bounded_in_time(void **state)
{
	const struct wire_job lot = { .tests = WIRE_TESTS_MAX },
			      other = { .tests = 5, .tenant.key = 7 };
	struct wire_state st;
	struct wire_message m;
	struct house h;

	(void)state;
	house_open(&h);
	for (unsigned i = 0; i < CLIENTS; i++)
		say(&h, i, WIRE_END, NULL, NULL, 0);
	assert_int_equal(ask_job(&h, 0, lot, &m), WIRE_READY);
	assert_int_equal(m.body.ready.position, 0);
	ask_compile(&h, 0);
	assert_int_equal(ask_job(&h, 1, lot, &m), WIRE_BUSY);
	assert_int_equal(m.body.busy.why, WIRE_BUSY_WAIT);
	assert_in_range(m.body.busy.retry_us, 1000000, 61000000);
	assert_int_equal(ask_job(&h, 1, other, &m), WIRE_READY);
	assert_int_equal(m.body.ready.position, 1);
	assert_in_range(m.body.ready.wait_us, 1, 3600000000);
	say(&h, 1, WIRE_STATUS, NULL, NULL, 0);
	assert_int_equal(hear(&h, 1, &m), WIRE_STATE);
	st = m.body.state;
	assert_true(st.jobs == 2 && st.queued == 1 && st.refused == 1);
	assert_int_equal(st.tenants, 2);
	assert_in_range(st.oldest_us, 0, 60000000);
	house_close(&h);
}

static void
a_key_has_so_many_jobs_open(void **state)
{
	const struct wire_job keyed = { .tenant = { .key = 7, .jobs_max = 2 } },
			      user = { .tenant = { .key = 7, .user = 1, .jobs_max = 3 } };
	struct wire_message m;
	struct house h;

	(void)state;
	house_open(&h);
	for (unsigned i = 0; i < CLIENTS; i++)
		say(&h, i, WIRE_END, NULL, NULL, 0);
	assert_int_equal(ask_job(&h, 0, keyed, &m), WIRE_READY);
	assert_int_equal(ask_job(&h, 1, user, &m), WIRE_READY);
	assert_int_equal(ask_job(&h, 2, keyed, &m), WIRE_BUSY);
	assert_int_equal(m.body.busy.why, WIRE_BUSY_JOBS);
	assert_int_equal(ask_job(&h, 2, user, &m), WIRE_READY);
	say(&h, 0, WIRE_END, NULL, NULL, 0);
	/* two of this user's are three quarters of three, and one place is others' */
	assert_int_equal(ask_job(&h, 0, user, &m), WIRE_READY);
	say(&h, 0, WIRE_END, NULL, NULL, 0);
	say(&h, 1, WIRE_END, NULL, NULL, 0);
	assert_int_equal(ask_job(&h, 0, keyed, &m), WIRE_READY);
	house_close(&h);
}

/* One that has two spare slots, and whose only other is held by client 0. */
static void
hold_the_slot(struct house *h, struct run *r, uint64_t key)
{
	struct wire_message m;

	house_open(h);
	for (unsigned i = 1; i < CLIENTS; i++)
		slot_init(&h->d.fleet.slot[i], &h->slots, &slot_run_ears, i, 0);
	h->d.fleet.slot[1].dismissed = h->d.fleet.slot[2].dismissed = true;
	h->d.fleet.nall = 3;
	for (unsigned i = 0; i < CLIENTS; i++)
		say(h, i, WIRE_END, NULL, NULL, 0);
	const struct wire_job job = { .tenant = { .key = key, .user = 1 } };
	assert_int_equal(ask_job(h, 0, job, &m), WIRE_READY);
	*r = (struct run){ .started_us = clock_us(), .kind = RUN_TEST };
	share_start(h->d.share, h->session[0]->seat, SHARE_ORDINARY, 1000, &r->bill);
	h->d.fleet.slot[0].run = r;
	h->d.fleet.slot[0].state = SLOT_BUSY;
}

static void
let_go(struct house *h, struct run *r)
{
	share_end(h->d.share, &r->bill, 1000);
	h->d.fleet.slot[0].run = NULL;
	h->d.fleet.slot[0].state = SLOT_DOWN;
	h->d.fleet.slot[1].deadline_us = h->d.fleet.slot[2].deadline_us = SLOT_NEVER;
	house_close(h);
}

static unsigned
spare_called(const struct house *h)
{
	return !h->d.fleet.slot[1].dismissed + !h->d.fleet.slot[2].dismissed;
}

static void
a_spare_slot_is_called_when_runs_last(void **state)
{
	const struct wire_job job = { .tenant = { .key = 1, .user = 2 } };
	struct wire_message m;
	struct house h;
	struct run r;

	(void)state;
	hold_the_slot(&h, &r, 1);
	assert_int_equal(dispatch_timeout_ms(&h.d), -1); /* nobody waits */
	assert_int_equal(ask_job(&h, 1, job, &m), WIRE_READY);
	r.started_us = clock_us();
	ask_version(&h, 1);
	/* the run is new, it may be over soon */
	assert_int_equal(spare_called(&h), 0);
	assert_in_range(dispatch_timeout_ms(&h.d), 1, 201);
	r.started_us -= 1000000;
	ask_version(&h, 1);
	assert_int_equal(spare_called(&h), 1);
	assert_int_equal(dispatch_timeout_ms(&h.d), 0);
	ask_version(&h, 1); /* it is on its way: no second one */
	assert_int_equal(spare_called(&h), 1);
	let_go(&h, &r);
}

static void
no_spare_slot_is_called_for_who_holds_the_others(void **state)
{
	const struct wire_job same = { .tenant = { .key = 1, .user = 1 } };
	struct wire_message m;
	struct house h;
	struct run r;

	(void)state;
	hold_the_slot(&h, &r, 1);
	r.started_us -= 1000000;
	for (unsigned i = 1; i < CLIENTS; i++) {
		assert_int_equal(ask_job(&h, i, same, &m), WIRE_READY);
		ask_version(&h, i);
	}
	assert_int_equal(spare_called(&h), 0);
	assert_int_equal(dispatch_timeout_ms(&h.d), -1);
	let_go(&h, &r);
}

/* The only spare slot is for keys, once there are any. */
static void
one_spare_slot_is_kept_for_keys(void **state)
{
	static const struct {
		uint64_t holder, key;
		unsigned called;
	} cases[] = { { 0, 0, 1 }, { 1, 1, 0 }, { 1, 2, 1 }, { 1, 0, 1 } };
	struct wire_message m;
	struct house h;
	struct run r;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct wire_job job = { .tenant = {
						  .key = cases[i].key, .user = 2 } };

		hold_the_slot(&h, &r, cases[i].holder);
		h.d.fleet.nall = 2;
		r.started_us -= 1000000;
		assert_int_equal(ask_job(&h, 1, job, &m), WIRE_READY);
		ask_version(&h, 1);
		assert_int_equal(spare_called(&h), cases[i].called);
		let_go(&h, &r);
	}
}

/* All of it stands in one queue only, and leaves it with its client. */
static void
who_leaves_takes_his_runs_along(void **state)
{
	struct wire_message m;
	struct err e = { 0 };
	struct house h;

	(void)state;
	house_open(&h);
	ask_version(&h, 0);
	ask_version(&h, 0);
	ask_version(&h, 1);
	close(h.client[0]);
	assert_int_equal(loop_turn(&h.loop, 1000, &e), 0);
	assert_int_equal(h.d.nsessions, CLIENTS - 1);
	say(&h, 1, WIRE_STATUS, NULL, NULL, 0);
	assert_int_equal(hear(&h, 1, &m), WIRE_STATE);
	assert_true(m.body.state.queued == 1 && m.body.state.jobs == CLIENTS - 1);
	h.client[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	house_close(&h);
}

/* It may announce nothing, and ask all the same. */
static void
who_sits_idle_is_expected_to_run_something(void **state)
{
	struct wire_message m;
	struct house h;

	(void)state;
	house_open(&h);
	for (unsigned i = 0; i < CLIENTS; i++) {
		ask_compile(&h, i);
		assert_true(begin(&h, i));
		end(&h, i, true);
		h.session[i]->job->leads = false; /* each for itself */
	}
	say(&h, 0, WIRE_STATUS, NULL, NULL, 0);
	assert_int_equal(hear(&h, 0, &m), WIRE_STATE);
	assert_int_equal(m.body.state.wait_us, CLIENTS * 50000);
	house_close(&h);
}

/* Its next message may never come; it is not dropped under those who answer it. */
static void
who_does_not_read_is_dropped_from_the_loop(void **state)
{
	struct house h;

	(void)state;
	house_open(&h);
	ask_version(&h, 0);
	ask_compile(&h, 1);
	struct run *r = h.session[0]->queue;
	while (send(h.session[0]->peer.fd, "x", 1, MSG_DONTWAIT) == 1)
		;
	h.session[0]->queue = NULL;
	h.slots.done(
	    h.slots.owner, &h.d.fleet.slot[0], r, &(struct wire_outcome){ .tag = 2 });
	assert_int_equal(h.d.nsessions, CLIENTS);
	dispatch_check(&h.d);
	assert_int_equal(h.d.nsessions, CLIENTS - 1);
	assert_int_equal(h.session[1]->pending, 1);
	house_close(&h);
}

static int
set_up(void **state)
{
	static const char text[] =
	    "id=\"made\"; source=\"main.x\"; run=[\"./a\"]; compile=[\"/bin/cc\"]; "
	    "artifact=\"a\"; class=\"native\"; compile_class=\"compiler\";";
	char path[128];
	struct err e = { 0 };

	(void)state;
	assert_non_null(mkdtemp(dir));
	chmod(dir, 0755);
	snprintf(path, sizeof(path), "%s/made.conf", dir);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	int r = languages_load(dir, &languages, &e);
	unlink(path);
	rmdir(dir);
	return r;
}

static int
tear_down(void **state)
{
	(void)state;
	languages_free(languages);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hits_and_misses_of_the_cache_are_counted),
		cmocka_unit_test(a_leader_who_says_nothing_is_not_waited_for),
		cmocka_unit_test(a_leader_of_whom_nothing_comes_is_not_waited_for),
		cmocka_unit_test(who_waits_himself_is_not_waited_for),
		cmocka_unit_test(who_has_less_is_not_waited_for),
		cmocka_unit_test(what_stands_around_a_waiting_compile_is_not_lost),
		cmocka_unit_test(the_wait_is_bounded_in_time),
		cmocka_unit_test(a_key_has_so_many_jobs_open),
		cmocka_unit_test(a_spare_slot_is_called_when_runs_last),
		cmocka_unit_test(no_spare_slot_is_called_for_who_holds_the_others),
		cmocka_unit_test(one_spare_slot_is_kept_for_keys),
		cmocka_unit_test(who_leaves_takes_his_runs_along),
		cmocka_unit_test(who_sits_idle_is_expected_to_run_something),
		cmocka_unit_test(who_does_not_read_is_dropped_from_the_loop),
	};

	if (geteuid() != 0)
		return 77; /* language files must be root's */
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
