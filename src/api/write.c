#include "api/write.h"

#include <inttypes.h>
#include <string.h>

#include "api/base64.h"
#include "base/quote.h"

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
	quote_add(w->out, data, len);
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
