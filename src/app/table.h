/*
 * table - aligned columns for a terminal; colours only there.
 *
 * Fill with table_row, one string per column, then print.  Widths count characters of
 * UTF-8, not bytes.  Control characters in a cell are shown, never sent.
 */
#ifndef APP_TABLE_H
#define APP_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define TABLE_COLUMNS 8

enum tint { TINT_NONE, TINT_GOOD, TINT_BAD, TINT_DOUBT, TINT_HEAD };

struct table {
	const char *const *heads; /* borrowed; NULL ends, at most TABLE_COLUMNS */
	const char *right;        /* a letter per column, 'r' aligns right */
	unsigned tinted;          /* the column that takes a row's tint */
	struct table_line *lines; /* owned */
	unsigned n;
};

/* cells: as many as there are heads; copied. */
void table_row(struct table *t, enum tint tint, const char *const *cells);
void table_print(const struct table *t, FILE *out);
void table_free(struct table *t);

/* Of a job, or of a test. */
enum tint tint_of_verdict(const char *verdict);

/* Text in a colour, if out is a terminal and NO_COLOR is not set. */
void tint_put(FILE *out, enum tint tint, const char *text);

/* For a terminal: what a program wrote, with all escaped that is neither a character to
 * show nor a newline or tab. */
void table_show(FILE *out, const char *data, size_t len);

/* Makes bytes of a program fit for one cell: quotes, \n, \t, \x1b; cut after max bytes.
 */
void table_quote(char *out, size_t size, const char *data, size_t len, size_t max);

#endif
