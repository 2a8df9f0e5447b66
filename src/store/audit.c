#include "store/audit.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/when.h"
#include "store/record.h"

#define TEXT_MAX 400 /* bytes of one text of a record */

/* ends: the head of the chain, and the anchor that retention leaves at its other end. */
static const char *const steps[] = {
	"CREATE TABLE audit ("
	"n {int} NOT NULL PRIMARY KEY, at {int} NOT NULL, number {int} NOT NULL,"
	"test {int} NOT NULL, kind {text} NOT NULL, key_name {text} NOT NULL,"
	"user_name {text} NOT NULL, address {text} NOT NULL, language {text} NOT NULL,"
	"job {text} NOT NULL, request_id {text} NOT NULL, source {text} NOT NULL,"
	"call_name {text} NOT NULL, by_whom {text} NOT NULL, detail {text} NOT NULL,"
	"previous {bytes} NOT NULL, hash {bytes} NOT NULL) {strict};"
	"CREATE INDEX audit_at ON audit (at);"
	"CREATE TABLE audit_ends ("
	"name {text} NOT NULL PRIMARY KEY, n {int} NOT NULL, hash {bytes} NOT NULL"
	") {strict};"
	"CREATE TABLE evidence ("
	"n {int} NOT NULL REFERENCES audit (n) ON DELETE CASCADE, i {int} NOT NULL,"
	"name {text} NOT NULL, content {bytes} NOT NULL, PRIMARY KEY (n, i)) {strict}",
	"ALTER TABLE audit ADD COLUMN evidence {text} NOT NULL DEFAULT ''",
	"CREATE TABLE omitted (key_name {text} NOT NULL, user_name {text} NOT NULL,"
	"since {int} NOT NULL, jobs {int} NOT NULL, PRIMARY KEY (key_name, user_name)"
	") {clustered}",
	NULL,
};
const struct db_schema audit_schema = { "audit", steps };

static const struct sha256 no_hash;

/* --- the canonical line --- */

static void
put_json(struct buf *out, const char *name, const char *text)
{
	buf_fmt(out, ",\"%s\":\"", name);
	while (*text != '\0') { /* no control characters: audit_append cleans */
		size_t plain = strcspn(text, "\"\\");

		buf_add(out, text, plain);
		text += plain;
		if (*text == '\0')
			break;
		buf_add(out, "\\", 1);
		buf_add(out, text++, 1);
	}
	buf_add(out, "\"", 1);
}

