#include "sandbox/tenants.h"

#include <stdlib.h>

#define SWEEP 4 /* those without a seat, looked at whenever somebody comes or goes */

/* --- heaps --- */

bool
tenants_goes_before(const struct node *a, const struct node *b)
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

	for (; i > 0 && tenants_goes_before(n, h->at[(i - 1) / 2]); i = (i - 1) / 2)
		put(h, i, h->at[(i - 1) / 2]);
	for (unsigned c; (c = 2 * i + 1) < h->n; i = c) {
		c += c + 1 < h->n && tenants_goes_before(h->at[c + 1], h->at[c]);
		if (!tenants_goes_before(h->at[c], n))
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
	return n->level == JOB ? n->jobs > 0 : n->waiting.n > 0;
}

static struct heap *
heap_for(struct tenants *t, struct node *n)
{
	if (!wants(n))
		return NULL;
	if (n->level != KEY)
		return &n->up->waiting;
	if (n->slots_max > 0 && n->running >= n->slots_max)
		return NULL;
	return n->held < n->reserved ? &t->entitled : &t->root.waiting;
}

static void
set_active(struct tenants *t, struct node *n, bool active)
{
	struct node *up = n->up;

	if (active == n->is_active)
		return;
	n->is_active = active;
	up->active += active ? n->weight : -(uint64_t)n->weight;
	up->nactive += active ? 1 : -1U;
	if (active) {
		n->came = ++t->serial;
		n->debt = n->debt > up->clock ? n->debt : up->clock;
	} else if (up->nactive == 0 && n->debt > up->clock) {
		up->clock = n->debt; /* nobody was kept waiting by it */
	}
}

void
tenants_settle(struct tenants *t, struct node *n)
{
	for (; n->up != NULL; n = n->up) {
		set_active(t, n, wants(n) || n->running > 0);
		hang(n, heap_for(t, n));
	}
}

/* --- who is known --- */

static unsigned
bucket_of(const struct node *up, uint64_t id)
{
	uint64_t h = (id ^ (up->id * 0x9e3779b97f4a7c15ULL)) * 0xbf58476d1ce4e5b9ULL;

	return (unsigned)(h >> 40) % TENANTS_BUCKETS;
}

struct node *
tenants_find(const struct tenants *t, const struct node *up, uint64_t id)
{
	struct node *n = t->bucket[bucket_of(up, id)];

	while (n != NULL && (n->up != up || n->id != id))
		n = n->twin;
	return n;
}

static void
unlink_idle(struct tenants *t, struct node *n)
{
	if (!n->idle)
		return;
	*(n->older != NULL ? &n->older->newer : &t->idle_oldest) = n->newer;
	*(n->newer != NULL ? &n->newer->older : &t->idle_newest) = n->older;
	n->older = n->newer = NULL;
	n->idle = false;
}

/* Nobody sits or runs below it; what it owes is remembered while others wait for it to
 * be made up. */
static void
set_idle(struct tenants *t, struct node *n)
{
	n->idle = true;
	n->older = t->idle_newest;
	*(n->older != NULL ? &n->older->newer : &t->idle_oldest) = n;
	t->idle_newest = n;
}

static void forget(struct tenants *t, struct node *n);

void
tenants_release(struct tenants *t, struct node *n)
{
	if (n->level == ROOT || n->below > 0 || n->running > 0 || n->idle)
		return;
	set_idle(t, n);
	if (n->debt <= n->up->clock || n->up->nactive == 0)
		forget(t, n);
}

static void
forget(struct tenants *t, struct node *n)
{
	struct node **at = &t->bucket[bucket_of(n->up, n->id)], *up = n->up;

	while (*at != n)
		at = &(*at)->twin;
	*at = n->twin;
	unlink_idle(t, n);
	t->n--;
	t->users -= n->level == USER;
	free(n->waiting.at);
	free(n);
	up->below--;
	tenants_release(t, up);
}

void
tenants_sweep(struct tenants *t)
{
	for (unsigned i = 0; i < SWEEP && t->idle_oldest != NULL; i++) {
		struct node *n = t->idle_oldest;

		if (n->debt <= n->up->clock || n->up->nactive == 0) {
			forget(t, n);
			continue;
		}
		unlink_idle(t, n); /* not yet: the others first */
		set_idle(t, n);
	}
}

static struct node *
make(struct tenants *t, struct node *up, uint64_t id, struct err *e)
{
	struct node *n = NULL;

	up->below++; /* held, whoever is forgotten now */
	if (t->n >= TENANTS_MAX && t->idle_oldest != NULL)
		forget(t, t->idle_oldest);
	if (t->n < TENANTS_MAX && heap_room(&up->waiting, up->below, e) == 0 &&
	    (up->level != ROOT || heap_room(&t->entitled, up->below, e) == 0))
		n = calloc(1, sizeof(*n));
	if (n == NULL) {
		up->below--;
		return NULL;
	}
	n->level = up->level + 1;
	n->up = up;
	n->id = id;
	n->weight = 1;
	n->twin = t->bucket[bucket_of(up, id)];
	t->bucket[bucket_of(up, id)] = n;
	t->n++;
	t->users += n->level == USER;
	return n;
}

struct node *
tenants_enter(struct tenants *t, struct node *up, uint64_t id, struct err *e)
{
	struct node *n = tenants_find(t, up, id);

	if (n == NULL)
		n = make(t, up, id, e);
	if (n != NULL)
		unlink_idle(t, n);
	return n;
}

int
tenants_make_room(struct node *up, struct err *e)
{
	return heap_room(&up->waiting, up->below + 1, e);
}

void
tenants_free(struct tenants *t)
{
	while (t->idle_oldest != NULL)
		forget(t, t->idle_oldest);
	free(t->root.waiting.at);
	free(t->entitled.at);
}
