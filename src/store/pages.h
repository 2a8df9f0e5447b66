/*
 * pages - rows of a table in the order of their numbers, a page at a time: a long list
 * keeps nobody from tidying the file.
 */
#ifndef STORE_PAGES_H
#define STORE_PAGES_H

#include "store/db.h"

/* A kind of list.  SQL begins with what `put` fills in. */
struct pages {
	const char *newest; /* then: how many at most */
	const char *from;   /* then: behind which number, how many at most */
	void (*put)(struct db_query *q, const void *filter);
	int (*row)(void *ctx, struct db_query *q, int64_t *n, struct err *e);
};

/* All rows, or the `newest` of them in the order of that SQL. */
int pages_list(struct db *d, const struct pages *p, const void *filter, unsigned newest,
    void *ctx, struct err *e);
/* The rows of a query that was put; returns how many. */
int pages_rows(
    const struct pages *p, struct db_query *q, int64_t *last, void *ctx, struct err *e);

/* What filters have in common: $1, $2 the moments (until 0: no end), then two for each
 * text, of which the first is '' if any will do; "" is a name, too. */
#define PAGES_MOMENTS " at >= $1 AND at < $2"
void pages_put_filter(struct db_query *q, int64_t since, int64_t until,
    const char *const *texts, unsigned n);

#endif
