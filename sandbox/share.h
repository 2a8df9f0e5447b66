/*
 * share - whose turn it is: slots are shared by key, inside a key by user, inside a user
 * by job.
 *
 * Deficit round robin with rounds as short as they can be.  Everybody carries a debt: the
 * slot time he had, divided by his weight.  Whoever waits with the least debt is next; a
 * run is charged what it will probably take when it starts, more while it takes longer,
 * and what it took when it ends.  Each key, and each user, has a clock for those inside
 * it that shows what each of them had if all had been served evenly; who was away comes
 * back with the debt that the clock shows, so that absence saves nothing up and leaving
 * clears nothing.  Of two who wait all the time neither gets ahead of the other by more
 * than the runs that are under way, and a stream of newcomers starves nobody.
 *
 * A key weighs as many slots as it may have at a time.  The slots reserved for keys are
 * not shared: a key uses its own first, and those of others not at all.  How many those
 * are is what the newest of all jobs says, while it is open; never more than held_most.
 *
 * Turns come when runs end.  Where none does, a newcomer is let past them into a spare
 * slot: a key that has nothing running, or a user who has nothing running in a key that
 * has.  That one is the key's word, and a key can name many; so the caller bounds how
 * many such there are.
 *
 * All numbers are wishes of clients.  What harm a lie can do is another order, and
 * held_most idle slots.  Every operation but one takes the logarithm of those who wait,
 * at most.
 */
#ifndef SANDBOX_SHARE_H
#define SANDBOX_SHARE_H

#include <stdbool.h>
#include <stdint.h>

#include "sandbox/wire/wire.h"

struct share;
struct seat; /* one job's place */

enum share_slot { SHARE_ORDINARY, SHARE_SPARE };

/* A run under way; embedded in whoever knows when it ends. */
struct share_bill {
	struct seat *seat; /* NULL: none is open */
	uint64_t charged_us;
	unsigned *in; /* the share's own: among which runs it counts; NULL: none */
	bool held;    /* it uses a slot that is reserved for its key */
};

/* How it stands for a tenant's next job. */
struct share_view {
	uint64_t wait_us;             /* predicted; UINT64_MAX: no slot is for it */
	unsigned position;            /* jobs whose turn comes before */
	unsigned key_jobs, user_jobs; /* seats that it has */
};

struct share *share_new(unsigned slots, unsigned held_most, struct err *e);
void share_free(struct share *sh); /* all seats have left */

/* A job sits down.  Where there is no room for one more key or user, it shares the place
 * of those without.  Whose turn it is may change, also when one leaves. */
struct seat *share_join(
    struct share *sh, const struct wire_tenant *t, void *owner, struct err *e);
void share_leave(struct share *sh, struct seat *seat); /* runs may still be under way */

void share_want(struct share *sh, struct seat *seat, bool wants); /* has a run waiting */
void share_expect(struct share *sh, struct seat *seat, uint64_t work_us); /* left to do */

/* The owner of the seat whose turn it is, given that a slot is free; NULL: nobody's. */
void *share_next(const struct share *sh);
/* May this one go on, because it is no more than so much ahead of whose turn it is? */
bool share_may_go_on(const struct share *sh, const struct seat *seat, uint64_t ahead_us);

/* The owner of the seat whose turn it is among newcomers, given that a spare slot is free
 * and nothing else; NULL: there is none.  users_most: in spare slots at a time, beside
 * others of their keys.  Takes the time to look at all who wait. */
void *share_next_newcomer(const struct share *sh, unsigned users_most);

void share_start(struct share *sh, struct seat *seat, enum share_slot where,
    uint64_t likely_us, struct share_bill *bill);
void share_charge(struct share *sh, struct share_bill *bill, uint64_t so_far_us);
void share_end(struct share *sh, struct share_bill *bill, uint64_t took_us);

struct share_view share_look(
    const struct share *sh, const struct wire_tenant *t, uint64_t own_us);
uint64_t share_work(const struct share *sh); /* all that is expected, µs */
unsigned share_users(const struct share *sh);
unsigned share_jobs(const struct share *sh);

#endif
