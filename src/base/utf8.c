#include "base/utf8.h"

/* Table 3-7 of the Unicode standard: what may follow a first byte. */
static const struct {
	unsigned char first, last; /* of the first byte */
	unsigned char low, high;   /* of the second one */
	unsigned char len, bits;   /* bits: of the first byte that count */
} rows[] = {
	{ 0x00, 0x7f, 0x00, 0x00, 1, 0x7f },
	{ 0xc2, 0xdf, 0x80, 0xbf, 2, 0x1f },
	{ 0xe0, 0xe0, 0xa0, 0xbf, 3, 0x0f },
	{ 0xe1, 0xec, 0x80, 0xbf, 3, 0x0f },
	{ 0xed, 0xed, 0x80, 0x9f, 3, 0x0f },
	{ 0xee, 0xef, 0x80, 0xbf, 3, 0x0f },
	{ 0xf0, 0xf0, 0x90, 0xbf, 4, 0x07 },
	{ 0xf1, 0xf3, 0x80, 0xbf, 4, 0x07 },
	{ 0xf4, 0xf4, 0x80, 0x8f, 4, 0x07 },
};

unsigned
utf8_next(const unsigned char *s, size_t len, uint32_t *point)
{
	unsigned row = 0;

	if (len == 0)
		return 0;
	while (row < sizeof(rows) / sizeof(rows[0]) && s[0] > rows[row].last)
		row++;
	if (row == sizeof(rows) / sizeof(rows[0]) || s[0] < rows[row].first ||
	    len < rows[row].len)
		return 0;
	if (rows[row].len > 1 && (s[1] < rows[row].low || s[1] > rows[row].high))
		return 0;

	uint32_t c = s[0] & rows[row].bits;
	for (unsigned i = 1; i < rows[row].len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3fu);
	}
	*point = c;
	return rows[row].len;
}

/* What is not there to be seen: it moves the cursor, ends the line, or has what follows
 * shown in another order than it is written. */
static const struct {
	uint32_t first, last;
} unseen[] = {
	{ 0x00, 0x1f },
	{ 0x7f, 0x9f },
	{ 0x2028, 0x202e },
	{ 0x2066, 0x2069 },
};

unsigned
utf8_shown(const unsigned char *s, size_t len)
{
	uint32_t point = 0;
	unsigned n = utf8_next(s, len, &point);

	for (unsigned i = 0; i < sizeof(unseen) / sizeof(unseen[0]); i++)
		if (point >= unseen[i].first && point <= unseen[i].last)
			return 0;
	return n;
}

bool
utf8_valid(const char *text, size_t len)
{
	const unsigned char *s = (const unsigned char *)text;
	uint32_t point;

	for (size_t i = 0; i < len;) {
		unsigned n = s[i] < 0x80 ? 1 : utf8_next(s + i, len - i, &point);

		if (n == 0)
			return false;
		i += n;
	}
	return true;
}
