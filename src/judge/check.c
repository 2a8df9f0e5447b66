#include "judge/check.h"

#include <string.h>

#include "judge/judge.h"

#define SHOWN 200 /* bytes of a line in a diff */

/* Of ASCII letters alone, as the ICPC default validator: no locale, no surprises. */
static bool
same_nocase(struct text a, struct text b)
{
	if (text_len(a) != text_len(b))
		return false;
	for (size_t i = 0; i < text_len(a); i++) {
		char x = a.at[i], y = b.at[i];

		if (x >= 'A' && x <= 'Z')
			x = (char)(x + ('a' - 'A'));
		if (y >= 'A' && y <= 'Z')
			y = (char)(y + ('a' - 'A'));
		if (x != y)
			return false;
	}
	return true;
}

static bool
same_token(struct text expected, struct text actual, const struct compare *how)
{
	switch (how->mode) {
	case COMPARE_TOKENS_NOCASE:
		return same_nocase(expected, actual);
	case COMPARE_FLOAT:
		return check_float(expected, actual, how);
	default:
		return text_same(expected, actual);
	}
}

/* How far two texts agree. */
static size_t
common(struct text a, struct text b)
{
	size_t n = text_len(a) < text_len(b) ? text_len(a) : text_len(b), i = 0;

	while (i < n && a.at[i] == b.at[i])
		i++;
	return i;
}

static bool
check_tokens(struct parting *p, const struct compare *how)
{
	struct text e = p->expected, a = p->actual;

	for (;;) {
		struct text te, ta;
		bool more_e = text_token(&e, &te), more_a = text_token(&a, &ta);

		if (!more_e && !more_a)
			return true;
		if (more_e && more_a && same_token(te, ta, how))
			continue;
		size_t n = more_e && more_a ? common(te, ta) : 0;
		p->in_expected = more_e ? te.at + n : NULL;
		p->in_actual = more_a ? ta.at + n : NULL;
		return false;
	}
}

static bool
check_bytes(struct parting *p)
{
	if (text_same(p->expected, p->actual))
		return true;
	size_t n = common(p->expected, p->actual);
	p->in_expected = p->expected.at + n;
	p->in_actual = p->actual.at + n;
	return false;
}

/* One text has ended, the other goes on at `at`: its next line with anything in it is the
 * first that differs in a way that can be shown. */
static const char *
skip_blank(const char *at, struct text whole)
{
	while (at < whole.end && text_is_space(*at))
		at++;
	return at;
}

static bool
check_trimmed(struct parting *p)
{
	p->expected = text_trim(p->expected);
	p->actual = text_trim(p->actual);
	if (check_bytes(p))
		return true;
	if (p->in_actual == p->actual.end && *p->in_expected == '\n') {
		p->in_expected = skip_blank(p->in_expected, p->expected);
		p->in_actual = NULL;
	} else if (p->in_expected == p->expected.end && *p->in_actual == '\n') {
		p->in_actual = skip_blank(p->in_actual, p->actual);
		p->in_expected = NULL;
	}
	return false;
}

static bool
check_lines(struct parting *p)
{
	struct text e = text_rtrim(p->expected), a = text_rtrim(p->actual);

	for (;;) {
		struct text le, la;
		bool more_e = text_line(&e, &le), more_a = text_line(&a, &la);

		if (!more_e && !more_a)
			return true;
		if (!more_e || !more_a) {
			p->in_expected = more_e ? skip_blank(le.at, p->expected) : NULL;
			p->in_actual = more_a ? skip_blank(la.at, p->actual) : NULL;
			return false;
		}
		le = text_rtrim(le);
		la = text_rtrim(la);
		if (text_same(le, la))
			continue;
		size_t n = common(le, la);
		p->in_expected = le.at + n;
		p->in_actual = la.at + n;
		/* blanks that do not count may go on here, for longer than we show */
		if (n == text_len(le))
			p->in_actual = skip_blank(p->in_actual, la);
		else if (n == text_len(la))
			p->in_expected = skip_blank(p->in_expected, le);
		return false;
	}
}

static bool
agree(const struct compare *how, struct parting *p)
{
	switch (how->mode) {
	case COMPARE_TRIM:
		return check_trimmed(p);
	case COMPARE_EXACT:
		return check_bytes(p);
	case COMPARE_LINES:
		return check_lines(p);
	case COMPARE_UNORDERED_LINES:
		return check_unordered(p);
	case COMPARE_TOKENS:
	case COMPARE_TOKENS_NOCASE:
	case COMPARE_FLOAT:
		break;
	}
	return check_tokens(p, how);
}

static uint32_t
line_number(struct text whole, const char *at)
{
	uint32_t line = 1;

	for (const char *s = whole.at; s < at; s++)
		line += *s == '\n';
	return line;
}

/* The line around a place.  Of a long line, the part with the place in it: what comes
 * before may be the same on both sides. */
static struct text
line_around(struct text whole, const char *at, bool newline)
{
	static const char nothing[] = "";
	struct text line = { at, at };

	if (at == NULL)
		return (struct text){ nothing, nothing };
	while (line.at > whole.at && line.at[-1] != '\n')
		line.at--;
	const char *nl =
	    at < whole.end ? memchr(at, '\n', (size_t)(whole.end - at)) : NULL;
	line.end = nl != NULL ? nl + newline : whole.end;
	if (at - line.at > SHOWN / 2 && text_len(line) > SHOWN) {
		line.at = at - SHOWN / 2;
		line.at += text_torn(line);
	}
	line.end = line.at + text_cut(line, SHOWN);
	return line;
}

/* The rest of the line from a place on. */
static struct text
line_after(struct text whole, const char *at)
{
	return line_around((struct text){ at, whole.end }, at, false);
}

static void
show(const struct compare *how, const struct parting *p, struct diff *diff)
{
	/* where only the bytes count, a missing newline must be seen */
	bool newline = how->mode == COMPARE_EXACT;
	const char *at = p->in_expected;
	struct text e = line_around(p->expected, at, newline);
	struct text a = line_around(p->actual, p->in_actual, newline);

	/* two lines may look alike and yet not meet: tokens that are one off, or repeats
	 * in a line longer than we show */
	if (text_same(e, a)) {
		e = line_after(p->expected, at);
		a = line_after(p->actual, p->in_actual);
	}
	if (at != NULL)
		diff->line = line_number(p->expected, at);
	else
		diff->line = line_number(p->actual, p->in_actual);
	bytes_set(&diff->expected, e.at, text_len(e));
	bytes_set(&diff->actual, a.at, text_len(a));
}

bool
judge_check(const struct compare *how, const struct bytes *expected,
    const struct bytes *actual, struct diff *diff)
{
	struct parting p = { .expected = text_of(expected), .actual = text_of(actual) };

	if (agree(how, &p))
		return true;
	if (diff != NULL)
		show(how, &p, diff);
	return false;
}
