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

/* How a page ended, and with it the list or not. */
struct page {
	int rows;
	bool full; /* there may be more */
};

static int
read_page(const struct pages *p, struct db_query *q, int64_t *last, void *ctx,
    struct page *out, struct err *e)
{
	int rc, enough = 0;

	while (enough == 0 && (rc = db_step(q, e)) == 1) {
		enough = p->row(ctx, q, last, e);
		if (enough == -1)
			return -1;
		out->rows++;
	}
	out->full = enough == 1;
	return enough == 0 && rc == -1 ? -1 : 0;
}

int
pages_rows(
    const struct pages *p, struct db_query *q, int64_t *last, void *ctx, struct err *e)
{
	struct page page = { .rows = 0 };

	return read_page(p, q, last, ctx, &page, e) == -1 ? -1 : page.rows;
}

/* Of at most `most` rows, from *last on, which moves. */
static int
one_page(struct db *d, const struct pages *p, const char *sql, const void *filter,
    int most, int64_t *last, void *ctx, struct page *out, struct err *e)
{
	scope_query q = db_query(d, sql, e);
	if (q == NULL)
		return -1;

	*out = (struct page){ .rows = 0 };
	p->put(q, filter);
	db_put_int(q, *last);
	db_put_int(q, most);
	if (read_page(p, q, last, ctx, out, e) == -1)
		return -1;
	out->full |= out->rows == most;
	return 0;
}

int
pages_list(struct db *d, const struct pages *p, const void *filter, unsigned newest,
    void *ctx, pages_rest *rest, struct err *e)
{
	const char *sql = newest != 0 ? p->down : p->up;
	int64_t last = newest != 0 ? INT64_MAX : 0,
		left = newest != 0 ? newest : INT64_MAX;
	struct page page = { .full = true };

	for (; page.full && left > 0; left -= page.rows) {
		int most = left < PAGE_ROWS ? (int)left : PAGE_ROWS;
		if (one_page(d, p, sql, filter, most, &last, ctx, &page, e) == -1)
			return -1;
		if (rest != NULL && rest(e) == -1)
			return -1;
	}
	return 0;
}
