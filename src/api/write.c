#include "api/write.h"

#include <inttypes.h>
#include <string.h>

#include "api/base64.h"
#include "base/utf8.h"

static void
begin(struct writer *w, const char *key)
{
	if (w->comma)
		buf_add(w->out, ",", 1);
	w->comma = true;
	if (key == NULL)
		return;
	buf_add(w->out, "\"", 1);
	buf_str(w->out, key); /* ours: plain ASCII */
	buf_add(w->out, "\":", 2);
}

static bool
is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

/* Control characters, the quote, the backslash, DEL. */
static void
put_escape(struct buf *out, unsigned char c)
{
	static const char plain[] = "\"\\\b\f\n\r\t", letter[] = "\"\\bfnrt";
	const char *at = c != '\0' ? strchr(plain, c) : NULL;

	if (at != NULL)
		buf_fmt(out, "\\%c", letter[at - plain]);
	else
		buf_fmt(out, "\\u%04x", c);
}

/* Everything from 0x80 up.  Returns the bytes taken. */
static size_t
put_wide(struct buf *out, const unsigned char *s, size_t len)
{
	uint32_t point = 0;
	unsigned n = utf8_next(s, len, &point);

	if (n == 0)
		buf_add(out, "\xef\xbf\xbd", 3);
	else if (point == 0x2028 || point == 0x2029)
		buf_fmt(out, "\\u%04" PRIx32, point);
	else
		buf_add(out, s, n);
	return n > 0 ? n : 1;
}

void
write_quoted(struct buf *out, const char *data, size_t len)
{
	const unsigned char *s = (const unsigned char *)data;

	buf_room(out, len + 2);
	buf_add(out, "\"", 1);
	for (size_t i = 0, run; i < len;) {
		for (run = i; run < len && is_plain(s[run]);)
			run++;
		buf_add(out, s + i, run - i);
		i = run;
		if (i == len)
			break;
		if (s[i] >= 0x80)
			i += put_wide(out, s + i, len - i);
		else
			put_escape(out, s[i++]);
	}
	buf_add(out, "\"", 1);
}

void
write_open(struct writer *w, const char *key, char bracket)
{
	begin(w, key);
	buf_add(w->out, &bracket, 1);
	w->comma = false;
}

void
write_close(struct writer *w, char bracket)
{
	buf_add(w->out, &bracket, 1);
	w->comma = true;
}

void
write_text(struct writer *w, const char *key, const char *text)
{
	write_bytes(w, key, text, strlen(text));
}

void
write_bytes(struct writer *w, const char *key, const char *data, size_t len)
{
	begin(w, key);
	write_quoted(w->out, data, len);
}

void
write_base64(struct writer *w, const char *key, const char *data, size_t len)
{
	begin(w, key);
	buf_add(w->out, "\"", 1);
	base64_encode(w->out, data, len);
	buf_add(w->out, "\"", 1);
}

void
write_uint(struct writer *w, const char *key, uint64_t n)
{
	begin(w, key);
	buf_fmt(w->out, "%" PRIu64, n);
}

void
write_milli(struct writer *w, const char *key, uint64_t n)
{
	begin(w, key);
	buf_fmt(w->out, "%" PRIu64, n / 1000);
	if (n % 1000 == 0)
		return;
	buf_fmt(w->out, ".%03" PRIu64, n % 1000);
	while (w->out->data[w->out->len - 1] == '0')
		w->out->len--;
}

void
write_bool(struct writer *w, const char *key, bool yes)
{
	begin(w, key);
	buf_str(w->out, yes ? "true" : "false");
}

void
write_null(struct writer *w, const char *key)
{
	begin(w, key);
	buf_str(w->out, "null");
}

void
write_raw(struct writer *w, const char *key, const char *json, size_t len)
{
	begin(w, key);
	buf_add(w->out, json, len);
}
