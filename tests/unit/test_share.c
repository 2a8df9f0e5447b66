/* Whose turn it is: fair to keys, users and jobs, over thousands of random runs. */
#include "unit.h"

#include <stdlib.h>

#include "sandbox/share.h"
#include "sandbox/tenants.h"

#define SLOTS_MAX 8
#define CROWD     64

/* A number generator of our own: the same run on every machine. */
static uint64_t
next_random(uint64_t *state, uint64_t below)
{
	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (*state >> 33) % below;
}

/* A client and what it got. */
struct guest {
	struct wire_tenant tenant;
	struct seat *seat;
	uint64_t runs_left; /* it leaves when they are done */
	uint64_t took_us, waits_since, longest_us;
	uint64_t run_us, guess_us;
	unsigned running;
};

struct box {
	struct guest *guest; /* NULL: free */
	struct share_bill bill;
	uint64_t began, ends;
};

/* Slots that play. */
struct play {
	struct share *sh;
	struct box box[SLOTS_MAX];
	unsigned slots;
	uint64_t now, random;
	struct guest guest[CROWD];
	unsigned guests;
};

static void
open_play(struct play *p, unsigned slots)
{
	struct err e = { 0 };

	memset(p, 0, sizeof(*p));
	p->sh = share_new(slots, slots, &e);
	assert_non_null(p->sh);
	p->slots = slots;
	p->random = 42;
}

static void
sit(struct play *p, struct guest *g)
{
	struct err e = { 0 };

	g->seat = share_join(p->sh, &g->tenant, g, &e);
	assert_non_null(g->seat);
	g->waits_since = p->now;
	share_want(p->sh, g->seat, true);
}

static struct guest *
invite(struct play *p, struct wire_tenant t, uint64_t run_us, uint64_t runs)
{
	struct guest *g = &p->guest[p->guests++];

	assert_true(p->guests <= CROWD);
	*g = (struct guest){
		.tenant = t, .run_us = run_us, .guess_us = run_us, .runs_left = runs
	};
	sit(p, g);
	return g;
}

static void
fill(struct play *p)
{
	for (unsigned i = 0; i < p->slots; i++)
		if (p->box[i].guest != NULL)
			share_charge(p->sh, &p->box[i].bill, p->now - p->box[i].began);
	for (unsigned i = 0; i < p->slots; i++) {
		struct box *b = &p->box[i];
		struct guest *g;

		if (b->guest != NULL || (g = share_next(p->sh)) == NULL)
			continue;
		if (p->now - g->waits_since > g->longest_us)
			g->longest_us = p->now - g->waits_since;
		g->waits_since = p->now;
		b->guest = g;
		b->began = p->now;
		b->ends = p->now + g->run_us / 2 + next_random(&p->random, g->run_us);
		g->runs_left--;
		g->running++;
		if (g->runs_left == 0)
			share_want(p->sh, g->seat, false);
		share_start(p->sh, g->seat, SHARE_ORDINARY, g->guess_us, &b->bill);
	}
}

static struct box *
first_to_end(struct play *p)
{
	struct box *first = NULL;

	for (unsigned i = 0; i < p->slots; i++)
		if (p->box[i].guest != NULL &&
		    (first == NULL || p->box[i].ends < first->ends))
			first = &p->box[i];
	return first;
}

/* Until the next run ends; the one whose it was, or NULL: nobody runs. */
static struct guest *
step(struct play *p)
{
	fill(p);
	struct box *b = first_to_end(p);
	if (b == NULL)
		return NULL;

	struct guest *g = b->guest;
	p->now = b->ends;
	g->took_us += b->ends - b->began;
	g->running--;
	share_end(p->sh, &b->bill, b->ends - b->began);
	b->guest = NULL;
	if (g->runs_left == 0 && g->running == 0) {
		share_leave(p->sh, g->seat);
		g->seat = NULL;
	}
	return g;
}

