/*
 * pages - rows of a table in the order of their numbers, a page at a time: between two
 * pages nothing of the file is held, so that a reader who takes his time keeps nobody
 * from tidying it.
 */
#ifndef STORE_PAGES_H
#define STORE_PAGES_H

#include "store/db.h"

/* A kind of list.  SQL begins with what `put` fills in. */
struct pages {
	const char *down; /* then: before which number, how many at most */
	const char *up;   /* then: behind which number, how many at most */
	void (*put)(struct db_query *q, const void *filter);
	/* 1: the page ends here. */
	int (*row)(void *ctx, struct db_query *q, int64_t *n, struct err *e);
};

/* Between two pages, when nothing is held: the time for what may take long. */
typedef int pages_rest(struct err *e);

/* All rows, or the `newest` of them, newest first.  rest may be NULL. */
int pages_list(struct db *d, const struct pages *p, const void *filter, unsigned newest,
    void *ctx, pages_rest *rest, struct err *e);
/* The rows of a query that was put; returns how many. */
int pages_rows(
    const struct pages *p, struct db_query *q, int64_t *last, void *ctx, struct err *e);

/* What filters have in common: $1, $2 the moments (until 0: no end), then two for each
 * text, of which the first is '' if any will do; "" is a name, too. */
#define PAGES_MOMENTS " at >= $1 AND at < $2"
void pages_put_filter(struct db_query *q, int64_t since, int64_t until,
    const char *const *texts, unsigned n);

#endif
