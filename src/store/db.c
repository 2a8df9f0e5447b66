#include "store/db.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "store/backend.h"

/* A PostgreSQL backend is a file beside sqlite.c and a row here. */
static const struct backend *const backends[] = { &sqlite_backend };

struct db_query {
	struct db_query *next;
	struct db *db;   /* borrowed */
	const char *sql; /* borrowed */
	void *stmt;      /* owned */
	unsigned put;    /* values so far */
	bool refused;    /* one of them */
	bool busy;       /* somebody holds it */
};

struct db {
	const struct backend *backend;
	void *conn;               /* owned */
	struct db_query *queries; /* owned */
	bool transaction;
	char place[256];
};

/* --- open and close --- */

static const struct backend *
find_backend(const char *place)
{
	const struct backend *found = NULL;

	for (size_t i = 0; i < sizeof(backends) / sizeof(backends[0]); i++)
		if (strncmp(place, backends[i]->scheme, strlen(backends[i]->scheme)) == 0)
			found = backends[i];
	return found;
}

int
db_open(const char *place, const struct db_options *how, struct db **out, struct err *e)
{
	struct db *d = calloc(1, sizeof(*d));
	if (d == NULL)
		return err_sys(e, "calloc");

	d->backend = find_backend(place);
	if (strlen(place) >= sizeof(d->place)) {
		free(d);
		return err_set(e, ERR_BAD_INPUT, "%.80s…: longer than %zu bytes", place,
		    sizeof(d->place) - 1);
	}
	snprintf(d->place, sizeof(d->place), "%s", place);
	if (d->backend->open(place, how, &d->conn, e) == -1) {
		free(d);
		return -1;
	}
	*out = d;
	return 0;
}

void
db_close(struct db *d)
{
	if (d == NULL)
		return;
	for (struct db_query *q = d->queries, *next; q != NULL; q = next) {
		next = q->next;
		d->backend->finish(q->stmt);
		free(q);
	}
	d->backend->close(d->conn);
	free(d);
}

const char *
db_place(const struct db *d)
{
	return d->place;
}

int
db_exec(struct db *d, const char *sql, struct err *e)
{
	return d->backend->exec(d->conn, sql, e);
}

/* --- transactions --- */

static int
begin(struct db *d, const char *sql, struct db_transaction *t, struct err *e)
{
	if (d->transaction)
		return err_set(e, ERR_BUG, "%s: a transaction inside another", d->place);
	if (db_exec(d, sql, e) == -1)
		return -1;
	d->transaction = true;
	t->db = d;
	return 0;
}

int
db_begin(struct db *d, struct db_transaction *t, struct err *e)
{
	return begin(d, d->backend->begin_writing, t, e);
}

int
db_begin_reading(struct db *d, struct db_transaction *t, struct err *e)
{
	return begin(d, d->backend->begin_reading, t, e);
}

int
db_commit(struct db_transaction *t, struct err *e)
{
	if (t->db == NULL)
		return err_set(e, ERR_BUG, "commit without a transaction");
	if (db_exec(t->db, "COMMIT", e) == -1)
		return -1; /* still open: the scope undoes it */
	t->db->transaction = false;
	t->db = NULL;
	return 0;
}

/* A failure has rolled some transactions back already; then there is nothing to undo. */
void
db_rollback(struct db_transaction *t)
{
	struct err ignored;

	if (t->db == NULL)
		return;
	db_exec(t->db, "ROLLBACK", &ignored);
	t->db->transaction = false;
	t->db = NULL;
}

/* --- queries --- */

static struct db_query *
new_query(struct db *d, const char *sql, struct err *e)
{
	struct db_query *q = calloc(1, sizeof(*q));

	if (q == NULL) {
		err_sys(e, "calloc");
		return NULL;
	}
	if (d->backend->prepare(d->conn, sql, &q->stmt, e) == -1) {
		free(q);
		return NULL;
	}
	*q =
	    (struct db_query){ .next = d->queries, .db = d, .sql = sql, .stmt = q->stmt };
	d->queries = q;
	return q;
}

struct db_query *
db_query(struct db *d, const char *sql, struct err *e)
{
	struct db_query *q = d->queries;

	while (q != NULL && (q->busy || (q->sql != sql && strcmp(q->sql, sql) != 0)))
		q = q->next;
	if (q == NULL)
		q = new_query(d, sql, e);
	if (q != NULL)
		q->busy = true;
	return q;
}

