/*
 * Lines in any order, each as often as it should be.
 *
 * Only the expected lines are sorted, and they are no more than a request can carry; the
 * output, which may be far longer, is walked once and left at the first line too many.
 */
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"
#include "judge/check.h"

struct line {
	struct text text; /* where it stands first */
	size_t left;      /* times it still has to come */
};

static int
by_text(const void *a, const void *b)
{
	const struct line *x = a, *y = b;
	size_t lx = text_len(x->text), ly = text_len(y->text);
	size_t n = lx < ly ? lx : ly;
	int c = n > 0 ? memcmp(x->text.at, y->text.at, n) : 0;

	return c != 0 ? c : (lx > ly) - (lx < ly);
}

/* Blank lines do not count: without an order, none of them is "in the middle". */
static bool
next_line(struct text *rest, struct text *line)
{
	while (text_line(rest, line)) {
		*line = text_rtrim(*line);
		if (text_len(*line) > 0)
			return true;
	}
	return false;
}

static size_t
count_lines(struct text t)
{
	struct text line;
	size_t n = 0;

	while (next_line(&t, &line))
		n++;
	return n;
}

/* Sorted, equal lines folded into one; returns how many are left. */
static size_t
fold_lines(struct line *lines, size_t count)
{
	size_t kept = 0;

	if (count > 0)
		qsort(lines, count, sizeof(*lines), by_text);
	for (size_t i = 0; i < count; i++) {
		if (kept > 0 && text_same(lines[kept - 1].text, lines[i].text)) {
			lines[kept - 1].left++;
			if (lines[i].text.at < lines[kept - 1].text.at)
				lines[kept - 1].text = lines[i].text;
		} else {
			lines[kept++] = lines[i];
		}
	}
	return kept;
}

static size_t
collect(struct text t, struct line *lines)
{
	struct text line;
	size_t n = 0;

	while (next_line(&t, &line))
		lines[n++] = (struct line){ line, 1 };
	return fold_lines(lines, n);
}

static const char *
first_missing(const struct line *lines, size_t count)
{
	const char *first = NULL;

	for (size_t i = 0; i < count; i++)
		if (lines[i].left > 0 && (first == NULL || lines[i].text.at < first))
			first = lines[i].text.at;
	return first;
}

bool
check_unordered(struct parting *p)
{
	size_t room = count_lines(p->expected);
	scope_free struct line *lines = calloc(room + 1, sizeof(*lines));
	if (lines == NULL)
		abort();
	size_t count = collect(p->expected, lines);

	struct text rest = p->actual;
	struct line key = { 0 };
	while (next_line(&rest, &key.text)) {
		struct line *hit = bsearch(&key, lines, count, sizeof(*lines), by_text);

		if (hit == NULL || hit->left == 0) {
			p->in_expected = NULL;
			p->in_actual = key.text.at;
			return false;
		}
		hit->left--;
	}
	p->in_expected = first_missing(lines, count);
	p->in_actual = NULL;
	return p->in_expected == NULL;
}
