/*
 * crowd - how many workers there should be: more while hardly any is left for the next
 * request, fewer when some have had nothing to do for long.
 *
 * The master and its workers share a page on which each worker says whether it has a
 * request in hand, and since when.  One that takes a request and finds hardly anybody
 * else without one rings the bell: a pipe, whose other end sends the master CROWD_BELL.
 * Nobody polls, and a worker can do nothing but ring.
 *
 * The master marks a place before it forks the worker for it, and frees it when it has
 * reaped that, so a worker that dies with a request in hand leaves no trace.
 */
#ifndef APP_CROWD_H
#define APP_CROWD_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define CROWD_WORKERS_MAX 1024                    /* of one crew */
#define CROWD_PLACES      (2 * CROWD_WORKERS_MAX) /* at a reload there are two */
#define CROWD_NOWHERE     CROWD_PLACES
#define CROWD_BELL        SIGUSR2

struct crowd;

struct crowd_bounds {
	unsigned least, most;
	unsigned slots;   /* of the helper; 0: not known */
	uint64_t idle_us; /* then a worker that is not needed goes */
};

/* Before the first fork; the bell rings for the caller. */
int crowd_open(struct crowd **out, struct err *e);

/* --- a worker --- */
void crowd_busy(struct crowd *c, unsigned place, bool busy);

/* --- the master --- */
unsigned crowd_enter(struct crowd *c, uint64_t now); /* CROWD_NOWHERE: no room */
void crowd_leave(struct crowd *c, unsigned place);
/* Since when it has had nothing to do; UINT64_MAX: it has. */
uint64_t crowd_idle_since(const struct crowd *c, unsigned place);
/* Shall the bell ring?  To be asked before the page is looked at: then nothing is missed.
 */
void crowd_listen(struct crowd *c, bool yes);

/* --- the policy, on numbers alone --- */

/* So many more, of `have` of which `idle` have nothing to do. */
unsigned crowd_more(const struct crowd_bounds *b, unsigned have, unsigned idle);
/* May one that has been idle for long go? */
bool crowd_has_spare(const struct crowd_bounds *b, unsigned have, unsigned idle);

#endif