void
db_put_int(struct db_query *q, int64_t n)
{
	q->refused |= q->db->backend->put_int(q->stmt, ++q->put, n) == -1;
}

void
db_put_text(struct db_query *q, const char *s)
{
	if (s == NULL)
		db_put_null(q);
	else
		q->refused |=
		    q->db->backend->put_text(q->stmt, ++q->put, s, strlen(s)) == -1;
}

void
db_put_bytes(struct db_query *q, const void *data, size_t len)
{
	q->refused |= q->db->backend->put_bytes(q->stmt, ++q->put, data, len) == -1;
}

void
db_put_null(struct db_query *q)
{
	q->refused |= q->db->backend->put_null(q->stmt, ++q->put) == -1;
}

int
db_step(struct db_query *q, struct err *e)
{
	if (q->refused)
		return err_set(e, ERR_BUG, "%s: a value of '%.80s' does not fit",
		    q->db->place, q->sql);
	return q->db->backend->step(q->db->conn, q->stmt, e);
}

void
db_reset(struct db_query *q)
{
	q->db->backend->reset(q->stmt);
	q->put = 0;
	q->refused = false;
}

int
db_step_int(struct db_query *q, int64_t *n, struct err *e)
{
	int rc = db_step(q, e);

	if (rc == 1)
		*n = db_int(q, 0);
	return rc;
}

int
db_run(struct db_query *q, struct err *e)
{
	int rc = 1;

	while (rc == 1)
		rc = db_step(q, e);
	db_reset(q);
	return rc;
}

void
db_done(struct db_query *q)
{
	if (q == NULL)
		return;
	db_reset(q);
	q->busy = false;
}

bool
db_is_null(struct db_query *q, unsigned column)
{
	return q->db->backend->is_null(q->stmt, column);
}

int64_t
db_int(struct db_query *q, unsigned column)
{
	return q->db->backend->get_int(q->stmt, column);
}

const char *
db_text(struct db_query *q, unsigned column)
{
	const char *s = q->db->backend->get_text(q->stmt, column);

	return s != NULL ? s : "";
}

const void *
db_bytes(struct db_query *q, unsigned column, size_t *len)
{
	return q->db->backend->get_bytes(q->stmt, column, len);
}

void
db_hash(struct db_query *q, unsigned column, struct sha256 *out)
{
	size_t len = 0;
	const void *data = db_bytes(q, column, &len);

	*out = (struct sha256){ 0 };
	if (data != NULL && len == SHA256_BYTES)
		memcpy(out->byte, data, SHA256_BYTES);
}

int64_t
db_changed(const struct db *d)
{
	return d->backend->changed(d->conn);
}

/* --- migrations --- */

#define SCHEMAS                                                                          \
	"CREATE TABLE IF NOT EXISTS schemas ("                                           \
	"name {text} NOT NULL PRIMARY KEY, version {int} NOT NULL) {strict}"

/* Puts the backend's own words for those in braces. */
static int
expand(const struct backend *b, const char *sql, struct buf *out, struct err *e)
{
	while (*sql != '\0') {
		size_t plain = strcspn(sql, "{");
		const struct backend_word *w = b->words;

		buf_add(out, sql, plain);
		sql += plain;
		if (*sql == '\0')
			break;
		while (w->word != NULL && strncmp(sql, w->word, strlen(w->word)) != 0)
			w++;
		if (w->word == NULL)
			return err_set(e, ERR_BUG, "no word '%.20s'", sql);
		buf_str(out, w->means);
		sql += strlen(w->word);
	}
	return 0;
}

static int
exec_expanded(struct db *d, const char *sql, struct err *e)
{
	scope_buf text = { 0 };

	if (expand(d->backend, sql, &text, e) == -1)
		return -1;
	return db_exec(d, buf_cstr(&text), e);
}

static unsigned
count_steps(const struct db_schema *s)
{
	unsigned n = 0;

	while (s->steps[n] != NULL)
		n++;
	return n;
}

