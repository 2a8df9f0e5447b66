/*
 * prune - jobs that leave the run log: because they are old, because there is no room for
 * all, because somebody wants theirs gone.
 *
 * Each deletes at most `batch` jobs, with all that lies with them, and returns how many;
 * in a transaction of the caller.
 */
#ifndef STORE_PRUNE_H
#define STORE_PRUNE_H

#include "store/db.h"

/* The oldest, those before the moment only. */
int prune_old(struct db *d, int64_t before, unsigned batch, struct err *e);

/* The oldest of the user who has most in the log, of the key that has most: so nobody
 * loses his for what others send. */
int prune_largest(struct db *d, unsigned batch, struct err *e);

/* A user's, of a key's or (NULL) of any key's. */
int prune_user(
    struct db *d, const char *user, const char *key, unsigned batch, struct err *e);

/* Up to which moment jobs have aged, as it was last set; else the youngest job's.  1:
 * there is one.  Set in a transaction of its own. */
int prune_moment(struct db *d, int64_t *at, struct err *e);
int prune_set_moment(struct db *d, int64_t at, struct err *e);

#endif
