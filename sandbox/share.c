#include "sandbox/share.h"

#include <stdlib.h>

#include "sandbox/tenants.h"

#define SCALE   64               /* of a debt: µs of slot time for a weight of 64 */
#define SANE_US 1000000000000ULL /* no prediction is longer: no product overflows */

struct seat {
	struct node node;
	struct seat *newer, *older; /* who sat down after it, and before */
	unsigned aside;             /* slots that are held for keys, it says */
	void *owner;
	unsigned bills;
	bool left;
};

struct share {
	struct tenants tenants;
	unsigned slots, held_most; /* held_most: for keys, whatever they say */
	unsigned held, shared;     /* runs in reserved slots, and in those nobody has */
	struct seat *newest;
	unsigned spare_users;   /* runs in spare slots, beside others of their keys */
	struct node *everybody; /* the user without a name of those without a key */
};

/* --- seats --- */

static unsigned
held_of(const struct share *sh, unsigned slots)
{
	return slots < sh->held_most ? slots : sh->held_most;
}

static unsigned
aside_of(const struct share *sh, const struct wire_tenant *t)
{
	return held_of(sh, t->slots_reserved + t->slots_held_back);
}

/* What is reserved changes by the hour: who came last knows.  When he leaves, what he
 * said goes with him. */
static unsigned
set_aside(const struct share *sh)
{
	return sh->newest != NULL ? sh->newest->aside : 0;
}

/* What the key may have now; its debt is by the weight it was run up with. */
static void
set_slots(struct share *sh, struct node *key, const struct wire_tenant *t)
{
	unsigned weight =
	    t->slots_max > 0 && t->slots_max < sh->slots ? t->slots_max : sh->slots;

	if (key->is_active)
		sh->tenants.root.active += (uint64_t)weight - key->weight;
	key->weight = weight;
	key->slots_max = t->slots_max;
	key->reserved = held_of(sh, t->slots_reserved);
	tenants_settle(&sh->tenants, key);
}

static void
count_seat(struct seat *seat, unsigned by)
{
	for (struct node *n = seat->node.up; n != NULL; n = n->up)
		n->seats += by;
}

static struct node *
user_of(struct share *sh, const struct wire_tenant *t, struct err *e)
{
	struct node *key = tenants_enter(&sh->tenants, &sh->tenants.root, t->key, e);
	struct node *user =
	    key != NULL ? tenants_enter(&sh->tenants, key, t->user, e) : NULL;

	if (user != NULL) {
		set_slots(sh, key, t);
		return user;
	}
	if (key != NULL)
		tenants_release(&sh->tenants, key);
	return sh->everybody;
}

struct seat *
share_join(struct share *sh, const struct wire_tenant *t, void *owner, struct err *e)
{
	tenants_sweep(&sh->tenants);
	struct node *user = user_of(sh, t, e);
	struct seat *seat = calloc(1, sizeof(*seat));

	if (seat == NULL)
		err_sys(e, "calloc");
	if (seat == NULL || tenants_make_room(user, e) == -1) {
		free(seat);
		tenants_release(&sh->tenants, user);
		return NULL;
	}
	seat->node = (struct node){ .level = JOB, .up = user, .weight = 1 };
	seat->owner = owner;
	seat->aside = aside_of(sh, t);
	seat->older = sh->newest;
	if (seat->older != NULL)
		seat->older->newer = seat;
	sh->newest = seat;
	user->below++;
	count_seat(seat, 1);
	return seat;
}

static void
free_seat(struct share *sh, struct seat *seat)
{
	struct node *user = seat->node.up;

	if (!seat->left || seat->bills > 0)
		return;
	free(seat);
	user->below--;
	tenants_release(&sh->tenants, user);
}

void
share_leave(struct share *sh, struct seat *seat)
{
	if (seat == NULL)
		return;
	share_want(sh, seat, false);
	share_expect(sh, seat, 0);
	count_seat(seat, -1U);
	*(seat->newer != NULL ? &seat->newer->older : &sh->newest) = seat->older;
	if (seat->older != NULL)
		seat->older->newer = seat->newer;
	seat->left = true;
	free_seat(sh, seat);
	tenants_sweep(&sh->tenants);
}

void
share_want(struct share *sh, struct seat *seat, bool yes)
{
	if ((seat->node.jobs > 0) == yes)
		return;
	for (struct node *n = &seat->node; n != NULL; n = n->up)
		n->jobs += yes ? 1 : -1U;
	tenants_settle(&sh->tenants, &seat->node);
}

void
share_expect(struct share *sh, struct seat *seat, uint64_t work_us)
{
	uint64_t more = work_us - seat->node.work_us;

	(void)sh;
	for (struct node *n = &seat->node; n != NULL; n = n->up)
		n->work_us += more;
}

/* --- turns --- */

static bool
has_shared_slot(const struct share *sh, unsigned aside)
{
	return sh->shared + aside < sh->slots;
}

