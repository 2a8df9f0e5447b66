/*
 * pace - how long runs take: learned by language and, of tests, by their limit of CPU
 * time, because an exercise with ten seconds is not one with a half.  Smoothed, so that
 * an endless loop does not count for all who come after it.
 */
#ifndef SANDBOX_PACE_H
#define SANDBOX_PACE_H

#include <stdint.h>

#define PACE_CLASSES 8

/* Of one language; zeroed: nothing is known yet.  All are µs in a slot. */
struct pace {
	uint64_t compile_us;
	uint64_t test_us; /* whatever their limit */
	uint64_t class_us[PACE_CLASSES];
};

uint64_t pace_compile(const struct pace *p);
uint64_t pace_test(const struct pace *p, uint64_t limit_us); /* 0: limit not known */

void pace_learn_compile(struct pace *p, uint64_t took_us);
void pace_learn_test(struct pace *p, uint64_t limit_us, uint64_t took_us);

#endif
