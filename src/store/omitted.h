/*
 * omitted - events that are only counted: one user's programs, or one key's with however
 * many users it invents, do not make the audit trail as long as they like.
 */
#ifndef STORE_OMITTED_H
#define STORE_OMITTED_H

#include "store/db.h"
#include "store/record.h"

/* In an hour the events of so many jobs are recorded, and of so many the sources kept;
 * the rest is counted.  The first of each pair is of a user who has a name, the second of
 * a key with all its users, for they may be invented. */
#define OMITTED_USER_JOBS     100
#define OMITTED_KEY_JOBS      1000
#define OMITTED_USER_EVIDENCE 10
#define OMITTED_KEY_EVIDENCE  100

/* 1: the job's events are to be recorded; 0: they were counted.  *evidence: and its
 * sources kept.  In a transaction of the caller. */
int omitted_room(struct db *d, const struct record *r, bool *evidence, struct err *e);

/* A record for each user or key of whom something was counted only.  In a transaction of
 * its own. */
int omitted_tell(struct db *d, struct err *e);

#endif
