/*
 * Theory of operation.
 *
 * The file holds accounts of keys, accounts of users and holds.  An account knows the
 * past: requests (as the moment at which its bucket is full again, the "theoretical
 * arrival time" of GCRA) and CPU time of its day.  A hold is the present: the one claim
 * of one process.  Jobs at a time and CPU time spoken for are sums over the holds, so
 * there is no counter that a dead process could leave too high.
 *
 * A process owns hold n while it has a lock on byte n of the file; the kernel drops it
 * when the process ends, however it ends.  So whoever would be refused looks first which
 * holds are nobody's any more.  All the rest has one lock, of the whole file, for a few
 * hundred nanoseconds at a time.
 *
 * A process may be killed between any two stores.  Each store leaves the file valid, and
 * the order is such that the worst is one request that was not counted and not answered.
 *
 * Accounts lie in two tables of fixed size, found by hash and a short walk.  That of a
 * key is only ever replaced when it is idle: bucket full, nothing used today, no hold.
 * For a user without a place an idle one gives way, or else the one of the same key that
 * was seen longest ago; where there is none, he is not counted for himself, and the
 * bounds of his key hold alone.  So inventing users takes no room from other keys' users
 * that these have use for, and never leads beyond the key's own bounds.
 *
 * Clocks.  Rates go by the clock that counts from boot and is never set; a new boot
 * forgets them.  Days are those of the service's time zone.  When the wall clock is set
 * back over midnight, what was used stays used and belongs to the day that it is now;
 * set forward, a day begins, and does not begin again when the clock is put right.
 */
#include "judge/quota.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "judge/account.h"

#define TOLD_NS (3600 * SEC_NS) /* between two lines on users without a place */
#define SOON_S  2               /* "a job of yours may end any time" */

const char *const quota_bounds[] = { "key_rate", "key_jobs", "key_cpu", "user_rate",
	"user_jobs", "user_cpu", NULL };

enum bound { BOUND_RATE, BOUND_JOBS, BOUND_CPU };

/* As GET /api/quota calls them. */
static const char *const bound_names[] = { "requests", "jobs", "cpuMs" };

/* Whose account, in words, and his bounds. */
struct whose {
	const char *text;
	const char *const *bounds;
	const char **refused;
};

static int
refuse(struct problem *p, enum problem_code code, uint64_t retry_s,
    const struct whose *whose, enum bound bound, const char *what)
{
	problem_set(p, code, NULL, "%s: %s", whose->text, what);
	p->quota = bound_names[bound];
	p->retry_after_s = retry_s > UINT32_MAX ? UINT32_MAX : (uint32_t)retry_s;
	*whose->refused = whose->bounds[bound];
	return -1;
}

/* May one account bear one more?  Changes nothing. */
static int
check_account(const struct quota_account *s, const struct account *a, uint64_t cpu_ms,
    const struct now *now, const struct whose *whose, struct problem *p)
{
	char text[160];

	if (s->rate.count > 0 && s->left == 0) {
		uint64_t step = rate_step_ns(&s->rate), burst = s->rate.burst;
		uint64_t ahead = rate_ahead_ns(a->full_ns, &s->rate, now->ns);
		snprintf(text, sizeof(text),
		    "more than %" PRIu64 " requests in %" PRIu64 " s, or %" PRIu64
		    " at once",
		    s->rate.count, s->rate.period_s, burst);
		return refuse(p, PROBLEM_QUOTA_EXCEEDED,
		    rate_ceil_s(ahead - (burst - 1) * step), whose, BOUND_RATE, text);
	}
	if (s->jobs_limit > 0 && s->jobs >= s->jobs_limit) {
		snprintf(text, sizeof(text),
		    "%" PRIu64 " jobs at a time, and as many run", s->jobs_limit);
		return refuse(p, PROBLEM_QUOTA_EXCEEDED, SOON_S, whose, BOUND_JOBS, text);
	}
	if (s->cpu_limit_ms == 0)
		return 0;
	if (cpu_ms > s->cpu_limit_ms) {
		snprintf(text, sizeof(text),
		    "its limits allow it %" PRIu64 " ms of CPU time in all, compiler "
		    "included, and a whole day has %" PRIu64,
		    cpu_ms, s->cpu_limit_ms);
		return refuse(p, PROBLEM_LIMIT_TOO_HIGH, 0, whose, BOUND_CPU, text);
	}
	if (s->cpu_ms + s->cpu_held_ms + cpu_ms <= s->cpu_limit_ms)
		return 0;
	uint64_t taken = s->cpu_ms + s->cpu_held_ms;
	snprintf(text, sizeof(text),
	    "%" PRIu64 " ms of CPU time are left of today's %" PRIu64
	    ", and its limits allow this job %" PRIu64,
	    s->cpu_limit_ms > taken ? s->cpu_limit_ms - taken : 0, s->cpu_limit_ms,
	    cpu_ms);
	return refuse(p, PROBLEM_QUOTA_EXCEEDED,
	    s->cpu_ms + cpu_ms <= s->cpu_limit_ms ? SOON_S : now->day_s, whose, BOUND_CPU,
	    text);
}

