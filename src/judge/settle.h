/*
 * settle - what came of a run: verdict, comparison, streams kept, and of the whole job.
 */
#ifndef JUDGE_SETTLE_H
#define JUDGE_SETTLE_H

#include "judge/judging.h"

void settle_begin(struct judging *j);
/* The run has ended, its streams are complete; takes both taps. */
void settle(struct judging *j, struct flight *f, const struct outcome *o);
void settle_unfinished(struct judging *j, const struct err *why);
void settle_job(struct judging *j);

#endif