void
audit_line(const struct audit_entry *a, bool with_hash, struct buf *out)
{
	char when[WHEN_TEXT], hex[SHA256_HEX];

	when_text(a->at, when);
	buf_fmt(out, "{\"n\":%" PRId64 ",\"at\":\"%s\"", a->n, when);
#define X(name)                                                                          \
	if (a->name != NULL && a->name[0] != '\0')                                       \
		put_json(out, #name, a->name);
	AUDIT_TEXTS(X)
#undef X
	if (a->number >= 0)
		buf_fmt(out, ",\"number\":%" PRId64, a->number);
	if (a->test >= 0)
		buf_fmt(out, ",\"test\":%" PRId64, a->test);
	sha256_hex(&a->previous, hex);
	put_json(out, "previous", hex);
	if (with_hash) {
		sha256_hex(&a->hash, hex);
		put_json(out, "hash", hex);
	}
	buf_str(out, "}");
}

int
audit_hash(const struct audit_entry *a, struct sha256 *out, struct err *e)
{
	scope_buf line = { 0 };

	audit_line(a, false, &line);
	return sha256_of(line.data, line.len, out, e);
}

/* --- the ends of the chain --- */

static int
read_end(struct db *d, const char *name, int64_t *n, struct sha256 *hash, struct err *e)
{
	scope_query q = db_query(d, "SELECT n, hash FROM audit_ends WHERE name = $1", e);
	if (q == NULL)
		return -1;

	db_put_text(q, name);
	int rc = db_step(q, e);
	if (rc == -1)
		return -1;
	*n = rc == 1 ? db_int(q, 0) : 0;
	*hash = no_hash;
	if (rc == 1)
		db_hash(q, 1, hash);
	return 0;
}

static int
write_end(
    struct db *d, const char *name, int64_t n, const struct sha256 *hash, struct err *e)
{
	scope_query q = db_query(d,
	    "INSERT INTO audit_ends (name, n, hash) VALUES ($1, $2, $3)"
	    "ON CONFLICT (name) DO UPDATE SET n = excluded.n, hash = excluded.hash",
	    e);
	if (q == NULL)
		return -1;

	db_put_text(q, name);
	db_put_int(q, n);
	db_put_bytes(q, hash->byte, SHA256_BYTES);
	return db_run(q, e);
}

int
audit_head(struct db *d, int64_t *n, struct sha256 *hash, struct err *e)
{
	return read_end(d, "head", n, hash, e);
}

int
audit_anchor(struct db *d, int64_t *n, struct sha256 *hash, struct err *e)
{
	return read_end(d, "anchor", n, hash, e);
}

/* --- writing --- */

static int
insert(struct db *d, const struct audit_entry *a, struct err *e)
{
	scope_query q = db_query(d,
	    "INSERT INTO audit (n, at, number, test, kind, key_name, user_name, address,"
	    "language, job, request_id, source, call_name, by_whom, detail, evidence,"
	    "previous, hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,"
	    "$13, $14, $15, $16, $17, $18)",
	    e);
	if (q == NULL)
		return -1;

	db_put_int(q, a->n);
	db_put_int(q, a->at);
	db_put_int(q, a->number);
	db_put_int(q, a->test);
#define X(name) db_put_text(q, a->name);
	AUDIT_TEXTS(X)
#undef X
	db_put_bytes(q, a->previous.byte, SHA256_BYTES);
	db_put_bytes(q, a->hash.byte, SHA256_BYTES);
	return db_run(q, e);
}

static int
append_clean(struct db *d, struct audit_entry *a, struct err *e)
{
	if (audit_head(d, &a->n, &a->previous, e) == -1)
		return -1;
	a->n++;
	a->at = (a->at != 0 ? a->at : when_now()) / 1000 * 1000; /* as the line has it */
	if (audit_hash(a, &a->hash, e) == -1 || insert(d, a, e) == -1)
		return -1;
	return write_end(d, "head", a->n, &a->hash, e);
}

int
audit_append(struct db *d, struct audit_entry *entry, struct err *e)
{
	struct audit_entry a = *entry;

#define X(name)                                                                          \
	scope_buf clean_##name = { 0 };                                                  \
	record_text_clean(entry->name, TEXT_MAX, &clean_##name);                         \
	a.name = buf_cstr(&clean_##name);
	AUDIT_TEXTS(X)
#undef X
	if (append_clean(d, &a, e) == -1)
		return -1;
	entry->n = a.n;
	entry->at = a.at;
	entry->previous = a.previous;
	entry->hash = a.hash;
	return 0;
}

int
audit_add(struct db *d, struct audit_entry *entry, struct err *e)
{
	scope_transaction t = { 0 };

	if (db_begin(d, &t, e) == -1 || audit_append(d, entry, e) == -1)
		return -1;
	return db_commit(&t, e);
}

int
audit_bytes(struct db *d, uint64_t *bytes, struct err *e)
{
	int64_t n = 0;
	scope_query q = db_query(d,
	    "SELECT (SELECT COUNT(*) FROM audit) * 800 +"
	    " COALESCE((SELECT SUM(LENGTH(content)) FROM evidence), 0)",
	    e);
	if (q == NULL || db_step_int(q, &n, e) == -1)
		return -1;

	*bytes = (uint64_t)n;
	return 0;
}

/* --- keeping --- */

/* The last record that is older, of those before the oldest that stays; 0: there is none.
 * What was written with a wrong clock goes with its neighbours. */
static int
find_cut(struct db *d, int64_t before, int64_t *cut, struct err *e)
{
	scope_query q = db_query(d,
	    "SELECT n FROM audit WHERE at < $1 AND n < COALESCE((SELECT n FROM audit"
	    " WHERE at >= $2 ORDER BY at LIMIT 1), $3) ORDER BY n DESC LIMIT 1",
	    e);
	if (q == NULL)
		return -1;

	db_put_int(q, before);
	db_put_int(q, before);
	db_put_int(q, INT64_MAX);
	return db_step_int(q, cut, e);
}

static int
delete_up_to(struct db *d, int64_t cut, struct err *e)
{
	scope_query q = db_query(d, "DELETE FROM audit WHERE n <= $1", e);
	if (q == NULL)
		return -1;

	db_put_int(q, cut);
	return db_run(q, e) == -1 ? -1 : (int)db_changed(d);
}

static int
hash_at(struct db *d, int64_t n, struct sha256 *out, struct err *e)
{
	scope_query q = db_query(d, "SELECT hash FROM audit WHERE n = $1", e);
	if (q == NULL)
		return -1;

	db_put_int(q, n);
	int rc = db_step(q, e);
	if (rc == 1)
		db_hash(q, 0, out);
	return rc;
}

void
audit_sign_off(int64_t n, const struct sha256 *hash, char out[120])
{
	char hex[SHA256_HEX];

	sha256_hex(hash, hex);
	snprintf(out, 120, "removed up to %" PRId64 " %s", n, hex);
}

static int
remove_up_to(struct db *d, int64_t cut, struct err *e)
{
	struct sha256 hash;
	char detail[120];
	int rc = cut > 0 ? hash_at(d, cut, &hash, e) : 0;

	if (rc != 1)
		return rc; /* nothing is old enough, or all of it is gone already */
	int removed = delete_up_to(d, cut, e);
	if (removed == -1 || write_end(d, "anchor", cut, &hash, e) == -1)
		return -1;
	audit_sign_off(cut, &hash, detail);
	struct audit_entry a = {
		.number = -1, .test = -1, .kind = "retention", .detail = detail
	};
	return audit_append(d, &a, e) == -1 ? -1 : removed;
}

int
audit_prune(struct db *d, int64_t before, struct err *e)
{
	int64_t cut = 0;
	scope_transaction t = { 0 };

	if (db_begin(d, &t, e) == -1 || find_cut(d, before, &cut, e) == -1)
		return -1;
	int removed = remove_up_to(d, cut, e);
	return removed == -1 || db_commit(&t, e) == -1 ? -1 : removed;
}

int
audit_halve(struct db *d, struct err *e)
{
	int64_t head = 0, anchor = 0;
	struct sha256 hash;
	scope_transaction t = { 0 };

	if (db_begin(d, &t, e) == -1 || audit_head(d, &head, &hash, e) == -1 ||
	    audit_anchor(d, &anchor, &hash, e) == -1)
		return -1;
	int removed = remove_up_to(d, anchor + (head - anchor) / 2, e);
	return removed == -1 || db_commit(&t, e) == -1 ? -1 : removed;
}
