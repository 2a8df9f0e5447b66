#include "api/scan.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/fault.h"
#include "base/utf8.h"

struct level {
	unsigned members;
	uint64_t seen[JSON_MEMBERS_MAX]; /* hashes of their names */
};

struct string {
	const unsigned char *at;
	size_t len;
	uint64_t hash; /* over code points, so "\u0061" is "a" */
	bool has_nul;
};

struct scan {
	const unsigned char *start, *s, *end;
	unsigned depth, containers;
	struct level levels[JSON_DEPTH_MAX + 1];
	struct string string;
	bool after_string; /* the last token was one */
	struct err *e;
};

#define HASH_START                                                                       \
	0xcbf29ce484222325u /* FNV-1a; who finds a collision refuses himself             \
			     */
#define HASH_PRIME 0x100000001b3u

static int
refuse(struct scan *c, const char *what)
{
	return err_set(
	    c->e, ERR_BAD_INPUT, "%s, at byte %zu", what, (size_t)(c->s - c->start));
}

/* The four digits after "\u" at s, or -1. */
static int32_t
hex4(const unsigned char *s, const unsigned char *end)
{
	int32_t n = 0;

	if (end - s < 4)
		return -1;
	for (unsigned i = 0; i < 4; i++) {
		unsigned char c = s[i];

		if (c >= '0' && c <= '9')
			n = n << 4 | (c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			n = n << 4 | ((c | 0x20) - 'a' + 10);
		else
			return -1;
	}
	return n;
}

/* c->s is at "\u"; leaves it behind the escape, or behind both of a pair. */
static int
scan_unicode(struct scan *c, uint32_t *point)
{
	int32_t hi = hex4(c->s + 2, c->end), lo = -1;

	if (hi == -1)
		return refuse(c, "\\u wants four hexadecimal digits");
	if ((hi & 0xfc00) == 0xdc00)
		return refuse(c, "a lone surrogate is no character");
	if ((hi & 0xfc00) != 0xd800) {
		*point = (uint32_t)hi;
		c->s += 6;
		return 0;
	}
	if (c->end - c->s >= 12 && c->s[6] == '\\' && c->s[7] == 'u')
		lo = hex4(c->s + 8, c->end);
	if (lo == -1 || (lo & 0xfc00) != 0xdc00)
		return refuse(c, "a lone surrogate is no character");
	*point = 0x10000 + (((uint32_t)hi & 0x3ff) << 10 | ((uint32_t)lo & 0x3ff));
	c->s += 12;
	return 0;
}

static int
scan_escape(struct scan *c, uint32_t *point)
{
	static const char letters[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
	const char *at;

	if (c->end - c->s < 2)
		return refuse(c, "the text ends inside a string");
	if (c->s[1] == 'u')
		return scan_unicode(c, point);
	at = c->s[1] != '\0' ? strchr(letters, c->s[1]) : NULL;
	if (at == NULL)
		return refuse(c, "no such escape");
	*point = (uint32_t)meant[at - letters];
	c->s += 2;
	return 0;
}

static int
scan_char(struct scan *c, uint32_t *point)
{
	if (*c->s == '\\')
		return scan_escape(c, point);
	if (*c->s < 0x20)
		return refuse(
		    c, *c->s == '\0' ? "a NUL byte" : "a bare control character");

	unsigned n = utf8_next(c->s, (size_t)(c->end - c->s), point);
	if (n == 0)
		return refuse(c, "not UTF-8");
	c->s += n;
	return 0;
}

static int
scan_string(struct scan *c)
{
	struct string *t = &c->string;
	uint32_t point = 0;

	*t = (struct string){ .at = ++c->s, .hash = HASH_START };
	while (c->s < c->end && *c->s != '"') {
		if (scan_char(c, &point) == -1)
			return -1;
		t->hash = (t->hash ^ point) * HASH_PRIME;
		t->has_nul |= point == 0;
	}
	if (c->s == c->end)
		return refuse(c, "the text ends inside a string");
	t->len = (size_t)(c->s - t->at);
	c->s++;
	return 0;
}

/* The string before a colon is the name of a member. */
static int
scan_member(struct scan *c)
{
	const struct string *t = &c->string;
	struct level *l = &c->levels[c->depth];

	if (!c->after_string)
		return refuse(c, "a colon that follows no name");
	if (t->has_nul)
		return refuse(c, "a name with a NUL in it");
	for (unsigned i = 0; i < l->members; i++)
		if (l->seen[i] == t->hash && !JB_FAULT(TWICE))
			return err_set(c->e, ERR_BAD_INPUT,
			    "member \"%.*s\" is given twice",
			    (int)(t->len < 40 ? t->len : 40), (const char *)t->at);
	if (l->members == JSON_MEMBERS_MAX)
		return refuse(c, "an object of more than 64 members");
	l->seen[l->members++] = t->hash;
	c->s++;
	return 0;
}

static int
scan_open(struct scan *c)
{
	if (c->depth == JSON_DEPTH_MAX)
		return refuse(c, "nested more than 8 deep");
	if (++c->containers > JSON_CONTAINERS_MAX)
		return refuse(c, "too many arrays and objects");
	c->levels[++c->depth].members = 0;
	c->s++;
	return 0;
}

static int
scan_close(struct scan *c)
{
	if (c->depth == 0)
		return refuse(c, "a bracket that nothing opened");
	c->depth--;
	c->s++;
	return 0;
}

static bool
at_digit(const struct scan *c)
{
	return c->s < c->end && *c->s >= '0' && *c->s <= '9';
}

static bool
scan_digits(struct scan *c)
{
	const unsigned char *from = c->s;

	while (at_digit(c))
		c->s++;
	return c->s > from;
}

static int
scan_number(struct scan *c)
{
	c->s += *c->s == '-';
	bool zero = at_digit(c) && *c->s == '0';
	if (!zero && !scan_digits(c))
		return refuse(c, "a number without digits");
	c->s += zero;
	if (zero && at_digit(c)) /* json-c takes 01.5, and would echo it as it came */
		return refuse(c, "a number that begins with a zero");
	if (c->s < c->end && *c->s == '.' && (c->s++, !scan_digits(c)))
		return refuse(c, "a number without digits after its point");
	if (c->s < c->end && (*c->s | 0x20) == 'e') {
		c->s++;
		c->s += c->s < c->end && (*c->s == '+' || *c->s == '-');
		if (!scan_digits(c))
			return refuse(c, "a number without digits in its exponent");
	}
	return 0;
}

static int
scan_word(struct scan *c)
{
	static const char *const words[] = { "true", "false", "null" };

	for (unsigned i = 0; i < 3; i++) {
		size_t n = strlen(words[i]);

		if ((size_t)(c->end - c->s) >= n && memcmp(c->s, words[i], n) == 0) {
			c->s += n;
			return 0;
		}
	}
	return refuse(c, *c->s == '\0' ? "a NUL byte" : "neither a value nor a bracket");
}

static int
scan_token(struct scan *c)
{
	switch (*c->s) {
	case ' ':
	case '\t':
	case '\r':
	case '\n':
	case ',':
		c->s++;
		return 0;
	case ':':
		return scan_member(c);
	case '"':
		return scan_string(c);
	case '[':
	case '{':
		return scan_open(c);
	case ']':
	case '}':
		return scan_close(c);
	default:
		return *c->s == '-' || (*c->s >= '0' && *c->s <= '9') ? scan_number(c)
								      : scan_word(c);
	}
}

int
json_scan(const char *text, size_t len, struct err *e)
{
	const unsigned char *start = (const unsigned char *)text;
	struct scan c = { .start = start, .s = start, .end = start + len, .e = e };

	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		return refuse(&c, "a byte order mark");
	while (c.s < c.end) {
		unsigned char first = *c.s;

		if (scan_token(&c) == -1)
			return -1;
		if (strchr(" \t\r\n", first) == NULL)
			c.after_string = first == '"';
	}
	return c.depth == 0 ? 0 : refuse(&c, "the text ends inside a bracket");
}
