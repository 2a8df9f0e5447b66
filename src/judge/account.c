#include "judge/account.h"

#include <stdatomic.h>

#define KEY_WALK  QUOTA_KEYS /* a key without a place is refused */
#define USER_WALK 256
#define BURST_MAX 100000 /* or count, if that is more: keeps products below 2^64 */

static uint64_t
mix(uint64_t a, uint64_t b)
{
	uint64_t x = a * 0x9e3779b97f4a7c15ULL ^ b;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

static bool
is_idle(const struct account *a, const struct now *now)
{
	return a->full_ns <= now->ns && (a->cpu_us == 0 || a->day < now->day);
}

/* Of two that could give way, the one to go: an idle one, then the one unseen longest. */
static bool
goes_before(const struct account *a, const struct account *b, const struct now *now)
{
	bool ia = is_idle(a, now), ib = is_idle(b, now);

	return ia != ib ? ia : a->seen_ns < b->seen_ns;
}

struct place {
	struct account *table;
	uint32_t size, walk;
	bool may_push; /* one that is not idle, of the same key */
};

static void
settle_in(struct account *a, uint64_t key, uint64_t user, const char *name)
{
	a->used = USE_CHANGING;
	atomic_thread_fence(memory_order_seq_cst);
	*a = (struct account){ .key = key, .user = user, .used = USE_CHANGING };
	/* for people's terminals */
	for (size_t i = 0; name != NULL && name[i] != '\0' && i < sizeof(a->name) - 1;
	     i++)
		a->name[i] = (char)(name[i] >= ' ' && name[i] <= '~' ? name[i] : '?');
	atomic_thread_fence(memory_order_seq_cst);
	a->used = USE_TAKEN;
}

/* The account's place, QUOTA_NOBODY if there is none and none can be had (or make is
 * false). */
static uint32_t
find_account(struct quota *q, const struct place *in, uint64_t key, uint64_t user,
    const struct now *now, bool make, const char *name)
{
	uint32_t start = (uint32_t)(mix(key, user) % in->size), victim = QUOTA_NOBODY;

	for (uint32_t n = 0; n < in->walk; n++) {
		uint32_t at = (start + n) % in->size;
		struct account *a = &in->table[at];

		if (a->used == USE_TAKEN && a->key == key && a->user == user)
			return at;
		if (a->used == USE_EMPTY) {
			victim = at;
			break; /* beyond an empty place nothing of ours can lie */
		}
		if (!make || (a->used == USE_TAKEN && !is_idle(a, now) &&
				 !(in->may_push && a->key == key)))
			continue;
		if ((victim == QUOTA_NOBODY || goes_before(a, &in->table[victim], now)) &&
		    !holds_any(q, in->table, at))
			victim = at;
	}
	if (!make || victim == QUOTA_NOBODY)
		return QUOTA_NOBODY;
	settle_in(&in->table[victim], key, user, name);
	return victim;
}

uint32_t
account_of_key(struct quota *q, uint64_t key, const struct now *now, bool make)
{
	const struct place in = { q->t->keys, QUOTA_KEYS, KEY_WALK, false };

	return find_account(q, &in, key, 0, now, make, NULL);
}

uint32_t
account_of_user(
    struct quota *q, const struct quota_claim *c, const struct now *now, bool make)
{
	const struct place in = { q->t->users, QUOTA_USERS, USER_WALK, true };

	if (c->user == 0)
		return QUOTA_NOBODY;
	return find_account(q, &in, c->key, c->user, now, make, c->user_name);
}

uint64_t
rate_step_ns(const struct rate *r)
{
	return (r->period_s * SEC_NS + r->count - 1) / r->count;
}

static uint64_t
burst_of(const struct rate *r)
{
	uint64_t most = r->count > BURST_MAX ? r->count : BURST_MAX;
	uint64_t burst = r->burst > 0 ? r->burst : r->count;

	return burst < most ? burst : most;
}

/*
 * How far ahead of now the bucket is spoken for.  Never more than it holds: a file from
 * another life, or a burst that was made smaller, must not lock anybody out for longer.
 */
uint64_t
rate_ahead_ns(uint64_t full_ns, const struct rate *r, uint64_t now_ns)
{
	uint64_t most = burst_of(r) * rate_step_ns(r);
	uint64_t ahead = full_ns > now_ns ? full_ns - now_ns : 0;

	return ahead < most ? ahead : most;
}

uint64_t
account_cpu_today(const struct account *a, const struct now *now)
{
	return a->day < now->day ? 0 : a->cpu_us;
}

void
account_add_cpu(struct account *a, uint64_t us, const struct now *now)
{
	a->cpu_us = account_cpu_today(a, now) + us;
	a->day = now->day;
}

uint64_t
rate_ceil_s(uint64_t ns)
{
	return (ns + SEC_NS - 1) / SEC_NS;
}

void
account_describe(struct quota_account *out, const struct account *a,
    const struct allowance *may, const struct sum *held, const struct now *now)
{
	*out = (struct quota_account){ .rate = may->rate,
		.jobs = held->jobs,
		.jobs_limit = may->jobs,
		.cpu_ms =
		    a != NULL ? (account_cpu_today(a, now) + MSEC_US - 1) / MSEC_US : 0,
		.cpu_held_ms = (held->cpu_us + MSEC_US - 1) / MSEC_US,
		.cpu_limit_ms = may->cpu_ms,
		.day_s = now->day_s };
	if (may->rate.count == 0)
		return;
	out->rate.burst = burst_of(&may->rate);
	uint64_t ahead = rate_ahead_ns(a != NULL ? a->full_ns : 0, &may->rate, now->ns);
	out->left = (out->rate.burst * rate_step_ns(&may->rate) - ahead) /
		    rate_step_ns(&may->rate);
	out->reset_s = rate_ceil_s(ahead);
}

void
account_charge(struct account *a, const struct rate *r, const struct now *now)
{
	a->seen_ns = now->ns;
	if (r->count > 0)
		a->full_ns =
		    now->ns + rate_ahead_ns(a->full_ns, r, now->ns) + rate_step_ns(r);
}

void
account_bring_to_day(struct account *a, const struct now *now)
{
	if (a->day > now->day)
		a->day = now->day;
}
