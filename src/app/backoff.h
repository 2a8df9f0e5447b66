/*
 * backoff - how long to wait before a dead worker is replaced.  Pure: time is passed in.
 *
 * One that had lived a while is replaced at once; of those that die young each round
 * waits twice as long, up to BACKOFF_MAX_US, so that a crash loop costs little and the
 * service still comes back by itself.
 */
#ifndef APP_BACKOFF_H
#define APP_BACKOFF_H

#include <stdint.h>

#define BACKOFF_YOUNG_US 10000000 /* lived shorter: died young */
#define BACKOFF_MIN_US   100000
#define BACKOFF_MAX_US   5000000

struct backoff {
	unsigned rounds;
	uint64_t until_us; /* nobody is started before */
};

/* Deaths while we wait belong to the round that made us wait. */
static inline void
backoff_death(struct backoff *b, uint64_t now_us, uint64_t lived_us)
{
	if (lived_us >= BACKOFF_YOUNG_US) {
		b->rounds = 0;
		return;
	}
	if (now_us < b->until_us)
		return;

	uint64_t wait = BACKOFF_MIN_US;
	for (unsigned i = 0; i < b->rounds && wait < BACKOFF_MAX_US; i++)
		wait *= 2;
	b->rounds++;
	b->until_us = now_us + (wait < BACKOFF_MAX_US ? wait : BACKOFF_MAX_US);
}

#endif
