/*
 * quota - what keys and users have used up, and whether they may have more.
 *
 * One file, mapped by every worker: requests by the minute, jobs at a time, CPU time of
 * the day, exact over all of them.  It outlives workers, the service and the machine; of
 * the rates, what a boot has seen is forgotten with it.
 *
 * A process makes at most one claim at a time: quota_take, then either quota_give_back
 * (nothing was run, so nothing was used) or quota_settle.  A process that dies with a
 * claim gives it back by dying.  Refused is: nothing changed.
 *
 * The file is opened once in a process and never closed before its end: the locks of
 * holds are the process's own (fcntl(2)), and closing any descriptor of the file would
 * drop them; the lock of the rest is the descriptor's (flock(2)), so a child opens its
 * own.
 */
#ifndef JUDGE_QUOTA_H
#define JUDGE_QUOTA_H

#include <stdbool.h>
#include <stdint.h>

#include "model/identity.h"
#include "model/problem.h"

struct quota;

/* Other clocks, for tests. */
struct quota_clock {
	uint64_t (*boot_ns)(void); /* since the machine was started, sleep included */
	int64_t (*wall_s)(void);
};

/* Makes the file if it is missing or damaged.  clock: NULL is the machine's. */
int quota_open(
    const char *path, const struct quota_clock *clock, struct quota **out, struct err *e);
/* Only to look: no claim, no lock; the file must be there. */
int quota_open_readonly(const char *path, struct quota **out, struct err *e);
void quota_close(struct quota *q);

struct quota_claim {
	uint64_t key, user;    /* user 0: only the key counts */
	const char *user_name; /* for people; may be NULL */
	struct allowance own, each_user;
	uint64_t cpu_ms; /* at most so much will be used */
};

/* How one account stands.  What has no bound has limit 0. */
struct quota_account {
	struct rate rate;
	uint64_t left;    /* requests, now */
	uint64_t reset_s; /* until all of the burst is there again */
	uint64_t jobs, jobs_limit;
	uint64_t cpu_ms, cpu_held_ms, cpu_limit_ms; /* held: by jobs that run */
	uint64_t day_s;                             /* until the day ends */
};

/* Whose bound, and which, for the metrics: "key_rate", "user_cpu"; NULL ends. */
extern const char *const quota_bounds[];

struct quota_state {
	struct quota_account key, user;
	bool has_user; /* false: none named, or no room to count for him */
	const char
	    *refused; /* one of quota_bounds, by which a claim failed; NULL: none */
};

/* *state is as it stands after the call; both fill it, on refusal too. */
int quota_take(struct quota *q, const struct quota_claim *c, struct quota_state *state,
    struct problem *p);
int quota_look(struct quota *q, const struct quota_claim *c, struct quota_state *state,
    struct problem *p);

/* The claim as it was taken. */
void quota_give_back(struct quota *q, const struct quota_claim *c);
void quota_settle(struct quota *q, uint64_t cpu_us);

/* Users of a key that are counted, for a person: at most max, those with most CPU time
 * first.  Without a lock, so a number may be old by the time it is read. */
struct quota_user {
	char name[48];
	uint64_t cpu_ms;
};
/* His name goes, under a key or (NULL) all keys; what he used stays counted. */
int quota_forget(struct quota *q, const uint64_t *key, uint64_t user, struct err *e);
unsigned quota_users(
    const struct quota *q, uint64_t key, struct quota_user *out, unsigned max);

#endif
