/*
 * tenants - who shares: keys, in them users, in those jobs; and who of them waits, those
 * with the least debt first.
 *
 * For share.c alone, which says what a debt is.  A node stays as long as something is
 * below it or runs, and then until what it owes is made up by others who wait.  A node
 * that was entered is therefore given something below it, or released.
 */
#ifndef SANDBOX_TENANTS_H
#define SANDBOX_TENANTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define TENANTS_MAX     8192 /* keys and users known at a time */
#define TENANTS_BUCKETS 1024

enum level { ROOT, KEY, USER, JOB };

struct heap {
	struct node **at; /* owned; [0]: the first */
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

/* Zeroed at first. */
struct tenants {
	struct node root;
	struct heap entitled; /* keys with a reserved slot to spare */
	unsigned n, users;
	uint64_t serial;
	struct node *bucket[TENANTS_BUCKETS];
	struct node *idle_oldest, *idle_newest;
};

/* All that is left are idle. */
void tenants_free(struct tenants *t);

/* NULL: it is not known. */
struct node *tenants_find(const struct tenants *t, const struct node *up, uint64_t id);
/* Finds or makes it.  NULL without *e: there is no room for one more. */
struct node *tenants_enter(
    struct tenants *t, struct node *up, uint64_t id, struct err *e);
void tenants_release(struct tenants *t, struct node *n);
/* Forgets some of those who owe nothing any more. */
void tenants_sweep(struct tenants *t);

/* Before one more is below it; what hangs it in can then not fail. */
int tenants_make_room(struct node *up, struct err *e);
/* Puts a node and all above it where they belong now. */
void tenants_settle(struct tenants *t, struct node *n);
bool tenants_goes_before(const struct node *a, const struct node *b);

#endif
