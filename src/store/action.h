/*
 * action - what an administrator did, as a record of the audit trail with the name of who
 * did it.
 */
#ifndef STORE_ACTION_H
#define STORE_ACTION_H

#include "base/err.h"

#define ACTION_PERSON 80

/* Opens the log of the directory `store`, adds the record, closes.  No log there: 0, and
 * nothing happens. */
int action_record(const char *store, const char *kind, const char *key, const char *user,
    const char *detail, struct err *e);

/* For those who become somebody else in between: who it was before. */
const char *action_person(char out[ACTION_PERSON]);
int action_record_by(const char *by, const char *store, const char *kind, const char *key,
    const char *user, const char *detail, struct err *e);

#endif
