/* GET /api/audit: the audit trail, a page at a time. */
#include <stddef.h>
#include <string.h>

#include "api/auth.h"
#include "api/handlers.h"
#include "api/query.h"

#define LIMIT 100

static const struct query_row rows[] = {
	{ "after", QUERY_NUMBER, offsetof(struct inquiry, after), 0, INT64_MAX },
	{ "limit", QUERY_NUMBER, offsetof(struct inquiry, limit), 1, INQUIRY_LIMIT_MAX },
	{ "since", QUERY_MOMENT, offsetof(struct inquiry, since), 0, 0 },
	{ "until", QUERY_MOMENT, offsetof(struct inquiry, until), 0, 0 },
	{ "key", QUERY_TEXT, offsetof(struct inquiry, key), 0, KEY_NAME_MAX },
	{ "user", QUERY_TEXT, offsetof(struct inquiry, user), 0, USER_NAME_MAX },
	{ "kind", QUERY_TEXT, offsetof(struct inquiry, kind), 0, INQUIRY_KIND_MAX },
	{ NULL, QUERY_TEXT, 0, 0, 0 },
};

/* Each a line of its own, byte for byte: its hash is that of the line. */
static void
write_records(struct writer *w, const struct buf *lines)
{
	const char *at = lines->data, *end = at + lines->len;

	write_open(w, "records", '[');
	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t len = (size_t)((newline != NULL ? newline : end) - at);

		write_raw(w, NULL, at, len);
		buf_str(w->out, "\n");
		at += len + 1;
	}
	write_close(w, ']');
}

static void
write_end(struct writer *w, const char *name, int64_t n, const struct sha256 *hash)
{
	char hex[SHA256_HEX];

	sha256_hex(hash, hex);
	write_open(w, name, '{');
	write_uint(w, "n", (uint64_t)n);
	write_text(w, "hash", hex);
	write_close(w, '}');
}

bool
handle_audit(const struct call *c)
{
	struct writer w = { .out = &c->rs->body };
	struct inquiry q = { .limit = LIMIT };
	struct inquiry_page page = { .next = 0 };
	struct problem p;
	scope_buf lines = { 0 };

	if (auth_token(c->api, c->rq, &q.token, &p) == -1 ||
	    query_read(c->rq, rows, &q, &p) == -1)
		return answer_problem(c, &p);
	if (c->api->log.ask == NULL) {
		problem_set(&p, PROBLEM_NOT_FOUND, NULL, "there is no log");
		return answer_problem(c, &p);
	}
	if (c->api->log.ask(c->api->log.ctx, &q, &page, &lines, &p) == -1)
		return answer_problem(c, &p);
	write_open(&w, NULL, '{');
	write_records(&w, &lines);
	write_uint(&w, "next", (uint64_t)page.next);
	write_bool(&w, "more", page.more != 0);
	write_end(&w, "head", page.head, &page.head_hash);
	write_end(&w, "anchor", page.anchor, &page.anchor_hash);
	write_close(&w, '}');
	return true;
}
