/*
 * trail - the audit trail as it is read: lists, single records, and the proof that none
 * is missing or was changed.  Written it is by audit.h.
 */
#ifndef STORE_TRAIL_H
#define STORE_TRAIL_H

#include "model/inquiry.h"
#include "store/audit.h"
#include "store/pages.h"

struct trail_filter {
	int64_t since, until;          /* until 0: no end */
	const char *key, *user, *kind; /* NULL: any */
};
typedef int trail_visit(void *ctx, const struct audit_entry *entry, struct err *e);
int trail_list(struct db *d, const struct trail_filter *f, unsigned newest,
    trail_visit *visit, void *ctx, pages_rest *rest, struct err *e);
int trail_find(struct db *d, int64_t n, trail_visit *visit, void *ctx, struct err *e);

/*
 * One page for somebody who asks from far away, in the order of the records; lines gets
 * their canonical lines, each with its \n.  It looks at no more than TRAIL_LOOKS records,
 * so that it takes a few milliseconds however many there are; hence an empty page may
 * have more behind it.
 */
#define TRAIL_LOOKS 2000
int trail_page(struct db *d, const struct inquiry *q, struct inquiry_page *page,
    struct buf *lines, struct err *e);

/* Walks the whole chain.  Fails with ERR_PROTO and the first record that is wrong.
 * expect_n > 0: and record expect_n must have the hash *expect, or be signed off. */
int trail_verify(struct db *d, int64_t expect_n, const struct sha256 *expect,
    int64_t *count, struct err *e);

#endif
