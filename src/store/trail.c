#include "store/trail.h"

#include <inttypes.h>
#include <string.h>

#include "store/evidence.h"

#define COLUMNS                                                                          \
	"n, at, number, test, kind, key_name, user_name, address, language, job,"        \
	"request_id, source, call_name, by_whom, detail, evidence, previous, hash"
#define MATCHES                                                                          \
	PAGES_MOMENTS " AND ($3 = '' OR key_name = $4) AND"                              \
		      " ($5 = '' OR user_name = $6) AND ($7 = '' OR kind = $8)"

static struct audit_entry
read_entry(struct db_query *q)
{
	struct audit_entry a = { .n = db_int(q, 0),
		.at = db_int(q, 1),
		.number = db_int(q, 2),
		.test = db_int(q, 3) };
	unsigned column = 4;

#define X(name) a.name = db_text(q, column++);
	AUDIT_TEXTS(X)
#undef X
	db_hash(q, column, &a.previous);
	db_hash(q, column + 1, &a.hash);
	return a;
}

static void
put_filter(struct db_query *q, const void *filter)
{
	const struct trail_filter *f = filter;
	const char *const texts[] = { f->key, f->user, f->kind };

	pages_put_filter(q, f->since, f->until, texts, sizeof(texts) / sizeof(texts[0]));
}

struct visitor {
	trail_visit *visit;
	void *ctx;
};

static int
visit_row(void *ctx, struct db_query *q, int64_t *n, struct err *e)
{
	const struct visitor *v = ctx;
	struct audit_entry a = read_entry(q);

	*n = a.n;
	return v->visit(v->ctx, &a, e);
}

static const struct pages pages = { "SELECT " COLUMNS " FROM audit WHERE" MATCHES
				    " AND n < $9 ORDER BY n DESC LIMIT $10",
	"SELECT " COLUMNS " FROM audit WHERE" MATCHES " AND n > $9 ORDER BY n LIMIT $10",
	put_filter, visit_row };

int
trail_list(struct db *d, const struct trail_filter *f, unsigned newest,
    trail_visit *visit, void *ctx, pages_rest *rest, struct err *e)
{
	struct visitor v = { visit, ctx };

	return pages_list(d, &pages, f, newest, &v, rest, e);
}

int
trail_find(struct db *d, int64_t n, trail_visit *visit, void *ctx, struct err *e)
{
	struct visitor v = { visit, ctx };
	int64_t last = 0;
	scope_query q = db_query(d, "SELECT " COLUMNS " FROM audit WHERE n = $1", e);
	if (q == NULL)
		return -1;

	db_put_int(q, n);
	return pages_rows(&pages, q, &last, &v, e);
}

/* --- pages --- */

static int
put_line(void *ctx, const struct audit_entry *a, struct err *e)
{
	(void)e;
	audit_line(a, true, ctx);
	buf_str(ctx, "\n");
	return 0;
}

static const char *
or_any(const char *text)
{
	return text[0] != '\0' ? text : NULL;
}

static int
read_page(struct db *d, const struct inquiry *i, int64_t end, struct inquiry_page *page,
    struct buf *lines, struct err *e)
{
	const struct trail_filter f = { i->since, i->until, or_any(i->key),
		or_any(i->user), or_any(i->kind) };
	struct visitor v = { put_line, lines };
	int64_t last = page->next;
	scope_query q = db_query(d,
	    "SELECT " COLUMNS " FROM audit WHERE" MATCHES
	    " AND n > $9 AND n <= $10 ORDER BY n LIMIT $11",
	    e);
	if (q == NULL)
		return -1;

	put_filter(q, &f);
	db_put_int(q, page->next);
	db_put_int(q, end);
	db_put_int(q, (int64_t)i->limit);
	int rows = pages_rows(&pages, q, &last, &v, e);
	if (rows == -1)
		return -1;
	page->records = (uint32_t)rows;
	page->next = (uint64_t)rows == i->limit ? last : end;
	return 0;
}

int
trail_page(struct db *d, const struct inquiry *q, struct inquiry_page *page,
    struct buf *lines, struct err *e)
{
	struct inquiry_page p = { .next = q->after };
	scope_transaction t = { 0 }; /* all of one moment */

	if (db_begin_reading(d, &t, e) == -1 ||
	    audit_head(d, &p.head, &p.head_hash, e) == -1 ||
	    audit_anchor(d, &p.anchor, &p.anchor_hash, e) == -1)
		return -1;
	if (p.next < p.anchor)
		p.next = p.anchor;
	int64_t end = p.head - p.next > TRAIL_LOOKS ? p.next + TRAIL_LOOKS : p.head;
	if (p.next < end && read_page(d, q, end, &p, lines, e) == -1)
		return -1;
	p.more = p.next < p.head;
	*page = p;
	return 0;
}

