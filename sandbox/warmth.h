/*
 * warmth - which language the next job will be in: recent use, overall and of each user.
 *
 * Plain arithmetic on times that the caller gives; no clock, no descriptor.  A language
 * is warm if it was used, or a user who likes it was here, in the last WARMTH_IDLE_US.
 */
#ifndef SANDBOX_WARMTH_H
#define SANDBOX_WARMTH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define WARMTH_IDLE_US   (300ULL * 1000000) /* L38: then it is given up */
#define WARMTH_CONFIDENT 0.7                /* L39: above it, it is prepared for */

struct warmth;

struct warmth *warmth_new(unsigned languages, struct err *e);
void warmth_free(struct warmth *w);

/* A user (any number that is his; 0: nobody known) sent a job. */
void warmth_saw(struct warmth *w, unsigned language, uint64_t user, uint64_t now_us);

/* How likely the next job is in this language, 0 to 1. */
double warmth_confidence(const struct warmth *w, unsigned language, uint64_t now_us);

/* How many of `most` things prepared for this language are worth having. */
unsigned warmth_wanted(
    const struct warmth *w, unsigned language, unsigned most, uint64_t now_us);

#endif