static void
close_play(struct play *p)
{
	for (unsigned i = 0; i < p->guests; i++)
		if (p->guest[i].seat != NULL) {
			share_leave(p->sh, p->guest[i].seat);
			p->guest[i].seat = NULL;
		}
	while (step(p) != NULL)
		;
	for (unsigned i = 0; i < CROWD; i++) { /* who comes and goes sweeps up */
		struct err e = { 0 };

		share_leave(p->sh, share_join(p->sh, &(struct wire_tenant){ 0 }, p, &e));
	}
	CHECK_INT("users", share_users(p->sh), 0);
	CHECK_INT("jobs", share_jobs(p->sh), 0);
	share_free(p->sh);
}

static uint64_t
apart(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

/* Neither gets ahead of the other by more than what was under way, whatever their runs
 * take and however wrong the guess is. */
static void
who_always_waits_gets_his_share(void **state)
{
	static const struct {
		unsigned slots;
		uint64_t run_us[2], guess_us[2];
	} cases[] = {
		{ 1, { 1000, 1000 }, { 1000, 1000 } },
		{ 2, { 1000, 60000 }, { 1000, 60000 } },
		{ 4, { 500, 200000 }, { 50000, 50000 } },
		{ 8, { 3000, 9000 }, { 1, 5000000 } },
	};

	(void)state;
	for (unsigned c = 0; c < LENGTH(cases); c++) {
		struct play p;
		uint64_t most = 3 * cases[c].run_us[1] / 2, bound;

		open_play(&p, cases[c].slots);
		for (unsigned u = 0; u < 12; u++) {
			struct guest *g =
			    invite(&p, (struct wire_tenant){ 1, u, 0, 0, 0, 0 },
				cases[c].run_us[u % 2], 1000000);
			g->guess_us = cases[c].guess_us[u % 2];
		}
		bound = (cases[c].slots + 1) * most;
		for (unsigned i = 0; i < 20000; i++) {
			assert_non_null(step(&p));
			for (unsigned u = 1; u < 12; u++)
				if (apart(p.guest[0].took_us, p.guest[u].took_us) > bound)
					fail_msg(
					    "case %u, run %u: user %u is apart", c, i, u);
		}
		close_play(&p);
	}
}

/* A user of many jobs has one user's share, a key of many users one key's. */
static void
shares_are_by_key_then_by_user_then_by_job(void **state)
{
	uint64_t of[4] = { 0 };
	struct play p;

	(void)state;
	open_play(&p, 2);
	for (unsigned i = 0; i < 20; i++) /* one user, twenty jobs */
		invite(&p, (struct wire_tenant){ 1, 1, 0, 0, 0, 0 }, 1000, 1000000);
	invite(&p, (struct wire_tenant){ 1, 2, 0, 0, 0, 0 }, 1000, 1000000);
	invite(&p, (struct wire_tenant){ 2, 1, 0, 0, 0, 0 }, 1000, 1000000);
	for (unsigned i = 0; i < 20000; i++)
		step(&p);
	for (unsigned i = 0; i < 20; i++)
		of[0] += p.guest[i].took_us;
	of[1] = p.guest[20].took_us;
	of[2] = p.guest[21].took_us;
	assert_true(apart(of[0], of[1]) < 10000);
	assert_true(apart(of[0] + of[1], of[2]) < 10000);
	for (unsigned i = 1; i < 20; i++)
		assert_true(apart(p.guest[i].took_us, p.guest[0].took_us) < 10000);
	close_play(&p);
}

static void
keys_weigh_what_they_may_have(void **state)
{
	struct play p;

	(void)state;
	open_play(&p, 4);
	for (unsigned i = 0; i < 8; i++)
		invite(&p,
		    (struct wire_tenant){ 1 + i % 2, i, i % 2 == 0 ? 1 : 3, 0, 0, 0 },
		    1000, 1000000);
	for (unsigned i = 0; i < 20000; i++) {
		unsigned running = 0;

		step(&p);
		for (unsigned g = 0; g < 8; g += 2)
			running += p.guest[g].running;
		assert_true(running <= 1);
	}
	uint64_t one = 0, three = 0;
	for (unsigned i = 0; i < 8; i++)
		*(i % 2 == 0 ? &one : &three) += p.guest[i].took_us;
	assert_true(apart(3 * one, three) < three / 50);
	close_play(&p);
}

/* One long job, and a crowd of others that come, run once and go, more than there is room
 * for. */
static void
newcomers_starve_nobody(void **state)
{
	struct play p;

	(void)state;
	open_play(&p, 2);
	struct guest *old = invite(&p, (struct wire_tenant){ 0 }, 10000, 1000000);
	for (unsigned i = 0; i < 40; i++)
		invite(&p, (struct wire_tenant){ 0, i % 2 == 0 ? i + 1 : 0, 0, 0, 0, 0 },
		    10000, 1);
	for (unsigned i = 0; i < 20000; i++) {
		struct guest *g = step(&p);

		if (g->seat == NULL) {
			g->runs_left = 1;
			sit(&p, g);
		}
	}
	/* 21 users, and of one of them 21 jobs: a round is 441 runs long */
	assert_true(old->longest_us < 441 * 15000);
	for (unsigned i = 1; i < p.guests; i++)
		assert_true(p.guest[i].longest_us < (i % 2 == 1 ? 21 : 441) * 15000);
	close_play(&p);
}

static void
leaving_clears_nothing(void **state)
{
	struct play p;

	(void)state;
	open_play(&p, 1);
	struct guest *stays =
	    invite(&p, (struct wire_tenant){ 5, 1, 0, 0, 0, 0 }, 1000, 1000000);
	struct guest *goes =
	    invite(&p, (struct wire_tenant){ 5, 2, 0, 0, 0, 0 }, 20000, 1);
	for (unsigned i = 0; i < 20000; i++) {
		step(&p);
		if (goes->seat == NULL) {
			goes->runs_left = 1;
			sit(&p, goes);
		}
	}
	assert_true(apart(stays->took_us, goes->took_us) < 100000);
	close_play(&p);
}

static void
absence_saves_nothing_up(void **state)
{
	struct play p;

	(void)state;
	open_play(&p, 1);
	struct guest *works =
	    invite(&p, (struct wire_tenant){ 1, 0, 0, 0, 0, 0 }, 1000, 1000000);
	struct guest *sleeps =
	    invite(&p, (struct wire_tenant){ 2, 0, 0, 0, 0, 0 }, 1000, 1000000);
	step(&p);
	step(&p);
	share_want(p.sh, sleeps->seat, false);
	for (unsigned i = 0; i < 1000; i++)
		step(&p);
	share_want(p.sh, sleeps->seat, true);
	uint64_t before[2] = { works->took_us, sleeps->took_us };
	for (unsigned i = 0; i < 1000; i++)
		step(&p);
	assert_true(
	    apart(works->took_us - before[0], sleeps->took_us - before[1]) < 10000);
	close_play(&p);
}

static void
reserved_slots_are_their_keys(void **state)
{
	const struct wire_tenant exam = { 1, 0, 0, 2, 0, 0 },
				 other = { 2, 0, 0, 0, 2, 0 };
	struct play p;

	(void)state;
	open_play(&p, 3);
	for (unsigned i = 0; i < 6; i++)
		invite(&p, other, 1000, 1000000);
	for (unsigned i = 0; i < 1000; i++) {
		fill(&p);
		CHECK_INT("one slot is left for others",
		    (p.box[0].guest != NULL) + (p.box[1].guest != NULL) +
			(p.box[2].guest != NULL),
		    1);
		step(&p);
	}
	/* and is theirs at once, whatever others run; two are, and a share of the third
	 */
	for (unsigned i = 0; i < 6; i++)
		invite(&p, exam, 1000, 1000000);
	fill(&p);
	unsigned running = 0;
	for (unsigned i = 6; i < 12; i++)
		running += p.guest[i].running;
	assert_true(running >= 2);
	uint64_t before[12], got[2] = { 0 };
	for (unsigned i = 0; i < 12; i++)
		before[i] = p.guest[i].took_us;
	for (unsigned i = 0; i < 10000; i++)
		step(&p);
	for (unsigned i = 0; i < 12; i++)
		got[i / 6] += p.guest[i].took_us - before[i];
	assert_true(got[1] > 4 * got[0] && got[1] < 6 * got[0]);
	close_play(&p);
}

static void
all_reserved_is_nothing_for_others(void **state)
{
	const struct wire_tenant other = { 2, 0, 0, 0, 2, 0 },
				 later = { 2, 0, 0, 0, 0, 0 };
	struct play p;

	(void)state;
	open_play(&p, 2);
	invite(&p, other, 1000, 10);
	assert_null(share_next(p.sh));
	assert_true(share_look(p.sh, &other, 1000).wait_us == UINT64_MAX);
	/* the hour is over, and nobody had to be let in to say so */
	assert_true(share_look(p.sh, &later, 1000).wait_us < UINT64_MAX);
	assert_true(share_look(p.sh, &other, 1000).wait_us == UINT64_MAX);
	invite(&p, later, 1000, 10);
	assert_non_null(share_next(p.sh));
	close_play(&p);
}

/* Who is refused has said nothing, and who leaves says nothing any more. */
static void
what_is_reserved_says_the_newest_who_is_there(void **state)
{
	const struct wire_tenant all = { 3, 0, 0, 0, 2, 0 };
	struct wire_tenant none = { 2, 0, 0, 0, 0, 0 };
	struct guest *g[3];
	struct play p;

	(void)state;
	open_play(&p, 2);
	for (unsigned i = 0; i < 3; i++)
		g[i] = invite(&p, i == 1 ? all : none, 1000, 10);
	share_look(p.sh, &all, 1000);
	assert_true(share_next(p.sh) == g[0]);
	share_leave(p.sh, g[2]->seat);
	assert_null(share_next(p.sh));
	share_leave(p.sh, g[1]->seat);
	assert_true(share_next(p.sh) == g[0]);
	g[1]->seat = g[2]->seat = NULL;
	close_play(&p);
}

/* A crowd of keys that say all is theirs: what may not be held goes round. */
static void
not_more_is_held_than_may_be(void **state)
{
	const struct wire_tenant honest = { 99, 0, 0, 0, 0, 0 };
	struct err e = { 0 };
	struct play p;

	(void)state;
	open_play(&p, 3);
	share_free(p.sh);
	p.sh = share_new(3, 2, &e);
	assert_non_null(p.sh);
	struct guest *g = invite(&p, honest, 1000, 1000000);
	for (unsigned i = 0; i < 9; i++)
		invite(&p, (struct wire_tenant){ 1 + i, 0, 0, 1024, 1024, 0 }, 1000,
		    1000000);
	assert_true(share_look(p.sh, &p.guest[1].tenant, 1000).wait_us < UINT64_MAX);
	for (unsigned i = 0; i < 10000; i++)
		step(&p);
	assert_true(g->took_us > p.now / 12); /* of one slot, a tenth */
	close_play(&p);
}

static void
what_goes_on_is_not_far_ahead(void **state)
{
	struct play p;

	(void)state;
	open_play(&p, 2);
	struct guest *a = invite(&p, (struct wire_tenant){ 1, 1, 0, 0, 0, 0 }, 1000, 100);
	struct share_bill bill;

	share_start(p.sh, a->seat, SHARE_ORDINARY, 1000, &bill);
	assert_true(share_may_go_on(p.sh, a->seat, 0));
	struct guest *b = invite(&p, (struct wire_tenant){ 1, 2, 0, 0, 0, 0 }, 1000, 100);
	assert_true(share_next(p.sh) == b);
	assert_true(share_may_go_on(p.sh, b->seat, 0));
	assert_true(share_may_go_on(p.sh, a->seat, 1000));
	assert_false(share_may_go_on(p.sh, a->seat, 999));
	share_charge(p.sh, &bill, 5000);
	assert_false(share_may_go_on(p.sh, a->seat, 1000));
	share_end(p.sh, &bill, 800);
	assert_true(share_may_go_on(p.sh, a->seat, 1000));
	share_want(p.sh, a->seat, false);
	assert_false(share_may_go_on(p.sh, a->seat, 1000000));
	close_play(&p);
}

/* --- newcomers --- */

enum { OWNED = 16 };

/* Seats of which one holds both slots. */
struct held {
	struct share *sh;
	struct seat *seat[OWNED];
	struct share_bill bill[OWNED];
	unsigned n;
};

static struct seat *
sit_down(struct held *h, struct wire_tenant t)
{
	struct err e = { 0 };
	struct seat *seat = share_join(h->sh, &t, &h->seat[h->n], &e);

	assert_non_null(seat);
	h->seat[h->n++] = seat;
	share_want(h->sh, seat, true);
	return seat;
}

static void
hold_both(struct held *h, struct wire_tenant t)
{
	struct err e = { 0 };

	*h = (struct held){ .sh = share_new(2, 2, &e) };
	struct seat *seat = sit_down(h, t);
	share_start(h->sh, seat, SHARE_ORDINARY, 1000, &h->bill[0]);
	share_start(h->sh, seat, SHARE_ORDINARY, 1000, &h->bill[1]);
	assert_null(share_next(h->sh));
}

static void
close_held(struct held *h)
{
	for (unsigned i = 0; i < OWNED; i++)
		share_end(h->sh, &h->bill[i], 1000);
	for (unsigned i = 0; i < h->n; i++)
		share_leave(h->sh, h->seat[i]);
	CHECK_INT("users", share_users(h->sh), 0);
	share_free(h->sh);
}

static void
who_has_something_running_is_no_newcomer(void **state)
{
	const struct wire_tenant t = { 1, 1, 0, 0, 0, 0 };
	struct held h;

	(void)state;
	hold_both(&h, t);
	assert_null(share_next_newcomer(h.sh, 9));
	for (unsigned i = 0; i < 5; i++)
		sit_down(&h, t);
	assert_null(share_next_newcomer(h.sh, 9));
	share_end(h.sh, &h.bill[0], 1000);
	assert_null(share_next_newcomer(h.sh, 9));
	share_end(h.sh, &h.bill[1], 1000);
	assert_non_null(share_next_newcomer(h.sh, 9));
	close_held(&h);
}

static void
keys_come_before_users_and_users_are_bounded(void **state)
{
	struct held h;

	(void)state;
	hold_both(&h, (struct wire_tenant){ 1, 1, 0, 0, 0, 0 });
	struct seat *two = sit_down(&h, (struct wire_tenant){ 1, 2, 0, 0, 0, 0 });
	assert_null(share_next_newcomer(h.sh, 0));
	assert_ptr_equal(share_next_newcomer(h.sh, 1), &h.seat[1]);
	struct seat *key = sit_down(&h, (struct wire_tenant){ 2, 1, 0, 0, 0, 0 });
	assert_ptr_equal(share_next_newcomer(h.sh, 1), &h.seat[2]);
	assert_ptr_equal(share_next_newcomer(h.sh, 0), &h.seat[2]);
	share_start(h.sh, key, SHARE_SPARE, 1000, &h.bill[2]);
	assert_ptr_equal(share_next_newcomer(h.sh, 1), &h.seat[1]);
	share_start(h.sh, two, SHARE_SPARE, 1000, &h.bill[3]);
	sit_down(&h, (struct wire_tenant){ 1, 3, 0, 0, 0, 0 });
	assert_null(share_next_newcomer(h.sh, 1)); /* of one key there is no third */
	assert_ptr_equal(share_next_newcomer(h.sh, 2), &h.seat[3]);
	sit_down(&h, (struct wire_tenant){ 3, 1, 0, 0, 0, 0 });
	assert_ptr_equal(share_next_newcomer(h.sh, 1), &h.seat[4]);
	share_want(h.sh, h.seat[4], false);
	/* the second user had his turn: now it is the third's */
	share_end(h.sh, &h.bill[3], 1000);
	assert_ptr_equal(share_next_newcomer(h.sh, 1), &h.seat[3]);
	close_held(&h);
}

static void
spare_slots_are_charged_and_are_not_among_the_shared(void **state)
{
	const struct wire_tenant a = { 1, 1, 0, 0, 0, 0 }, b = { 2, 1, 0, 0, 0, 0 };
	struct held h;

	(void)state;
	hold_both(&h, a);
	struct seat *late = sit_down(&h, b);
	share_start(h.sh, late, SHARE_SPARE, 50000, &h.bill[2]);
	assert_null(share_next(h.sh));
	share_end(h.sh, &h.bill[0], 1000); /* one is free, whatever spare ones do */
	assert_ptr_equal(share_next(h.sh), &h.seat[0]);
	share_end(h.sh, &h.bill[2], 50000);
	assert_ptr_equal(share_next(h.sh), &h.seat[0]); /* the other had more by now */
	share_end(h.sh, &h.bill[1], 1000000);
	assert_ptr_equal(share_next(h.sh), &h.seat[1]);
	close_held(&h);
}

static void
bounds_and_reservations_hold_for_newcomers(void **state)
{
	const struct wire_tenant one = { 1, 1, 2, 0, 0, 0 }, two = { 1, 2, 2, 0, 0, 0 };
	const struct wire_tenant exam = { 2, 1, 0, 2, 0, 0 },
				 other = { 3, 1, 0, 0, 2, 0 };
	struct held h;

	(void)state;
	hold_both(&h, one); /* all that the key may have */
	sit_down(&h, two);
	assert_null(share_next_newcomer(h.sh, 9));
	sit_down(&h, other); /* all is reserved for the exam, which is late */
	assert_null(share_next_newcomer(h.sh, 9));
	struct seat *seat = sit_down(&h, exam);
	assert_ptr_equal(share_next_newcomer(h.sh, 9), &h.seat[3]);
	share_start(h.sh, seat, SHARE_SPARE, 1000, &h.bill[2]);
	assert_null(share_next_newcomer(h.sh, 9));
	/* and keeps its claim to both that are its own */
	assert_ptr_equal(share_next(h.sh), &h.seat[3]);
	share_start(h.sh, seat, SHARE_ORDINARY, 1000, &h.bill[3]);
	assert_ptr_equal(share_next(h.sh), &h.seat[3]);
	close_held(&h);
}

/* 300 users with one job each wait 300 jobs long; a key of its own waits one. */
static void
the_wait_is_that_of_the_own_share(void **state)
{
	const struct wire_tenant mine = { 9, 1, 0, 0, 0, 0 },
				 late = { 1, 999, 0, 0, 0, 0 },
				 first = { 1, 0, 0, 0, 0, 0 }, one = { 9, 1, 1, 0, 0, 0 };
	struct play p;

	(void)state;
	open_play(&p, 2);
	assert_true(share_look(p.sh, &mine, 1000).wait_us == 0);
	for (unsigned i = 0; i < 60; i++) {
		struct guest *g =
		    invite(&p, (struct wire_tenant){ 1, i, 0, 0, 0, 0 }, 1000, 100);

		share_expect(p.sh, g->seat, 1000000);
		CHECK_INT("not free", share_look(p.sh, &late, 1000).position, i + 1);
	}
	struct share_view v = share_look(p.sh, &late, 1000);
	CHECK_INT("late", v.wait_us, 60 * 1000 / 2);
	CHECK_INT("ahead", v.position, 60);
	CHECK_INT("jobs of the key", v.key_jobs, 60);
	CHECK_INT("jobs of the user", v.user_jobs, 0);
	v = share_look(p.sh, &first, 1000);
	CHECK_INT("first", v.wait_us, 60 * 1000000 / 2);
	CHECK_INT("jobs of the first", v.user_jobs, 1);
	v = share_look(p.sh, &mine, 1000);
	CHECK_INT("another key", v.wait_us, 1000 / 2);
	CHECK_INT("one before", v.position, 1);
	v = share_look(p.sh, &one, 1000);
	CHECK_INT("half the weight", v.wait_us, 2 * 1000 / 2);
	fill(&p);
	assert_true(share_look(p.sh, &mine, 1000).wait_us > 0);
	v = share_look(p.sh, &(struct wire_tenant){ 9, 1, 0, 1, 0, 0 }, 1000);
	CHECK_INT("a reserved slot is free", v.wait_us, 0);
	close_play(&p);
}

/* Everything in any order: nothing is lost, and nothing is left. */
static void
a_long_day(void **state)
{
	struct play p;
	uint64_t runs = 0;

	(void)state;
	open_play(&p, 3);
	for (unsigned i = 0; i < CROWD; i++)
		invite(&p,
		    (struct wire_tenant){
			i % 5, i % 7, i % 3, i % 5 == 1, i % 5 != 1, 0 },
		    1 + i * 50, 1 + i % 9);
	for (unsigned i = 0; i < 100000; i++) {
		struct guest *g = &p.guest[next_random(&p.random, CROWD)];

		switch (next_random(&p.random, 6)) {
		case 0:
			if (g->seat == NULL) {
				g->runs_left = 1 + next_random(&p.random, 5);
				g->tenant.user = next_random(&p.random, 1000000);
				sit(&p, g);
			}
			break;
		case 1: /* goes while it runs */
			if (g->seat != NULL && g->runs_left > 0 && g->running == 0) {
				g->runs_left = 0;
				share_leave(p.sh, g->seat);
				g->seat = NULL;
			}
			break;
		case 2:
			if (g->seat != NULL)
				share_expect(
				    p.sh, g->seat, next_random(&p.random, 100000));
			break;
		default:
			runs += step(&p) != NULL;
		}
	}
	assert_true(runs > 10000);
	for (unsigned i = 0; i < CROWD; i++)
		p.guest[i].runs_left = p.guest[i].runs_left > 0 ? 1 : 0;
	while (step(&p) != NULL)
		;
	close_play(&p);
}

/* Who comes when the table is full shares a place, and is served. */
static void
a_full_table_is_shared(void **state)
{
	enum { MANY = TENANTS_MAX + 100 };
	struct seat **seats = calloc(MANY, sizeof(struct seat *));
	struct share_bill bill;
	struct err e = { 0 };
	struct share *sh = share_new(2, 2, &e);

	(void)state;
	for (unsigned i = 0; i < MANY; i++) {
		const struct wire_tenant t = { i % 50, i + 1, 0, 0, 0, 0 };

		seats[i] = share_join(sh, &t, &seats[i], &e);
		assert_non_null(seats[i]);
	}
	CHECK_INT("jobs", share_jobs(sh), MANY);
	share_want(sh, seats[MANY - 1], true);
	assert_ptr_equal(share_next(sh), &seats[MANY - 1]);
	share_start(sh, seats[MANY - 1], SHARE_ORDINARY, 5, &bill);
	for (unsigned i = 0; i < MANY; i++)
		share_leave(sh, seats[i]);
	share_end(sh, &bill, 7);
	CHECK_INT("users", share_users(sh), 0);
	share_free(sh);
	free(seats);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_always_waits_gets_his_share),
		cmocka_unit_test(shares_are_by_key_then_by_user_then_by_job),
		cmocka_unit_test(keys_weigh_what_they_may_have),
		cmocka_unit_test(newcomers_starve_nobody),
		cmocka_unit_test(leaving_clears_nothing),
		cmocka_unit_test(absence_saves_nothing_up),
		cmocka_unit_test(reserved_slots_are_their_keys),
		cmocka_unit_test(all_reserved_is_nothing_for_others),
		cmocka_unit_test(what_is_reserved_says_the_newest_who_is_there),
		cmocka_unit_test(not_more_is_held_than_may_be),
		cmocka_unit_test(what_goes_on_is_not_far_ahead),
		cmocka_unit_test(who_has_something_running_is_no_newcomer),
		cmocka_unit_test(keys_come_before_users_and_users_are_bounded),
		cmocka_unit_test(spare_slots_are_charged_and_are_not_among_the_shared),
		cmocka_unit_test(bounds_and_reservations_hold_for_newcomers),
		cmocka_unit_test(the_wait_is_that_of_the_own_share),
		cmocka_unit_test(a_long_day),
		cmocka_unit_test(a_full_table_is_shared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
