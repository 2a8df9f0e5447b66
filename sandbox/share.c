#include "sandbox/share.h"

#include <stdlib.h>

#define SCALE   64 /* of a debt: µs of slot time for a weight of 64 */
#define BUCKETS 1024
#define SANE_US 1000000000000ULL /* no prediction is longer: no product overflows */
#define SWEEP   4 /* those without a seat, looked at whenever somebody comes or goes */

enum level { ROOT, KEY, USER, JOB };

struct heap {
	struct node **at; /* owned */
	unsigned n, cap;
};

struct node {
	enum level level;
	struct node *up;            /* NULL: the root */
	struct node *twin;          /* of the same bucket */
	struct node *newer, *older; /* among those without a seat */
	uint64_t id;

	struct heap waiting; /* who wants a slot; of the root: of the shared ones */
	struct heap *in;     /* which it hangs in itself; NULL: none */
	unsigned place;      /* there */
	unsigned below;      /* nodes below it */
	uint64_t came;       /* of equals the first goes first */
	int64_t debt;
	int64_t clock;   /* of those below */
	uint64_t active; /* weight of those below who wait or run */
	unsigned nactive;
	unsigned weight, running, seats, jobs; /* jobs: seats that wait */
	bool is_active, idle;
	uint64_t work_us;

	/* of a key */
	unsigned slots_max, reserved, held; /* held: runs in its reserved slots */
};

struct seat {
	struct node node;
	struct seat *newer, *older; /* who sat down after it, and before */
	unsigned aside;             /* slots that are held for keys, it says */
	void *owner;
	unsigned bills;
	bool wants, left;
};

struct share {
	struct node root;
	struct heap entitled;      /* keys with a reserved slot to spare */
	unsigned slots, held_most; /* held_most: for keys, whatever they say */
	unsigned held, shared;     /* runs in reserved slots, and in those nobody has */
	struct seat *newest;
	unsigned spare_users; /* runs in spare slots, beside others of their keys */
	unsigned ntenants, nusers;
	uint64_t serial;
	struct node *everybody; /* the user without a name of those without a key */
	struct node *bucket[BUCKETS];
	struct node *idle_oldest, *idle_newest;
};

/* --- heaps --- */

static bool
goes_before(const struct node *a, const struct node *b)
{
	return a->debt != b->debt ? a->debt < b->debt : a->came < b->came;
}

static void
put(struct heap *h, unsigned i, struct node *n)
{
	h->at[i] = n;
	n->place = i;
}

static void
sift(struct heap *h, unsigned i)
{
	struct node *n = h->at[i];

	for (; i > 0 && goes_before(n, h->at[(i - 1) / 2]); i = (i - 1) / 2)
		put(h, i, h->at[(i - 1) / 2]);
	for (unsigned c; (c = 2 * i + 1) < h->n; i = c) {
		c += c + 1 < h->n && goes_before(h->at[c + 1], h->at[c]);
		if (!goes_before(h->at[c], n))
			break;
		put(h, i, h->at[c]);
	}
	put(h, i, n);
}

static int
heap_room(struct heap *h, unsigned n, struct err *e)
{
	unsigned cap = h->cap == 0 ? 8 : h->cap;

	while (cap < n)
		cap *= 2;
	if (cap == h->cap)
		return 0;
	struct node **at = reallocarray(h->at, cap, sizeof(*at));
	if (at == NULL)
		return err_sys(e, "reallocarray");
	h->at = at;
	h->cap = cap;
	return 0;
}

static void
hang(struct node *n, struct heap *h)
{
	struct heap *old = n->in;

	if (old == h) {
		if (h != NULL)
			sift(h, n->place);
		return;
	}
	if (old != NULL) {
		struct node *last = old->at[--old->n];

		if (last != n) {
			put(old, n->place, last);
			sift(old, last->place);
		}
	}
	n->in = h;
	if (h != NULL) {
		put(h, h->n++, n); /* room was made when it joined */
		sift(h, n->place);
	}
}

/* --- who waits --- */

static bool
wants(const struct node *n)
{
	return n->level == JOB ? ((const struct seat *)n)->wants : n->waiting.n > 0;
}

