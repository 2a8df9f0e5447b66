/*
 * shares - how much of the run log is whose: jobs and bytes of each user of each key.
 * runs.h and prune.h keep them, in the transactions in which jobs come and go.
 */
#ifndef STORE_SHARES_H
#define STORE_SHARES_H

#include "base/buf.h"
#include "store/db.h"

/* From the jobs that are there. */
#define SHARES_OF_JOBS                                                                   \
	"INSERT INTO shares (key_name, user_name, jobs, bytes)"                          \
	" SELECT key_name, user_name, COUNT(*), SUM(bytes) FROM jobs"                    \
	" GROUP BY key_name, user_name"

/* One job more, one less. */
int shares_add(
    struct db *d, const char *key, const char *user, int64_t bytes, struct err *e);
int shares_take(
    struct db *d, const char *key, const char *user, int64_t bytes, struct err *e);

/* Of all keys the one with most, and of its users the one with most.  1: found, 0: nobody
 * has any. */
int shares_largest(struct db *d, struct buf *key, struct buf *user, struct err *e);

/* Anew: after jobs were saved from elsewhere. */
int shares_reckon(struct db *d, struct err *e);

#endif
