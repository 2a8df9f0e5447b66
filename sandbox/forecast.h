/*
 * forecast - what runs and jobs are likely to take: a job's tests as its own took so far,
 * all else as others like it took of late (pace.h).
 */
#ifndef SANDBOX_FORECAST_H
#define SANDBOX_FORECAST_H

#include "sandbox/job.h"
#include "sandbox/language.h"
#include "sandbox/pace.h"

/* Zeroed: nothing is known yet. */
struct forecast {
	struct pace pace[LANGUAGES_MAX]; /* by language */
};

/* All are µs in a slot. */
uint64_t forecast_run(const struct forecast *f, const struct run *r);
/* What is left of a job: announced, or under way or waiting, which is `pending`. */
uint64_t forecast_job(const struct forecast *f, const struct job *j, unsigned pending);
/* The first run of a job that is to come, whose tests have this limit. */
uint64_t forecast_first(
    const struct forecast *f, const struct language *l, uint64_t cpu_us);

void forecast_learn(struct forecast *f, const struct run *r, uint64_t took_us);

#endif