static struct heap *
heap_for(struct share *sh, struct node *n)
{
	if (!wants(n))
		return NULL;
	if (n->level != KEY)
		return &n->up->waiting;
	if (n->slots_max > 0 && n->running >= n->slots_max)
		return NULL;
	return n->held < n->reserved ? &sh->entitled : &sh->root.waiting;
}

static void
set_active(struct share *sh, struct node *n, bool active)
{
	struct node *up = n->up;

	if (active == n->is_active)
		return;
	n->is_active = active;
	up->active += active ? n->weight : -(uint64_t)n->weight;
	up->nactive += active ? 1 : -1U;
	if (active) {
		n->came = ++sh->serial;
		n->debt = n->debt > up->clock ? n->debt : up->clock;
	} else if (up->nactive == 0 && n->debt > up->clock) {
		up->clock = n->debt; /* nobody was kept waiting by it */
	}
}

/* Puts a node and all above it where they belong now. */
static void
settle(struct share *sh, struct node *n)
{
	for (; n->up != NULL; n = n->up) {
		set_active(sh, n, wants(n) || n->running > 0);
		hang(n, heap_for(sh, n));
	}
}

/* --- tenants --- */

static unsigned
bucket_of(const struct node *up, uint64_t id)
{
	uint64_t h = (id ^ (up->id * 0x9e3779b97f4a7c15ULL)) * 0xbf58476d1ce4e5b9ULL;

	return (unsigned)(h >> 40) % BUCKETS;
}

static struct node *
find(const struct share *sh, const struct node *up, uint64_t id)
{
	struct node *n = sh->bucket[bucket_of(up, id)];

	while (n != NULL && (n->up != up || n->id != id))
		n = n->twin;
	return n;
}

static void
unlink_idle(struct share *sh, struct node *n)
{
	if (!n->idle)
		return;
	*(n->older != NULL ? &n->older->newer : &sh->idle_oldest) = n->newer;
	*(n->newer != NULL ? &n->newer->older : &sh->idle_newest) = n->older;
	n->older = n->newer = NULL;
	n->idle = false;
}

/* Nobody sits or runs below it; what it owes is remembered while others wait for it to
 * be made up. */
static void
set_idle(struct share *sh, struct node *n)
{
	n->idle = true;
	n->older = sh->idle_newest;
	*(n->older != NULL ? &n->older->newer : &sh->idle_oldest) = n;
	sh->idle_newest = n;
}

static void forget(struct share *sh, struct node *n);

static void
release(struct share *sh, struct node *n)
{
	if (n->level == ROOT || n->below > 0 || n->running > 0 || n->idle)
		return;
	set_idle(sh, n);
	if (n->debt <= n->up->clock || n->up->nactive == 0)
		forget(sh, n);
}

static void
forget(struct share *sh, struct node *n)
{
	struct node **at = &sh->bucket[bucket_of(n->up, n->id)], *up = n->up;

	while (*at != n)
		at = &(*at)->twin;
	*at = n->twin;
	unlink_idle(sh, n);
	sh->ntenants--;
	sh->nusers -= n->level == USER;
	free(n->waiting.at);
	free(n);
	up->below--;
	release(sh, up);
}

static void
sweep(struct share *sh)
{
	for (unsigned i = 0; i < SWEEP && sh->idle_oldest != NULL; i++) {
		struct node *n = sh->idle_oldest;

		if (n->debt <= n->up->clock || n->up->nactive == 0) {
			forget(sh, n);
			continue;
		}
		unlink_idle(sh, n); /* not yet: the others first */
		set_idle(sh, n);
	}
}

static struct node *
make(struct share *sh, struct node *up, uint64_t id, struct err *e)
{
	struct node *n = NULL;

	up->below++; /* held, whoever is forgotten now */
	if (sh->ntenants >= SHARE_TENANTS_MAX && sh->idle_oldest != NULL)
		forget(sh, sh->idle_oldest);
	if (sh->ntenants < SHARE_TENANTS_MAX &&
	    heap_room(&up->waiting, up->below, e) == 0 &&
	    (up->level != ROOT || heap_room(&sh->entitled, up->below, e) == 0))
		n = calloc(1, sizeof(*n));
	if (n == NULL) {
		up->below--;
		return NULL;
	}
	n->level = up->level + 1;
	n->up = up;
	n->id = id;
	n->weight = 1;
	n->twin = sh->bucket[bucket_of(up, id)];
	sh->bucket[bucket_of(up, id)] = n;
	sh->ntenants++;
	sh->nusers += n->level == USER;
	return n;
}

