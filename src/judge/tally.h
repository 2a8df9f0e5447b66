/*
 * tally - what the metrics get of a judged job.
 */
#ifndef JUDGE_TALLY_H
#define JUDGE_TALLY_H

#include "judge/judging.h"

/* Of a job whose result is complete: once. */
void tally_job(const struct judging *j);

/* Of one test that ran and was us under way, from its request to its outcome. */
void tally_flight(const struct outcome *o, uint64_t us);

#endif
