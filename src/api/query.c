#include "api/query.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "base/scope.h"
#include "base/utf8.h"
#include "base/when.h"

static int
hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	const char *at = c != '\0' ? strchr(digits, c) : NULL;

	return at != NULL ? (int)((at - digits) % 16) : -1;
}

/* In place.  False: a '%' without two digits, or what is no text. */
static bool
decode(char *s)
{
	char *out = s;

	for (; *s != '\0'; s++, out++) {
		*out = *s == '+' ? ' ' : *s;
		if (*s != '%')
			continue;
		int high = hex_digit(s[1]), low = high != -1 ? hex_digit(s[2]) : -1;
		if (low == -1)
			return false;
		*out = (char)(high * 16 + low);
		if (*out == '\0')
			return false;
		s += 2;
	}
	*out = '\0';
	return true;
}

static bool
is_text(const char *s)
{
	for (const unsigned char *c = (const unsigned char *)s; *c != '\0'; c++)
		if (*c < 0x20 || *c == 0x7f)
			return false;
	return utf8_valid(s, strlen(s));
}

static int
take_text(const struct query_row *row, const char *value, void *at, struct problem *p)
{
	if (!is_text(value))
		return problem_set(p, PROBLEM_BAD_FIELD, row->name,
		    "%s: must be UTF-8 without control characters", row->name);
	if (strlen(value) >= row->most)
		return problem_set(p, PROBLEM_BAD_FIELD, row->name,
		    "%s: at most %" PRIu64 " bytes", row->name, row->most - 1);
	snprintf(at, row->most, "%s", value);
	return 0;
}

static int
take_number(const struct query_row *row, const char *value, void *at, struct problem *p)
{
	struct err why;
	uint64_t n = 0;

	if (num_parse(value, NUM_PLAIN, &n, &why) == -1 || n < row->least ||
	    n > row->most)
		return problem_set(p, PROBLEM_BAD_FIELD, row->name,
		    "%s: a whole number from %" PRIu64 " to %" PRIu64, row->name,
		    row->least, row->most);
	memcpy(at, &n, sizeof(n));
	return 0;
}

static int
take_moment(const struct query_row *row, const char *value, void *at, struct problem *p)
{
	struct err why;
	int64_t moment = 0;

	if (when_parse(value, when_now(), &moment, &why) == -1)
		return problem_set(p, PROBLEM_BAD_FIELD, row->name,
		    "%s: a time like 2026-11-21T09:30Z, 2h or 7d", row->name);
	memcpy(at, &moment, sizeof(moment));
	return 0;
}

static int (*const takers[])(
    const struct query_row *row, const char *value, void *at, struct problem *p) = {
	[QUERY_TEXT] = take_text,
	[QUERY_NUMBER] = take_number,
	[QUERY_MOMENT] = take_moment,
};

static int
refuse_unknown(const struct query_row *table, struct problem *p)
{
	scope_buf names = { 0 };

	for (const struct query_row *r = table; r->name != NULL; r++)
		buf_fmt(&names, "%s%s", names.len > 0 ? ", " : "", r->name);
	return problem_set(p, PROBLEM_BAD_FIELD, NULL,
	    "the query has a parameter that is not known here; there are: %s",
	    buf_cstr(&names));
}

static int
take_pair(const struct query_row *table, char *pair, void *into, uint32_t *seen,
    struct problem *p)
{
	char *eq = strchr(pair, '=');
	unsigned i = 0;

	if (eq != NULL)
		*eq = '\0';
	while (table[i].name != NULL && strcmp(table[i].name, pair) != 0)
		i++;
	const struct query_row *row = &table[i];
	if (row->name == NULL)
		return refuse_unknown(table, p);
	if ((*seen >> i & 1) != 0)
		return problem_set(
		    p, PROBLEM_BAD_FIELD, row->name, "%s: is there twice", row->name);
	*seen |= 1U << i;
	if (eq == NULL || eq[1] == '\0')
		return problem_set(
		    p, PROBLEM_BAD_FIELD, row->name, "%s: has no value", row->name);
	if (!decode(eq + 1))
		return problem_set(p, PROBLEM_BAD_FIELD, row->name,
		    "%s: '%%' must have two hexadecimal digits, not 00, behind it",
		    row->name);
	return takers[row->kind](row, eq + 1, (char *)into + row->offset, p);
}

int
query_read(const struct http_request *rq, const struct query_row *table, void *into,
    struct problem *p)
{
	char query[sizeof(rq->query)], *rest = query, *pair;
	uint32_t seen = 0;

	snprintf(query, sizeof(query), "%s", rq->query);
	if (strlen(query) == sizeof(query) - 1) /* it was cut */
		return problem_set(p, PROBLEM_BAD_FIELD, NULL,
		    "the query is longer than %zu bytes", sizeof(query) - 2);
	while ((pair = strsep(&rest, "&")) != NULL)
		if (pair[0] != '\0' && take_pair(table, pair, into, &seen, p) == -1)
			return -1;
	return 0;
}
