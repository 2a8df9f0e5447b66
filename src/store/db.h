/*
 * db - one open database: statements, transactions, migrations.  What a backend must do
 * is in store/backend.h; SQLite's is sqlite.c.  The SQL above this line is portable:
 * placeholders $1, $2, …; ON CONFLICT … DO; no pragma, no rowid; types by the words of
 * db_migrate.
 *
 * Ownership: a struct db belongs to the process that opened it; it never crosses a fork.
 * Statements belong to their database, which keeps them prepared by their text.
 *
 * What a failure was stands in err.code:
 *   ERR_BUSY        another process has it locked; a later attempt may succeed
 *   ERR_OVER_LIMIT  no room: the disk, or the bound that was set, is full
 *   ERR_BAD_INPUT   a constraint refused the row
 *   ERR_PROTO       the file is damaged, is no database, or is of a newer judgebox
 *   ERR_SYS, ERR_BUG  all else; the message says file, what, why and the remedy
 */
#ifndef STORE_DB_H
#define STORE_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/sha256.h"

struct db;
struct db_query;

struct db_options {
	bool readonly;      /* the file must be there, and nothing of it changes */
	bool create;        /* made, mode 0640, if it is not there */
	bool durable;       /* a commit survives the loss of power, not just a crash */
	unsigned busy_ms;   /* how long to wait for another process's lock */
	uint64_t max_bytes; /* it never grows beyond; 0: no bound */
};

/* place: the path of a file; a later backend takes its own kind of URL. */
int db_open(
    const char *place, const struct db_options *how, struct db **out, struct err *e);
void db_close(struct db *d); /* NULL is fine */
const char *db_place(const struct db *d);

/* Statements without values, one or several. */
int db_exec(struct db *d, const char *sql, struct err *e);

/*
 * A transaction that writes.  Declared, it undoes itself unless committed:
 *	scope_transaction t = { 0 };
 *	if (db_begin(d, &t, e) == -1 || … || db_commit(&t, e) == -1)
 *		return -1;
 */
struct db_transaction {
	struct db *db; /* NULL: not open */
};
int db_begin(struct db *d, struct db_transaction *t, struct err *e);
/* All that is read in it is of one moment.  It writes nothing. */
int db_begin_reading(struct db *d, struct db_transaction *t, struct err *e);
int db_commit(struct db_transaction *t, struct err *e);
void db_rollback(struct db_transaction *t);
#define scope_transaction __attribute__((cleanup(db_rollback))) struct db_transaction

/*
 * A query: prepared once per text, then reused.  Values go in and out in order; a value
 * that does not fit makes the next step fail, so only steps need a check.
 *	scope_query q = db_query(d, "SELECT n FROM t WHERE a = $1 AND b = $2", e);
 *	if (q == NULL)
 *		return -1;
 *	db_put_int(q, a);
 *	db_put_text(q, b);
 *	while ((rc = db_step(q, e)) == 1)
 *		sum += db_int(q, 0);
 * Put a copy of the SQL nowhere: the text must live as long as the database.
 */
struct db_query *db_query(struct db *d, const char *sql, struct err *e);
void db_put_int(struct db_query *q, int64_t n);
void db_put_text(struct db_query *q, const char *s); /* copied; NULL is NULL */
void db_put_bytes(struct db_query *q, const void *data, size_t len); /* copied */
void db_put_null(struct db_query *q);
int db_step(struct db_query *q, struct err *e); /* 1: a row, 0: no more, -1 */
/* The same, and *n is the first column of the row, if there is one. */
int db_step_int(struct db_query *q, int64_t *n, struct err *e);
int db_run(struct db_query *q, struct err *e); /* to its end; may be put and run again */
void db_reset(struct db_query *q);             /* to be put anew */
void db_done(struct db_query *q);              /* NULL is fine */

static inline void
db_done_(struct db_query **q)
{
	db_done(*q);
}
#define scope_query __attribute__((cleanup(db_done_))) struct db_query *

/* Columns of the row, from 0.  NULL reads as 0, "" or no bytes; text and bytes are valid
 * until the next step. */
bool db_is_null(struct db_query *q, unsigned column);
int64_t db_int(struct db_query *q, unsigned column);
const char *db_text(struct db_query *q, unsigned column);
const void *db_bytes(struct db_query *q, unsigned column, size_t *len);
/* Zeros if it is no hash. */
void db_hash(struct db_query *q, unsigned column, struct sha256 *out);

int64_t db_changed(const struct db *d); /* rows that the last statement changed */

/*
 * Migrations: steps[i] leads from version i to i + 1, each in a transaction of its own.
 * A schema has a name, so that several share a file.  In their text {int}, {text},
 * {bytes}, {key} (an integer primary key that numbers itself), {strict} (at the end of a
 * table) and {clustered} (there, for rows kept by their primary key) become the words of
 * the backend.
 *
 * db_migrate fails with ERR_PROTO where the file is of a newer judgebox.
 * db_check_schema is for readers: older is a failure too, and names the remedy.
 */
struct db_schema {
	const char *name;
	const char *const *steps; /* NULL ends */
};
int db_migrate(struct db *d, const struct db_schema *s, struct err *e);
int db_check_schema(struct db *d, const struct db_schema *s, struct err *e);

/* --- care --- */

/* Reads all of it, and fails with ERR_PROTO on the first damage. */
int db_check(struct db *d, struct err *e);
/* A consistent copy while others write; the file must not be there. */
int db_backup(struct db *d, const char *path, struct err *e);
/* Frees what it holds only to be faster next time. */
void db_rest(struct db *d);
/* A journal of more bytes than that is emptied, unless somebody reads something that is
 * only in it: then false in *done, at once. */
int db_trim(struct db *d, uint64_t bytes, bool *done, struct err *e);
/* Gives room that deletions freed back to the file system: at most so many bytes. */
int db_shrink(struct db *d, uint64_t bytes, struct err *e);
/* Rewrites it as small as it gets. */
int db_vacuum(struct db *d, struct err *e);

struct db_space {
	uint64_t disk;         /* bytes on it, the journal's included */
	uint64_t journal;      /* of these */
	uint64_t used, unused; /* by rows; by what deletions left */
};
int db_size(struct db *d, struct db_space *out, struct err *e);
/* Bytes that the file system still has for it; fails too if the file was moved away. */
int db_room(struct db *d, uint64_t *bytes, struct err *e);
/* Copies every row that can be read from a broken file into the tables of the same name
 * here; those that are here stay.  Fails if not all of them could be; *rows is right all
 * the same. */
int db_salvage(struct db *d, const char *broken, int64_t *rows, struct err *e);
/* *pid: of a process that has it open; 0: none has. */
int db_in_use(const char *place, int *pid, struct err *e);

/* Another number than last time: somebody else has written since. */
int db_version(struct db *d, uint64_t *number, struct err *e);

#define scope_db __attribute__((cleanup(db_close_))) struct db *
static inline void
db_close_(struct db **d)
{
	db_close(*d);
}

#endif
