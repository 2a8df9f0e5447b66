#include "store/pages.h"

#define PAGE_ROWS 500

void
pages_put_filter(struct db_query *q, int64_t since, int64_t until,
    const char *const *texts, unsigned n)
{
	db_put_int(q, since);
	db_put_int(q, until != 0 ? until : INT64_MAX);
	for (unsigned i = 0; i < n; i++) {
		db_put_text(q, texts[i] != NULL ? "only" : "");
		db_put_text(q, texts[i] != NULL ? texts[i] : "");
	}
}

int
pages_rows(
    const struct pages *p, struct db_query *q, int64_t *last, void *ctx, struct err *e)
{
	int rc, rows = 0;

	for (; (rc = db_step(q, e)) == 1; rows++)
		if (p->row(ctx, q, last, e) == -1)
			return -1;
	return rc == -1 ? -1 : rows;
}

/* newest 0: behind the row *last, which moves on. */
static int
one_page(struct db *d, const struct pages *p, const void *filter, unsigned newest,
    int64_t *last, void *ctx, struct err *e)
{
	scope_query q = db_query(d, newest != 0 ? p->newest : p->from, e);
	if (q == NULL)
		return -1;

	p->put(q, filter);
	if (newest == 0)
		db_put_int(q, *last);
	db_put_int(q, newest != 0 ? newest : PAGE_ROWS);
	return pages_rows(p, q, last, ctx, e);
}

int
pages_list(struct db *d, const struct pages *p, const void *filter, unsigned newest,
    void *ctx, struct err *e)
{
	int64_t last = 0;
	int rows;

	do
		rows = one_page(d, p, filter, newest, &last, ctx, e);
	while (newest == 0 && rows == PAGE_ROWS);
	return rows == -1 ? -1 : 0;
}
