/*
 * pace - how long runs take: learned by language and, of tests, by their limit of CPU
 * time, because an exercise with ten seconds is not one with a half.
 *
 * Smoothed, so that an endless loop does not count for all who come after it; and what
 * was seen long ago counts for less and less, so that last night's loops do not make the
 * first of the morning wait for nothing.
 */
#ifndef SANDBOX_PACE_H
#define SANDBOX_PACE_H

#include <stdint.h>

#define PACE_CLASSES 8
#define PACE_HALF_US 600000000ULL /* what was seen then counts half */

struct pace_mean {
	uint64_t us, at_us; /* at_us: when its weight was right */
	uint64_t weight;    /* in 256ths of a run that ended just now */
};

/* Of one language; zeroed: nothing is known yet. */
struct pace {
	struct pace_mean compile;
	struct pace_mean test; /* whatever their limit */
	struct pace_mean class[PACE_CLASSES];
};

/* All are µs in a slot. */
uint64_t pace_compile(const struct pace *p, uint64_t now_us);
uint64_t pace_test(
    const struct pace *p, uint64_t limit_us, uint64_t now_us); /* 0: limit not known */

void pace_learn_compile(struct pace *p, uint64_t took_us, uint64_t now_us);
void pace_learn_test(
    struct pace *p, uint64_t limit_us, uint64_t took_us, uint64_t now_us);

#endif
