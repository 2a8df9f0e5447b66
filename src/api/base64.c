#include "api/base64.h"

#include <stdint.h>
#include <string.h>

#include "base/scope.h"

static const char letters[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* The value of a letter, or -1. */
static int
value_of(unsigned char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool
base64_decode(const char *text, size_t len, struct bytes *out)
{
	scope_buf bytes = { 0 };
	uint32_t bits = 0;
	size_t n = 0, pad = 0;

	if (len % 4 != 0)
		return false;
	if (len > 0 && text[len - 1] == '=')
		pad = text[len - 2] == '=' ? 2 : 1;
	char *at = buf_room(&bytes, len / 4 * 3 + 1);
	for (size_t i = 0; i < len - pad; i++) {
		int v = value_of((unsigned char)text[i]);

		if (v == -1)
			return false;
		bits = bits << 6 | (uint32_t)v;
		if (i % 4 > 0)
			at[n++] = (char)(bits >> (6 - i % 4 * 2) & 0xff);
	}
	if (pad > 0 && (bits & ((1u << pad * 2) - 1)) != 0)
		return false;
	bytes_set(out, at, n);
	return true;
}

void
base64_encode(struct buf *out, const void *data, size_t len)
{
	const unsigned char *s = data;
	char *at = buf_room(out, (len + 2) / 3 * 4 + 1);

	for (size_t i = 0; i < len; i += 3, at += 4) {
		uint32_t bits = (uint32_t)s[i] << 16;

		if (i + 1 < len)
			bits |= (uint32_t)s[i + 1] << 8;
		if (i + 2 < len)
			bits |= s[i + 2];
		for (unsigned k = 0; k < 4; k++)
			at[k] = letters[bits >> (18 - 6 * k) & 63];
		if (i + 1 >= len)
			at[2] = '=';
		if (i + 2 >= len)
			at[3] = '=';
	}
	out->len += (len + 2) / 3 * 4;
}