/* --- the proof --- */

struct walk {
	struct db *db;
	int64_t n; /* of the last record that was good */
	struct sha256 hash;
	int64_t count;
	int64_t expect_n;
	const struct sha256 *expect;
	char signed_off[120]; /* what some record must say, if there is an anchor */
	bool found;           /* it does */
};

static bool
same(const struct sha256 *a, const struct sha256 *b)
{
	return memcmp(a->byte, b->byte, SHA256_BYTES) == 0;
}

static int
add_file(void *ctx, const char *name, const void *data, size_t len, struct err *e)
{
	return evidence_add(ctx, name, data, len, e);
}

/* Records from before evidence had a hash of its own have the program's, which it is. */
static int
check_evidence(struct db *d, const struct audit_entry *a, struct err *e)
{
	struct evidence files = { .n = 0 };
	char hex[SHA256_HEX];
	int rc = evidence_list(d, a->n, add_file, &files, e);

	if (rc == 0)
		rc = evidence_hash(&files, hex, e);
	buf_free(&files.list);
	if (rc == -1)
		return -1;
	if (files.n == 0 && a->evidence[0] != '\0')
		return err_set(
		    e, ERR_PROTO, "the evidence of record %" PRId64 " is missing", a->n);
	if (files.n > 0 &&
	    strcmp(hex, a->evidence[0] != '\0' ? a->evidence : a->source) != 0)
		return err_set(
		    e, ERR_PROTO, "the evidence of record %" PRId64 " was changed", a->n);
	return 0;
}

static int
check_entry(void *ctx, const struct audit_entry *a, struct err *e)
{
	struct walk *w = ctx;
	struct sha256 hash;

	if (a->n != w->n + 1)
		return err_set(e, ERR_PROTO,
		    "record %" PRId64 " is missing: after %" PRId64 " comes %" PRId64,
		    w->n + 1, w->n, a->n);
	if (!same(&a->previous, &w->hash))
		return err_set(e, ERR_PROTO,
		    "record %" PRId64 " does not follow the one before it", a->n);
	if (audit_hash(a, &hash, e) == -1)
		return -1;
	if (!same(&hash, &a->hash))
		return err_set(e, ERR_PROTO, "record %" PRId64 " was changed", a->n);
	if (a->n == w->expect_n && !same(&hash, w->expect))
		return err_set(e, ERR_PROTO,
		    "record %" PRId64 " is not the one that was expected: the chain was "
		    "made anew",
		    a->n);
	if (check_evidence(w->db, a, e) == -1)
		return -1;
	w->found |=
	    strcmp(a->kind, "retention") == 0 && strcmp(a->detail, w->signed_off) == 0;
	w->n = a->n;
	w->hash = hash;
	w->count++;
	return 0;
}

static int
check_ends(const struct walk *w, int64_t anchor, int64_t head,
    const struct sha256 *head_hash, struct err *e)
{
	if (w->n != head || !same(&w->hash, head_hash))
		return err_set(e, ERR_PROTO,
		    "records after %" PRId64 " are missing: the last was %" PRId64, w->n,
		    head);
	if (anchor > 0 && !w->found)
		return err_set(e, ERR_PROTO,
		    "records up to %" PRId64 " were removed, and no retention signed off",
		    anchor);
	if (w->expect_n > head)
		return err_set(e, ERR_PROTO,
		    "record %" PRId64 " is missing: the last is %" PRId64, w->expect_n,
		    head);
	return 0;
}

int
trail_verify(struct db *d, int64_t expect_n, const struct sha256 *expect, int64_t *count,
    struct err *e)
{
	static const struct trail_filter all = { .since = INT64_MIN };
	struct walk w = { .db = d, .expect_n = expect_n, .expect = expect };
	struct sha256 head_hash;
	int64_t head = 0, anchor = 0;
	scope_transaction t = { 0 }; /* no record may come between the two ends */

	if (db_begin_reading(d, &t, e) == -1 ||
	    audit_head(d, &head, &head_hash, e) == -1 ||
	    audit_anchor(d, &w.n, &w.hash, e) == -1)
		return -1;
	anchor = w.n;
	audit_sign_off(w.n, &w.hash, w.signed_off);
	if (trail_list(d, &all, 0, check_entry, &w, NULL, e) == -1 ||
	    check_ends(&w, anchor, head, &head_hash, e) == -1)
		return -1;
	*count = w.count;
	return 0;
}
