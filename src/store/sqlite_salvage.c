/* What can be saved of a broken file, row by row. */
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "store/sqlite.h"

static sqlite3_stmt *
prepare_text(struct sqlite *c, char *sql, int *rc)
{
	sqlite3_stmt *stmt = NULL;

	*rc =
	    sql != NULL ? sqlite3_prepare_v2(c->db, sql, -1, &stmt, NULL) : SQLITE_NOMEM;
	sqlite3_free(sql);
	return stmt;
}

/* INSERT of the columns that the rows have: a table may have grown since. */
static sqlite3_stmt *
prepare_insert(struct sqlite *to, const char *table, sqlite3_stmt *rows, int *rc)
{
	sqlite3_str *sql = sqlite3_str_new(to->db);
	int columns = sqlite3_column_count(rows);

	sqlite3_str_appendf(sql, "INSERT OR IGNORE INTO \"%w\" (", table);
	for (int i = 0; i < columns; i++)
		sqlite3_str_appendf(
		    sql, "%s\"%w\"", i == 0 ? "" : ",", sqlite3_column_name(rows, i));
	sqlite3_str_appendall(sql, ") VALUES (");
	for (int i = 0; i < columns; i++)
		sqlite3_str_appendall(sql, i == 0 ? "?" : ",?");
	sqlite3_str_appendall(sql, ")");
	return prepare_text(to, sqlite3_str_finish(sql), rc);
}

/* Returns the status that ended the reading: DONE if all of it could be read. */
static int
copy_rows(sqlite3_stmt *in, sqlite3_stmt *out, sqlite3 *to, int64_t *rows)
{
	int rc;

	while ((rc = sqlite3_step(in)) == SQLITE_ROW) {
		for (int i = 0; i < sqlite3_column_count(in); i++)
			sqlite3_bind_value(out, i + 1, sqlite3_column_value(in, i));
		/* A row that does not fit its table is damage, too. */
		if (sqlite3_step(out) == SQLITE_DONE)
			*rows += sqlite3_changes64(to);
		sqlite3_reset(out);
	}
	return rc;
}

/* From both ends, as far as the damage lets us. */
static int
copy_table(
    struct sqlite *from, struct sqlite *to, const char *table, int64_t *rows, int *rc)
{
	static const char *const orders[] = { "ASC", "DESC" };
	int first = SQLITE_OK;

	for (int i = 0; i < 2 && first != SQLITE_DONE; i++) {
		sqlite3_stmt *in = prepare_text(from,
		    sqlite3_mprintf(
			"SELECT * FROM \"%w\" ORDER BY 1 %s", table, orders[i]),
		    rc);
		sqlite3_stmt *out = in != NULL ? prepare_insert(to, table, in, rc) : NULL;
		if (out != NULL)
			*rc = copy_rows(in, out, to->db, rows);
		if (i == 0)
			first = *rc;
		sqlite3_finalize(in);
		sqlite3_finalize(out);
	}
	*rc = first;
	return first == SQLITE_DONE ? 0 : -1;
}

static int
copy_tables(struct sqlite *from, struct sqlite *to, int64_t *rows, struct err *e)
{
	int rc = SQLITE_OK, result = 0;
	sqlite3_stmt *tables = prepare_text(to,
	    sqlite3_mprintf(
		"SELECT name FROM sqlite_schema WHERE type = 'table' AND name "
		"NOT LIKE 'sqlite_%%' AND name <> 'schemas'"),
	    &rc);

	if (tables == NULL)
		return sqlite_fail(to, rc, e);
	while (sqlite3_step(tables) == SQLITE_ROW) {
		const char *name = (const char *)sqlite3_column_text(tables, 0);
		if (copy_table(from, to, name, rows, &rc) == -1) {
			sqlite_fail(from, rc, e);
			result = err_wrap(e, "%s", name);
		}
	}
	sqlite3_finalize(tables);
	return result;
}

int
sqlite_salvage(void *conn, const char *broken, int64_t *rows, struct err *e)
{
	struct sqlite from = { 0 }, *to = conn;
	int result;

	*rows = 0;
	snprintf(from.path, sizeof(from.path), "%s", broken);
	int rc = sqlite3_open_v2(broken, &from.db,
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc == SQLITE_OK)
		sqlite3_db_config(from.db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	/* Orphans are the caller's business: their other half may come later. */
	if (rc != SQLITE_OK)
		result = sqlite_fail(&from, rc, e);
	else if (sqlite_exec(to, "PRAGMA foreign_keys = OFF; BEGIN IMMEDIATE", e) == -1)
		result = -1;
	else
		result = copy_tables(&from, to, rows, e);
	struct err why;
	if (rc == SQLITE_OK && sqlite_exec(to, "COMMIT", &why) == -1) {
		*e = why;
		result = -1;
	}
	sqlite_exec(to, "PRAGMA foreign_keys = ON", &why);
	sqlite3_close(from.db);
	return result;
}