static bool
has_held_slot(const struct share *sh, const struct node *key, unsigned reserved)
{
	return key->held < reserved && sh->held < sh->held_most;
}

static const struct node *
first_of(const struct heap *h)
{
	return h->n > 0 ? h->at[0] : NULL;
}

/* The key whose turn it is.  Where more is reserved than may be, the rest goes round. */
static const struct node *
first_key(const struct share *sh)
{
	const struct node *a = first_of(&sh->tenants.entitled),
			  *b = first_of(&sh->tenants.root.waiting);

	if (a != NULL && has_held_slot(sh, a, a->reserved))
		return a;
	if (!has_shared_slot(sh, set_aside(sh)))
		return NULL;
	return b == NULL || (a != NULL && tenants_goes_before(a, b)) ? a : b;
}

void *
share_next(const struct share *sh)
{
	const struct node *key = first_key(sh);

	if (key == NULL)
		return NULL;
	const struct node *user = key->waiting.at[0];
	return ((const struct seat *)user->waiting.at[0])->owner;
}

bool
share_may_go_on(const struct share *sh, const struct seat *seat, uint64_t ahead_us)
{
	const struct node *first = first_key(sh);

	for (const struct node *n = &seat->node; n->up != NULL; n = n->up) {
		if (n->in == NULL || first == NULL)
			return false;
		if (n->level == KEY && n->in != first->in)
			return false; /* another's reserved slot */
		if (n->debt - n->in->at[0]->debt >
		    (int64_t)(ahead_us * SCALE / n->weight))
			return false;
	}
	return true;
}

/* Of those who have nothing running, whose turn is first. */
static const struct node *
first_idle(const struct heap *h)
{
	const struct node *first = NULL;

	for (unsigned i = 0; i < h->n; i++)
		if (h->at[i]->running == 0 &&
		    (first == NULL || tenants_goes_before(h->at[i], first)))
			first = h->at[i];
	return first;
}

/* The same of the users of all these keys: by key first. */
static const struct node *
first_idle_user(const struct heap *keys)
{
	const struct node *first = NULL;

	for (unsigned i = 0; i < keys->n; i++) {
		const struct node *user = first_idle(&keys->at[i]->waiting);

		if (user != NULL &&
		    (first == NULL || tenants_goes_before(keys->at[i], first->up)))
			first = user;
	}
	return first;
}

void *
share_next_newcomer(const struct share *sh, unsigned users_most)
{
	/* where all is reserved, others have no claim to be let past anybody */
	const struct heap *from[] = { &sh->tenants.entitled,
		set_aside(sh) < sh->slots ? &sh->tenants.root.waiting : NULL };
	const struct node *user = NULL;

	for (unsigned i = 0; i < 2 && user == NULL && from[i] != NULL; i++) {
		const struct node *key = first_idle(from[i]);

		if (key != NULL)
			user = key->waiting.at[0];
	}
	for (unsigned i = 0; i < 2 && user == NULL && from[i] != NULL; i++)
		if (sh->spare_users < users_most)
			user = first_idle_user(from[i]);
	return user != NULL ? ((const struct seat *)user->waiting.at[0])->owner : NULL;
}

/* A key owes nothing for slots that are its own. */
static bool
is_charged(const struct node *n, const struct share_bill *bill)
{
	return n->level != KEY || !bill->held;
}

static void
charge(struct share_bill *bill, int64_t more_us)
{
	for (struct node *n = &bill->seat->node; n->up != NULL; n = n->up)
		if (is_charged(n, bill))
			n->debt += more_us * SCALE / (int64_t)n->weight;
}

static unsigned *
count_for(struct share *sh, struct node *key, enum share_slot where)
{
	if (where == SHARE_SPARE)
		return key->running > 0 ? &sh->spare_users : NULL;
	return has_held_slot(sh, key, key->reserved) ? &sh->held : &sh->shared;
}

void
share_start(struct share *sh, struct seat *seat, enum share_slot where,
    uint64_t likely_us, struct share_bill *bill)
{
	struct node *key = seat->node.up->up;

	*bill = (struct share_bill){ .seat = seat,
		.charged_us = likely_us,
		.held =
		    where == SHARE_ORDINARY && has_held_slot(sh, key, key->reserved) };
	bill->in = count_for(sh, key, where);
	key->held += bill->held;
	if (bill->in != NULL)
		*bill->in += 1;
	seat->bills++;
	for (struct node *n = &seat->node; n->up != NULL; n = n->up) {
		n->running++;
		if (is_charged(n, bill) && n->up->clock < n->debt)
			n->up->clock = n->debt;
	}
	charge(bill, (int64_t)likely_us);
	tenants_settle(&sh->tenants, &seat->node);
}

void
share_charge(struct share *sh, struct share_bill *bill, uint64_t so_far_us)
{
	if (bill->seat == NULL || so_far_us <= bill->charged_us)
		return;
	charge(bill, (int64_t)(so_far_us - bill->charged_us));
	bill->charged_us = so_far_us;
	tenants_settle(&sh->tenants, &bill->seat->node);
}