static struct node *
find_or_make(struct share *sh, struct node *up, uint64_t id, struct err *e)
{
	struct node *n = find(sh, up, id);

	if (n == NULL)
		n = make(sh, up, id, e);
	if (n != NULL)
		unlink_idle(sh, n);
	return n;
}

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
		sh->root.active += (uint64_t)weight - key->weight;
	key->weight = weight;
	key->slots_max = t->slots_max;
	key->reserved = held_of(sh, t->slots_reserved);
	settle(sh, key);
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
	struct node *key = find_or_make(sh, &sh->root, t->key, e);
	struct node *user = key != NULL ? find_or_make(sh, key, t->user, e) : NULL;

	if (user != NULL) {
		set_slots(sh, key, t);
		return user;
	}
	if (key != NULL)
		release(sh, key);
	return sh->everybody;
}

struct seat *
share_join(struct share *sh, const struct wire_tenant *t, void *owner, struct err *e)
{
	sweep(sh);
	struct node *user = user_of(sh, t, e);
	struct seat *seat = calloc(1, sizeof(*seat));

	if (seat == NULL)
		err_sys(e, "calloc");
	if (seat == NULL || heap_room(&user->waiting, user->below + 1, e) == -1) {
		free(seat);
		release(sh, user);
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
	release(sh, user);
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
	sweep(sh);
}

void
share_want(struct share *sh, struct seat *seat, bool yes)
{
	if (seat->wants == yes)
		return;
	seat->wants = yes;
	for (struct node *n = seat->node.up; n != NULL; n = n->up)
		n->jobs += yes ? 1 : -1U;
	settle(sh, &seat->node);
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
	const struct node *a = first_of(&sh->entitled), *b = first_of(&sh->root.waiting);

	if (a != NULL && has_held_slot(sh, a, a->reserved))
		return a;
	if (!has_shared_slot(sh, set_aside(sh)))
		return NULL;
	return b == NULL || (a != NULL && goes_before(a, b)) ? a : b;
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
		    (first == NULL || goes_before(h->at[i], first)))
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
		    (first == NULL || goes_before(keys->at[i], first->up)))
			first = user;
	}
	return first;
}

void *
share_next_newcomer(const struct share *sh, unsigned users_most)
{
	/* where all is reserved, others have no claim to be let past anybody */
	const struct heap *from[] = { &sh->entitled,
		set_aside(sh) < sh->slots ? &sh->root.waiting : NULL };
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
	settle(sh, &seat->node);
}

void
share_charge(struct share *sh, struct share_bill *bill, uint64_t so_far_us)
{
	if (bill->seat == NULL || so_far_us <= bill->charged_us)
		return;
	charge(bill, (int64_t)(so_far_us - bill->charged_us));
	bill->charged_us = so_far_us;
	settle(sh, &bill->seat->node);
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
	settle(sh, &seat->node);
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
	       (sh->root.jobs == 0 && has_shared_slot(sh, aside_of(sh, t)));
}

/*
 * Those who wait beside the tenant get no more before it than it gets itself until its
 * job's turn comes: in its key as much as its user, among keys by their weights.  The
 * sums suffice for that; who waits for less makes the wait shorter than predicted.
 */
struct share_view
share_look(const struct share *sh, const struct wire_tenant *t, uint64_t own_us)
{
	const struct node *root = &sh->root, *key = find(sh, root, t->key);
	const struct node *user = key != NULL ? find(sh, key, t->user) : NULL;
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
	return sh->root.work_us;
}

unsigned
share_users(const struct share *sh)
{
	return sh->nusers - (sh->everybody->seats == 0);
}

unsigned
share_jobs(const struct share *sh)
{
	return sh->root.seats;
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
	struct node *key = find_or_make(sh, &sh->root, 0, e);
	sh->everybody = key != NULL ? find_or_make(sh, key, 0, e) : NULL;
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
		release(sh, sh->everybody);
	}
	while (sh->idle_oldest != NULL)
		forget(sh, sh->idle_oldest);
	free(sh->root.waiting.at);
	free(sh->entitled.at);
	free(sh);
}
