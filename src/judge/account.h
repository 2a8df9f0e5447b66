/*
 * account - what a key or a user has used up: where it stands, and the arithmetic.
 *
 * For quota.c alone, with the lock of quota_file.h unless said otherwise.
 */
#ifndef JUDGE_ACCOUNT_H
#define JUDGE_ACCOUNT_H

#include "judge/quota_file.h"

/* The account's place; QUOTA_NOBODY if there is none and none can be had, or make is
 * false, or (for a user) the claim names none. */
uint32_t account_of_key(struct quota *q, uint64_t key, const struct now *now, bool make);
uint32_t account_of_user(
    struct quota *q, const struct quota_claim *c, const struct now *now, bool make);

/* Rates, as GCRA counts them: a request takes one step out of a bucket of burst steps. */
uint64_t rate_step_ns(const struct rate *r);
/* How far ahead of now the bucket is spoken for. */
uint64_t rate_ahead_ns(uint64_t full_ns, const struct rate *r, uint64_t now_ns);
uint64_t rate_ceil_s(uint64_t ns);

/* No lock needed. */
uint64_t account_cpu_today(const struct account *a, const struct now *now);
void account_add_cpu(struct account *a, uint64_t us, const struct now *now);
/* One request more, at this moment. */
void account_charge(struct account *a, const struct rate *r, const struct now *now);
/* The clock was set back: what was used on a day to come was used today. */
void account_bring_to_day(struct account *a, const struct now *now);
/* a: NULL for who has used nothing. */
void account_describe(struct quota_account *out, const struct account *a,
    const struct allowance *may, const struct sum *held, const struct now *now);

#endif