void
share_end(struct share *sh, struct share_bill *bill, uint64_t took_us)
{
	struct seat *seat = bill->seat;

	if (seat == NULL)
		return;
	charge(bill, (int64_t)took_us - (int64_t)bill->charged_us);
	seat->node.up->up->held -= bill->held;
	if (bill->in != NULL)
		*bill->in -= 1;
	for (struct node *n = &seat->node; n->up != NULL; n = n->up) {
		if (is_charged(n, bill))
			n->up->clock += (int64_t)(took_us * SCALE / n->up->active);
		n->running--;
	}
	bill->seat = NULL;
	seat->bills--;
	tenants_settle(&sh->tenants, &seat->node);
	free_seat(sh, seat);
}

/* --- what to expect --- */

static uint64_t
least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t
sane(uint64_t us)
{
	return least(us, SANE_US);
}

static uint64_t
share_of_slots(uint64_t work_us, unsigned slots)
{
	return slots > 0 ? work_us / slots : UINT64_MAX;
}

/* Would it start at once? */
static bool
is_free(const struct share *sh, const struct node *key, const struct wire_tenant *t)
{
	if (key->jobs > 0 || (t->slots_max > 0 && key->running >= t->slots_max))
		return false;
	return has_held_slot(sh, key, t->slots_reserved) ||
	       (sh->tenants.root.jobs == 0 && has_shared_slot(sh, aside_of(sh, t)));
}

/*
 * Those who wait beside the tenant get no more before it than it gets itself until its
 * job's turn comes: in its key as much as its user, among keys by their weights.  The
 * sums suffice for that; who waits for less makes the wait shorter than predicted.
 */
struct share_view
share_look(const struct share *sh, const struct wire_tenant *t, uint64_t own_us)
{
	const struct node *root = &sh->tenants.root,
			  *key = tenants_find(&sh->tenants, root, t->key);
	const struct node *user =
	    key != NULL ? tenants_find(&sh->tenants, key, t->user) : NULL;
	static const struct node nobody;
	struct share_view v = { 0 };
	uint64_t weight =
	    t->slots_max > 0 && t->slots_max < sh->slots ? t->slots_max : sh->slots;

	if (key == NULL)
		key = &nobody;
	if (user == NULL)
		user = &nobody;
	v.key_jobs = key->seats;
	v.user_jobs = user->seats;
	if (is_free(sh, key, t))
		return v;

	uint64_t users = key->nactive - user->is_active, one = sane(own_us);
	uint64_t weights = root->active - (key->is_active ? key->weight : 0);
	uint64_t mine = sane(user->work_us);
	uint64_t in_key =
	    mine + least(sane(key->work_us - user->work_us), users * (mine + one));
	uint64_t in_all = in_key + least(sane(root->work_us - key->work_us),
				       weights * (in_key + one) / weight);
	uint64_t jobs =
	    user->jobs + least(key->jobs - user->jobs, users * (user->jobs + 1ULL));
	jobs += least(root->jobs - key->jobs, weights * (jobs + 1) / weight);

	v.position = (unsigned)jobs;
	v.wait_us = share_of_slots(in_all, sh->slots - aside_of(sh, t));
	if (t->slots_max > 0 && share_of_slots(in_key, t->slots_max) > v.wait_us)
		v.wait_us = share_of_slots(in_key, t->slots_max);
	if (t->slots_reserved > 0)
		v.wait_us = least(
		    v.wait_us, share_of_slots(in_key, held_of(sh, t->slots_reserved)));
	return v;
}

uint64_t
share_work(const struct share *sh)
{
	return sh->tenants.root.work_us;
}

unsigned
share_users(const struct share *sh)
{
	return sh->tenants.users - (sh->everybody->seats == 0);
}

unsigned
share_jobs(const struct share *sh)
{
	return sh->tenants.root.seats;
}

/* --- life --- */

struct share *
share_new(unsigned slots, unsigned held_most, struct err *e)
{
	struct share *sh = calloc(1, sizeof(*sh));

	if (sh == NULL) {
		err_sys(e, "calloc");
		return NULL;
	}
	sh->slots = slots > 0 ? slots : 1;
	sh->held_most = held_most < sh->slots ? held_most : sh->slots;
	struct node *key = tenants_enter(&sh->tenants, &sh->tenants.root, 0, e);
	sh->everybody = key != NULL ? tenants_enter(&sh->tenants, key, 0, e) : NULL;
	if (sh->everybody == NULL) {
		share_free(sh);
		return NULL;
	}
	key->weight = sh->slots;
	sh->everybody->below++; /* it stays */
	return sh;
}

void
share_free(struct share *sh)
{
	if (sh == NULL)
		return;
	if (sh->everybody != NULL) {
		sh->everybody->below--;
		tenants_release(&sh->tenants, sh->everybody);
	}
	tenants_free(&sh->tenants);
	free(sh);
}