static int
read_version(struct db *d, const struct db_schema *s, int64_t *version, struct err *e)
{
	scope_query q = db_query(d, "SELECT version FROM schemas WHERE name = $1", e);
	if (q == NULL)
		return -1;

	db_put_text(q, s->name);
	int rc = db_step_int(q, version, e);
	if (rc == 0)
		*version = 0;
	return rc == -1 ? -1 : 0;
}

static int
refuse_newer(
    const struct db *d, const struct db_schema *s, int64_t version, struct err *e)
{
	return err_set(e, ERR_PROTO,
	    "%s: schema %s is version %lld, this judgebox knows %u: written by a newer "
	    "one; install that, or move the file away to begin anew",
	    d->place, s->name, (long long)version, count_steps(s));
}

/* One step, in the transaction that looked whether it is needed: another process may be
 * doing the same.  Returns 1 if there may be more. */
static int
migrate_one(struct db *d, const struct db_schema *s, struct err *e)
{
	unsigned n = count_steps(s);
	scope_transaction t = { 0 };
	int64_t version = 0;

	if (db_begin(d, &t, e) == -1 || exec_expanded(d, SCHEMAS, e) == -1 ||
	    read_version(d, s, &version, e) == -1)
		return -1;
	if (version < 0 || version > (int64_t)n)
		return refuse_newer(d, s, version, e);
	if (version == (int64_t)n)
		return db_commit(&t, e);
	if (exec_expanded(d, s->steps[version], e) == -1)
		return err_wrap(e, "%s %lld", s->name, (long long)version + 1);

	scope_query q = db_query(d,
	    "INSERT INTO schemas (name, version) VALUES ($1, $2) "
	    "ON CONFLICT (name) DO UPDATE SET version = excluded.version",
	    e);
	if (q == NULL)
		return -1;
	db_put_text(q, s->name);
	db_put_int(q, version + 1);
	if (db_run(q, e) == -1 || db_commit(&t, e) == -1)
		return -1;
	return 1;
}

int
db_migrate(struct db *d, const struct db_schema *s, struct err *e)
{
	int rc = 1;

	while (rc == 1)
		rc = migrate_one(d, s, e);
	return rc;
}

int
db_check_schema(struct db *d, const struct db_schema *s, struct err *e)
{
	int64_t version = 0;
	struct err why = { 0 };

	if (read_version(d, s, &version, &why) == -1) {
		if (why.code != ERR_BUG) { /* locked, damaged: as it says */
			*e = why;
			return -1;
		}
		version = 0; /* no table of schemas yet */
	}
	if (version < 0 || version > (int64_t)count_steps(s))
		return refuse_newer(d, s, version, e);
	if (version < (int64_t)count_steps(s))
		return err_set(e, ERR_PROTO,
		    "%s: schema %s is version %lld, this judgebox wants %u: start "
		    "judgebox-fcgi, or run judgebox db migrate",
		    d->place, s->name, (long long)version, count_steps(s));
	return 0;
}

/* --- care --- */

int
db_check(struct db *d, struct err *e)
{
	return d->backend->check(d->conn, e);
}

int
db_backup(struct db *d, const char *path, struct err *e)
{
	return d->backend->backup(d->conn, path, e);
}

void
db_rest(struct db *d)
{
	d->backend->rest(d->conn);
}

int
db_trim(struct db *d, uint64_t bytes, bool *done, struct err *e)
{
	return d->backend->trim(d->conn, bytes, done, e);
}

int
db_shrink(struct db *d, uint64_t bytes, struct err *e)
{
	return d->backend->shrink(d->conn, bytes, e);
}

int
db_vacuum(struct db *d, struct err *e)
{
	return d->backend->vacuum(d->conn, e);
}

int
db_size(struct db *d, struct db_space *out, struct err *e)
{
	return d->backend->size(d->conn, out, e);
}

int
db_room(struct db *d, uint64_t *bytes, struct err *e)
{
	return d->backend->room(d->conn, bytes, e);
}

int
db_salvage(struct db *d, const char *broken, int64_t *rows, struct err *e)
{
	return d->backend->salvage(d->conn, broken, rows, e);
}

int
db_in_use(const char *place, int *pid, struct err *e)
{
	return find_backend(place)->in_use(place, pid, e);
}

int
db_version(struct db *d, uint64_t *number, struct err *e)
{
	return d->backend->version(d->conn, number, e);
}
