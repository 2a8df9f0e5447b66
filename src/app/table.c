#include "app/table.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/utf8.h"

struct table_line {
	enum tint tint;
	char *cells[TABLE_COLUMNS]; /* owned */
};

static unsigned
columns(const struct table *t)
{
	unsigned n = 0;

	while (n < TABLE_COLUMNS && t->heads[n] != NULL)
		n++;
	return n;
}

/* An escape sequence is not for this terminal. */
static void
defuse(char *text)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < len;) {
		unsigned n = utf8_shown((const unsigned char *)text + i, len - i);

		if (n == 0)
			text[i] = '?';
		i += n > 0 ? n : 1;
	}
}

void
table_row(struct table *t, enum tint tint, const char *const *cells)
{
	struct table_line line = { .tint = tint };
	struct table_line *more = reallocarray(t->lines, t->n + 1, sizeof(*more));

	if (more == NULL)
		abort();
	t->lines = more;
	for (unsigned i = 0; i < columns(t); i++) {
		line.cells[i] = strdup(cells[i]);
		if (line.cells[i] == NULL)
			abort();
		defuse(line.cells[i]);
	}
	t->lines[t->n++] = line;
}

void
table_free(struct table *t)
{
	for (unsigned i = 0; i < t->n; i++)
		for (unsigned c = 0; c < TABLE_COLUMNS; c++)
			free(t->lines[i].cells[c]);
	free(t->lines);
	t->lines = NULL;
	t->n = 0;
}

static size_t
width_of(const char *s)
{
	size_t n = 0;

	for (; *s != '\0'; s++)
		n += (*s & 0xc0) != 0x80;
	return n;
}

enum tint
tint_of_verdict(const char *verdict)
{
	if (strcmp(verdict, "accepted") == 0 || strcmp(verdict, "ok") == 0)
		return TINT_GOOD;
	return strcmp(verdict, "skipped") == 0 ? TINT_DOUBT : TINT_BAD;
}

void
tint_put(FILE *out, enum tint tint, const char *text)
{
	static const char *const codes[] = { "", "\033[32m", "\033[31m", "\033[33m",
		"\033[1m" };
	bool colour =
	    tint != TINT_NONE && getenv("NO_COLOR") == NULL && isatty(fileno(out)) == 1;

	fprintf(out, "%s%s%s", colour ? codes[tint] : "", text, colour ? "\033[0m" : "");
}

static void
put_cell(const struct table *t, FILE *out, unsigned c, const char *text, size_t width,
    enum tint tint, bool last)
{
	bool right = t->right != NULL && t->right[c] == 'r';
	int pad = (int)(width - width_of(text));

	fprintf(out, "%*s", right ? pad : 0, "");
	tint_put(out, tint, text);
	fprintf(out, "%*s%s", right || last ? 0 : pad, "", last ? "\n" : "  ");
}

void
table_print(const struct table *t, FILE *out)
{
	size_t widths[TABLE_COLUMNS];
	unsigned n = columns(t);

	for (unsigned c = 0; c < n; c++) {
		widths[c] = width_of(t->heads[c]);
		for (unsigned i = 0; i < t->n; i++)
			if (width_of(t->lines[i].cells[c]) > widths[c])
				widths[c] = width_of(t->lines[i].cells[c]);
	}
	while (n > 1 && widths[n - 1] == 0) /* nothing to say in the last column */
		n--;
	for (unsigned c = 0; c < n; c++)
		put_cell(t, out, c, t->heads[c], widths[c], TINT_HEAD, c + 1 == n);
	for (unsigned i = 0; i < t->n; i++)
		for (unsigned c = 0; c < n; c++)
			put_cell(t, out, c, t->lines[i].cells[c], widths[c],
			    c == t->tinted ? t->lines[i].tint : TINT_NONE, c + 1 == n);
}

void
table_show(FILE *out, const char *data, size_t len)
{
	for (size_t i = 0; i < len;) {
		unsigned n = utf8_shown((const unsigned char *)data + i, len - i);

		if (data[i] == '\n' || data[i] == '\t')
			n = 1;
		if (n > 0)
			fwrite(data + i, 1, n, out);
		else
			fprintf(out, "\\x%02x", (unsigned char)data[i]);
		i += n > 0 ? n : 1;
	}
}

/* The character at s, of n bytes, or the byte that is none. */
static size_t
put_quoted(char *at, const char *s, unsigned n)
{
	static const char plain[] = "\n\t\r\"\\", letters[] = "ntr\"\\";
	const char *known = *s != '\0' ? strchr(plain, *s) : NULL;

	if (known != NULL)
		return (size_t)sprintf(at, "\\%c", letters[known - plain]);
	if (n == 0)
		return (size_t)sprintf(at, "\\x%02x", (unsigned char)*s);
	memcpy(at, s, n);
	return n;
}

void
table_quote(char *out, size_t size, const char *data, size_t len, size_t max)
{
	size_t n = 0, i = 0;

	out[n++] = '"';
	while (i < len && n + 10 < size) {
		unsigned shown = utf8_shown((const unsigned char *)data + i, len - i);
		unsigned taken = shown > 0 ? shown : 1;

		if (i + taken > max)
			break;
		n += put_quoted(out + n, data + i, shown);
		i += taken;
	}
	n += (size_t)snprintf(out + n, size - n, i < len ? "…\"" : "\"");
	out[n < size ? n : size - 1] = '\0';
}
