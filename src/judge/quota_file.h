/*
 * quota_file - the file of the quotas: its shape, its clock, its locks and its holds.
 *
 * For quota.c and account.c alone.  What lies in it is another process's word as much as
 * our own: numbers that are used as places are compared with the tables' sizes first.
 */
#ifndef JUDGE_QUOTA_FILE_H
#define JUDGE_QUOTA_FILE_H

#include "judge/quota.h"

#define QUOTA_KEYS   16384
#define QUOTA_USERS  65536
#define QUOTA_HOLDS  4096
#define QUOTA_NOBODY UINT32_MAX
#define SEC_NS       1000000000ULL
#define MSEC_US      1000ULL

/* An empty place ends a walk, one that changes hands does not: its old or new owner may
 * lie beyond. */
enum use { USE_EMPTY, USE_TAKEN, USE_CHANGING };

struct account {
	uint64_t key, user;
	uint64_t full_ns; /* when the bucket is full, by the clock of this boot */
	uint64_t seen_ns;
	uint64_t cpu_us; /* of the day */
	uint32_t day;    /* yyyymmdd */
	uint32_t used;   /* enum use; set last */
	char name[48];
	char rest[32];
};

struct hold {
	uint32_t active; /* set last, cleared first */
	uint32_t key_at, user_at;
	uint32_t rest;
	uint64_t cpu_us;
};

struct head {
	uint64_t magic;
	uint32_t version, keys, users, holds, account_size, hold_size;
	uint64_t check; /* of the numbers above: a file of another shape is not ours */
	char boot[40];
	uint64_t seen_ns; /* the latest moment of this boot that anybody saw */
	uint32_t high;    /* holds at and above it were never owned */
};

struct table {
	struct head head;
	struct hold holds[QUOTA_HOLDS];
	struct account keys[QUOTA_KEYS];
	struct account users[QUOTA_USERS];
};

struct quota {
	struct table *t;
	int fd;
	bool readonly;
	uint32_t mine;    /* my hold; QUOTA_NOBODY: not yet */
	uint64_t tell_ns; /* when it may be told again that users find no place */
	const struct quota_clock *clock;
	char boot[40];
};

/* --- clock --- */

struct now {
	uint64_t ns;
	uint32_t day;
	uint64_t day_s; /* until it ends */
};

struct now quota_now(const struct quota *q);

/* --- lock of all but the holds --- */

/* Bounded: a holder that was stopped must not stop everybody.  ERR_BUSY then. */
int quota_lock(const struct quota *q, struct err *e);
void quota_unlock(const struct quota *q);

/* --- holds; with the lock, but for the first --- */

/* Takes one for this process, once; ERR_BUSY: all are owned.  The more processes there
 * are the longer it takes, and nobody is to wait for that. */
int holds_own(struct quota *q, struct err *e);
/* Ends what dead processes held.  Returns whether there was any. */
bool holds_bury_dead(struct quota *q);

struct sum {
	uint64_t jobs, cpu_us;
};

/* user_at: QUOTA_NOBODY for no user. */
void holds_sum(const struct quota *q, uint32_t key_at, uint32_t user_at, struct sum *key,
    struct sum *user);
/* table: that of the keys or of the users. */
bool holds_any(const struct quota *q, const struct account *table, uint32_t at);

#endif
