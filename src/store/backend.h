/*
 * backend - what a database must do to stand behind store/db.h: one struct backend, and
 * a row for it in db.c.  Nobody but db.c and the backends includes this.
 *
 * Every function follows the contract of err.h, with the codes of db.h.
 */
#ifndef STORE_BACKEND_H
#define STORE_BACKEND_H

#include "store/db.h"

struct backend_word {
	const char *word, *means; /* "{int}", "INTEGER"; a NULL word ends */
};

struct backend {
	const char *scheme; /* "postgresql:"; "" takes what nobody else does */
	const struct backend_word *words;

	/* A connection, and a prepared statement of it: each backend's own. */
	int (*open)(
	    const char *place, const struct db_options *how, void **conn, struct err *e);
	void (*close)(void *conn);
	int (*exec)(void *conn, const char *sql, struct err *e);
	int (*prepare)(void *conn, const char *sql, void **stmt, struct err *e);
	void (*finish)(void *stmt);
	int (*reset)(void *stmt); /* and forgets the values */

	/* Value number `at`, from 1: placeholder $at. */
	int (*put_int)(void *stmt, unsigned at, int64_t n);
	int (*put_text)(void *stmt, unsigned at, const char *s, size_t len);
	int (*put_bytes)(void *stmt, unsigned at, const void *data, size_t len);
	int (*put_null)(void *stmt, unsigned at);
	int (*step)(void *conn, void *stmt, struct err *e);

	bool (*is_null)(void *stmt, unsigned column);
	int64_t (*get_int)(void *stmt, unsigned column);
	const char *(*get_text)(void *stmt, unsigned column);
	const void *(*get_bytes)(void *stmt, unsigned column, size_t *len);

	const char *begin_writing; /* takes its lock at once */
	const char *begin_reading; /* one that reads sees one moment */
	int64_t (*changed)(void *conn);
	int (*check)(void *conn, struct err *e);
	int (*backup)(void *conn, const char *path, struct err *e);
	int (*trim)(void *conn, uint64_t bytes, bool *done, struct err *e);
	int (*shrink)(void *conn, uint64_t bytes, struct err *e);
	int (*vacuum)(void *conn, struct err *e);
	int (*size)(void *conn, struct db_space *out, struct err *e);
	int (*room)(void *conn, uint64_t *bytes, struct err *e);
	int (*salvage)(void *conn, const char *broken, int64_t *rows, struct err *e);
	int (*in_use)(const char *place, int *pid, struct err *e);
	int (*version)(void *conn, uint64_t *number, struct err *e);
	void (*rest)(void *conn);
};

extern const struct backend sqlite_backend;

#endif