struct stand {
	uint32_t key_at, user_at;
	struct account *key, *user; /* NULL: none */
	struct now now;
};

static void
describe_both(struct quota *q, const struct quota_claim *c, const struct stand *s,
    struct quota_state *state)
{
	struct sum key, user;

	holds_sum(q, s->key_at, s->user_at, &key, &user);
	if (s->key_at == QUOTA_NOBODY)
		key = (struct sum){ 0 };
	account_describe(&state->key, s->key, &c->own, &key, &s->now);
	account_describe(&state->user, s->user, &c->each_user, &user, &s->now);
	state->has_user = c->user != 0 && s->user != NULL;
}

static int
check_both(const struct quota_claim *c, const struct stand *s, struct quota_state *state,
    struct problem *p)
{
	bool keyless = c->key == 0;
	const struct whose key = { keyless ? "the quota of all without a key"
					   : "this key's quota",
		quota_bounds, &state->refused };
	const struct whose user = { keyless ? "this address's quota"
					    : "this user's quota",
		quota_bounds + BOUND_CPU + 1, &state->refused };

	if (check_account(&state->key, s->key, c->cpu_ms, &s->now, &key, p) == -1)
		return -1;
	if (s->user == NULL)
		return 0;
	return check_account(&state->user, s->user, c->cpu_ms, &s->now, &user, p);
}

static struct stand
stand_of(struct quota *q, const struct quota_claim *c, bool make)
{
	struct stand s = { .now = quota_now(q) };

	s.key_at = account_of_key(q, c->key, &s.now, make);
	s.user_at = account_of_user(q, c, &s.now, make && s.key_at != QUOTA_NOBODY);
	s.key = s.key_at != QUOTA_NOBODY ? &q->t->keys[s.key_at] : NULL;
	s.user = s.user_at != QUOTA_NOBODY ? &q->t->users[s.user_at] : NULL;
	if (make && s.key != NULL)
		account_bring_to_day(s.key, &s.now);
	if (make && s.user != NULL)
		account_bring_to_day(s.user, &s.now);
	return s;
}

static void
hold(struct quota *q, const struct quota_claim *c, const struct stand *s)
{
	struct hold *h = &q->t->holds[q->mine];

	if (q->t->head.high <= q->mine)
		q->t->head.high = q->mine + 1;
	h->key_at = s->key_at;
	h->user_at = s->user_at;
	h->cpu_us = c->cpu_ms * MSEC_US;
	atomic_thread_fence(memory_order_seq_cst);
	h->active = 1;
	atomic_thread_fence(memory_order_seq_cst);
	account_charge(s->key, &c->own.rate, &s->now);
	if (s->user != NULL)
		account_charge(s->user, &c->each_user.rate, &s->now);
	if (q->t->head.seen_ns < s->now.ns)
		q->t->head.seen_ns = s->now.ns;
}

static void
tell_uncounted(struct quota *q, const struct quota_claim *c, const struct now *now)
{
	if (now->ns < q->tell_ns || allowance_is_free(&c->each_user))
		return;
	q->tell_ns = now->ns + TOLD_NS;
	log_warn(
	    "quotas: of %d places for users who used something today or just now, none "
	    "is left for some: they are held to the bounds of their key alone",
	    QUOTA_USERS);
}

static int
take_locked(struct quota *q, const struct quota_claim *c, struct quota_state *state,
    struct problem *p)
{
	struct stand s = stand_of(q, c, true);

	state->refused = NULL;
	if (s.key == NULL)
		return problem_set(p, PROBLEM_QUOTAS_UNAVAILABLE, NULL,
		    "more keys are in use than the quotas have places for");
	if (c->user != 0 && s.user == NULL)
		tell_uncounted(q, c, &s.now);
	describe_both(q, c, &s, state);
	int rc = check_both(c, &s, state, p);
	if (rc == -1 && p->code == PROBLEM_QUOTA_EXCEEDED &&
	    p->quota != bound_names[BOUND_RATE] && holds_bury_dead(q)) {
		describe_both(q, c, &s, state);
		rc = check_both(c, &s, state, p);
	}
	if (rc == -1)
		return -1;
	hold(q, c, &s);
	describe_both(q, c, &s, state);
	return 0;
}

