#include "judge/text.h"

#include <string.h>

bool
text_same(struct text a, struct text b)
{
	return text_len(a) == text_len(b) &&
	       (text_len(a) == 0 || memcmp(a.at, b.at, text_len(a)) == 0);
}

bool
text_is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* ECMA-262, tables 35 and 36, as UTF-8; each with the characters it stands for.  Since
 * UTF-8 synchronises itself, they can be matched from either side. */
static const struct {
	char bytes[4];
	unsigned char len, last; /* last: the final byte may go up to here */
} spaces[] = {
	{ "\t", 1, '\r' },           /* TAB LF VT FF CR */
	{ " ", 1, ' ' },             /* SP */
	{ "\xc2\xa0", 2, 0xa0 },     /* NBSP */
	{ "\xe1\x9a\x80", 3, 0x80 }, /* U+1680 */
	{ "\xe2\x80\x80", 3, 0x8a }, /* U+2000 to U+200A */
	{ "\xe2\x80\xa8", 3, 0xa9 }, /* LS PS */
	{ "\xe2\x80\xaf", 3, 0xaf }, /* U+202F */
	{ "\xe2\x81\x9f", 3, 0x9f }, /* U+205F */
	{ "\xe3\x80\x80", 3, 0x80 }, /* U+3000 */
	{ "\xef\xbb\xbf", 3, 0xbf }, /* ZWNBSP */
};

/* The length of the space that the n bytes at p are, 0: they are none. */
static size_t
space_at(const char *p, size_t n, bool from_end)
{
	for (size_t i = 0; i < sizeof(spaces) / sizeof(spaces[0]); i++) {
		size_t len = spaces[i].len;

		if (len > n)
			continue;
		const char *s = from_end ? p + n - len : p;
		unsigned char last = (unsigned char)s[len - 1];
		if (memcmp(s, spaces[i].bytes, len - 1) == 0 &&
		    last >= (unsigned char)spaces[i].bytes[len - 1] &&
		    last <= spaces[i].last)
			return len;
	}
	return 0;
}

struct text
text_trim(struct text t)
{
	size_t n;

	while (t.at < t.end && (n = space_at(t.at, text_len(t), false)) > 0)
		t.at += n;
	while (t.at < t.end && (n = space_at(t.at, text_len(t), true)) > 0)
		t.end -= n;
	return t;
}

struct text
text_rtrim(struct text t)
{
	while (t.at < t.end && text_is_space(t.end[-1]))
		t.end--;
	return t;
}

bool
text_line(struct text *rest, struct text *line)
{
	if (rest->at == rest->end)
		return false;
	const char *nl = memchr(rest->at, '\n', text_len(*rest));
	line->at = rest->at;
	line->end = nl != NULL ? nl : rest->end;
	rest->at = nl != NULL ? nl + 1 : rest->end;
	return true;
}

bool
text_token(struct text *rest, struct text *token)
{
	while (rest->at < rest->end && text_is_space(*rest->at))
		rest->at++;
	token->at = rest->at;
	while (rest->at < rest->end && !text_is_space(*rest->at))
		rest->at++;
	token->end = rest->at;
	return token->at < token->end;
}

static bool
continues(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* The bytes a character has that begins with c; 1 for what begins none. */
static size_t
char_len(unsigned char c)
{
	return c < 0xc0 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf8 ? 4 : 1;
}

/* Looks only as far back as a character can reach: what is not UTF-8 is cut anywhere. */
size_t
text_cut(struct text t, size_t max)
{
	if (text_len(t) <= max)
		return text_len(t);
	for (size_t back = 1; back <= 3 && back <= max; back++) {
		char c = t.at[max - back];

		if (!continues(c))
			return char_len((unsigned char)c) > back ? max - back : max;
	}
	return max;
}

size_t
text_torn(struct text t)
{
	size_t n = 0;

	while (n < 3 && n < text_len(t) && continues(t.at[n]))
		n++;
	return n;
}
