/*
 * sqlite - what the two files of this backend share.  Nobody else includes this.
 */
#ifndef STORE_SQLITE_H
#define STORE_SQLITE_H

#include <limits.h>
#include <sys/types.h>

#include "base/err.h"

struct sqlite {
	struct sqlite3 *db; /* owned */
	unsigned busy_ms;
	char path[PATH_MAX];
	dev_t dev; /* which file that was when it was opened */
	ino_t ino;
};

/* The library's status as an error, with what helps; returns -1. */
int sqlite_fail(const struct sqlite *c, int rc, struct err *e);
int sqlite_exec(void *conn, const char *sql, struct err *e);

/* As db_salvage. */
int sqlite_salvage(void *conn, const char *broken, int64_t *rows, struct err *e);

#endif