/* No bound is passed because nobody could count. */
static int
cannot_count(const struct err *e, struct problem *p)
{
	log_err(e, "quotas");
	return problem_set(p, PROBLEM_QUOTAS_UNAVAILABLE, NULL,
	    "the quotas cannot be counted at the moment; nothing was run");
}

int
quota_take(struct quota *q, const struct quota_claim *c, struct quota_state *state,
    struct problem *p)
{
	struct err e = { 0 };

	if (holds_own(q, &e) == -1 || quota_lock(q, &e) == -1)
		return cannot_count(&e, p);
	int rc = take_locked(q, c, state, p);
	quota_unlock(q);
	return rc;
}

int
quota_look(struct quota *q, const struct quota_claim *c, struct quota_state *state,
    struct problem *p)
{
	struct err e = { 0 };

	if (!q->readonly && quota_lock(q, &e) == -1)
		return cannot_count(&e, p);
	if (!q->readonly)
		holds_bury_dead(q);
	struct stand s = stand_of(q, c, false);
	describe_both(q, c, &s, state);
	if (!q->readonly)
		quota_unlock(q);
	return 0;
}

static struct hold *
my_hold(struct quota *q)
{
	struct hold *h = q->mine != QUOTA_NOBODY ? &q->t->holds[q->mine] : NULL;

	return h != NULL && h->active != 0 && h->key_at < QUOTA_KEYS ? h : NULL;
}

/* Without the lock, if it cannot be had: what is ours must end all the same, and a store
 * of ours can only hit one of another process that is stopped. */
static struct hold *
begin_end(struct quota *q)
{
	struct err e = { 0 };

	if (my_hold(q) == NULL)
		return NULL;
	if (quota_lock(q, &e) == -1)
		log_err(&e, "quotas: end of a claim");
	return my_hold(q);
}

static void
account_unstep(struct account *a, uint64_t step)
{
	a->full_ns -= a->full_ns < step ? a->full_ns : step;
}

void
quota_give_back(struct quota *q, const struct quota_claim *c)
{
	struct hold *h = begin_end(q);

	if (h == NULL)
		return;
	if (c->own.rate.count > 0)
		account_unstep(&q->t->keys[h->key_at], rate_step_ns(&c->own.rate));
	if (h->user_at < QUOTA_USERS && c->each_user.rate.count > 0)
		account_unstep(
		    &q->t->users[h->user_at], rate_step_ns(&c->each_user.rate));
	h->active = 0;
	quota_unlock(q);
}

void
quota_settle(struct quota *q, uint64_t cpu_us)
{
	struct hold *h = begin_end(q);
	struct now now;

	if (h == NULL)
		return;
	now = quota_now(q);
	account_add_cpu(&q->t->keys[h->key_at], cpu_us, &now);
	if (h->user_at < QUOTA_USERS)
		account_add_cpu(&q->t->users[h->user_at], cpu_us, &now);
	h->active = 0;
	quota_unlock(q);
}

/* --- for people --- */

static int
by_cpu(const void *a, const void *b)
{
	const struct quota_user *x = a, *y = b;

	return (x->cpu_ms < y->cpu_ms) - (x->cpu_ms > y->cpu_ms);
}

unsigned
quota_users(const struct quota *q, uint64_t key, struct quota_user *out, unsigned max)
{
	struct now now = quota_now(q);
	unsigned n = 0;

	for (unsigned i = 0; i < QUOTA_USERS; i++) {
		const struct account *a = &q->t->users[i];
		struct quota_user u = { .cpu_ms = account_cpu_today(a, &now) / MSEC_US };

		if (a->used != USE_TAKEN || a->key != key)
			continue;
		snprintf(u.name, sizeof(u.name), "%.47s", a->name);
		if (n == max && out[max - 1].cpu_ms >= u.cpu_ms)
			continue;
		out[n < max ? n++ : max - 1] = u;
		qsort(out, n, sizeof(*out), by_cpu);
	}
	return n;
}

int
quota_forget(struct quota *q, const uint64_t *key, uint64_t user, struct err *e)
{
	if (quota_lock(q, e) == -1)
		return -1;
	for (unsigned i = 0; i < QUOTA_USERS; i++) {
		struct account *a = &q->t->users[i];

		if (a->used == USE_TAKEN && a->user == user &&
		    (key == NULL || a->key == *key))
			memset(a->name, 0, sizeof(a->name));
	}
	quota_unlock(q);
	return 0;
}
