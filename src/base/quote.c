#include "base/quote.h"

#include <string.h>

#include "base/fault.h"
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

static const char hex[] = "0123456789abcdef";

static void
put_escape(struct buf *out, unsigned char c)
{
	const char escape[6] = { '\\', marks[c], '0', '0', hex[c >> 4], hex[c & 15] };

	buf_add(out, escape, marks[c] == LONG ? 6 : 2);
}

/* What is written for a character: itself, or an escape. */
struct piece {
	const char *text;
	size_t size;
	char escape[6];
};

/* Everything from 0x80 up.  Returns the bytes taken. */
static size_t
wide(const unsigned char *s, size_t len, struct piece *p)
{
	uint32_t point = 0;
	unsigned n = utf8_next(s, len, &point);

	p->text = (const char *)s;
	p->size = n;
	if (n == 0 && JB_FAULT(UTF8)) {
		p->size = 1;
	} else if (n == 0) {
		p->text = "\xef\xbf\xbd"; /* U+FFFD */
		p->size = 3;
	} else if (point < 0xa0 || point == 0x2028 || point == 0x2029) {
		memcpy(p->escape, "\\u", 2);
		for (int i = 0; i < 4; i++)
			p->escape[2 + i] = hex[point >> (12 - 4 * i) & 15];
		p->text = p->escape;
		p->size = sizeof(p->escape);
	}
	return n > 0 ? n : 1;
}

void
quote_add(struct buf *out, const char *data, size_t len)
{
	const unsigned char *s = (const unsigned char *)data;
	struct piece p;

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
		i += wide(s + i, len - i, &p);
		buf_add(out, p.text, p.size);
	}
	buf_add(out, "\"", 1);
}

uint64_t
quote_size(const char *data, size_t len)
{
	const unsigned char *s = (const unsigned char *)data;
	struct piece p;
	uint64_t sum = 0;

	for (size_t i = 0; i < len; sum += p.size) {
		char mark = marks[s[i]];

		p.size = mark == PLAIN ? 1 : mark == LONG ? 6 : 2;
		i += mark != WIDE ? 1 : wide(s + i, len - i, &p);
	}
	return sum;
}
