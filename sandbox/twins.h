/*
 * twins - jobs that were sent with the same source: one compile serves them all.
 *
 * The first whose turn comes leads; the others' compiles wait in their queues (run.waits)
 * until its client has said whether the artifact may be kept, which it does at once or is
 * not waited for.  What was kept is in the cache and is answered without running.
 *
 * Nobody waits for one that waits itself: its turn may be much later.  Nor for one that
 * has less than he has, of processor time, memory or whatever: it may take much longer.
 */
#ifndef SANDBOX_TWINS_H
#define SANDBOX_TWINS_H

#include <stdbool.h>
#include <stdint.h>

#include "sandbox/cache.h"
#include "sandbox/session.h"

struct twins {
	struct cache *cache; /* borrowed */
	uint64_t due_us;     /* when a leader's KEEP is overdue; UINT64_MAX: none is */
	uint64_t hits;       /* compiles that the cache answered, since the start */
	uint64_t misses;     /* and those that had to run */
};

/* For a compile that was asked for: true if it was answered from the cache, and freed;
 * else it must run, when its turn comes or, if it waits, when its leader is settled. */
bool twins_serve(struct twins *t, struct session *sessions, struct run *r);
/* Its turn has come, and a slot is free.  False: it waits for its leader instead. */
bool twins_start(struct twins *t, const struct session *sessions, struct run *r);

/* The compile of j went well: its client is to say KEEP soon. */
void twins_made(struct twins *t, struct job *j);
/* It said so. */
void twins_compiled(struct twins *t, struct session *sessions, struct job *j, bool keep);
/* Nothing will come of j: whoever waited for it looks again. */
void twins_settle(struct twins *t, struct session *sessions, struct job *j);

/* To be called when due_us has passed; true if somebody may run now. */
bool twins_check(struct twins *t, struct session *sessions, uint64_t now);

#endif
