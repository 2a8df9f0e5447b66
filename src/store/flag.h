/*
 * flag - users of whose jobs too many broke the rules of the sandbox.  A flag is a record
 * of the audit trail; the last word about a user counts, and an administrator's may be
 * that it is cleared.
 */
#ifndef STORE_FLAG_H
#define STORE_FLAG_H

#include "store/db.h"

struct flag_rule {
	unsigned violations; /* jobs in `window_us` that make a flag; 0: never */
	int64_t window_us, lasts_us;
};

/* Was the user's last job one too many?  Then adds the record, and returns 1.  In a
 * transaction of the caller. */
int flag_raise(struct db *d, const struct flag_rule *rule, const char *key,
    const char *user, int64_t now, struct err *e);

/* Who is flagged now: the last word about each within lasts_us. */
typedef int flag_visit(
    void *ctx, const char *key, const char *user, int64_t since, struct err *e);
int flag_list(struct db *d, int64_t lasts_us, int64_t now, flag_visit *visit, void *ctx,
    struct err *e);

#endif
