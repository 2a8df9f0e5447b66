#include "base/quote.h"

#include <string.h>

#include "base/utf8.h"

enum { PLAIN = 0, LONG = 'u', WIDE = 'w' };

/* What becomes of a byte: itself, a backslash and this letter, \u00XX, or as wide() says.
 */
static const char marks[256] = {
	[0x00 ... 0x07] = LONG,
	['\b'] = 'b',
	['\t'] = 't',
	['\n'] = 'n',
	[0x0b] = LONG,
	['\f'] = 'f',
	['\r'] = 'r',
	[0x0e ... 0x1f] = LONG,
	['"'] = '"',
	['\\'] = '\\',
	[0x7f] = LONG,
	[0x80 ... 0xff] = WIDE,
};

static void
put_escape(struct buf *out, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	const char escape[6] = { '\\', marks[c], '0', '0', hex[c >> 4], hex[c & 15] };

	buf_add(out, escape, marks[c] == LONG ? 6 : 2);
}

/* Everything from 0x80 up.  Returns the bytes taken. */
static size_t
wide(const unsigned char *s, size_t len, const char **text, size_t *size)
{
	uint32_t point = 0;
	unsigned n = utf8_next(s, len, &point);

	*text = n == 0            ? "\xef\xbf\xbd" /* U+FFFD */
		: point == 0x2028 ? "\\u2028"
		: point == 0x2029 ? "\\u2029"
				  : NULL;
	*size = *text != NULL ? strlen(*text) : n;
	if (*text == NULL)
		*text = (const char *)s;
	return n > 0 ? n : 1;
}

void
quote_add(struct buf *out, const char *data, size_t len)
{
	const unsigned char *s = (const unsigned char *)data;
	const char *text;
	size_t size;

	buf_room(out, len + 2);
	buf_add(out, "\"", 1);
	for (size_t i = 0, run; i < len;) {
		for (run = i; run < len && marks[s[run]] == PLAIN;)
			run++;
		buf_add(out, s + i, run - i);
		i = run;
		if (i == len)
			break;
		if (marks[s[i]] != WIDE) {
			put_escape(out, s[i++]);
			continue;
		}
		i += wide(s + i, len - i, &text, &size);
		buf_add(out, text, size);
	}
	buf_add(out, "\"", 1);
}

uint64_t
quote_size(const char *data, size_t len)
{
	const unsigned char *s = (const unsigned char *)data;
	const char *text;
	uint64_t sum = 0;
	size_t size;

	for (size_t i = 0; i < len; sum += size) {
		char mark = marks[s[i]];

		size = mark == PLAIN ? 1 : mark == LONG ? 6 : 2;
		i += mark != WIDE ? 1 : wide(s + i, len - i, &text, &size);
	}
	return sum;
}
