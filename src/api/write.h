/*
 * write - JSON straight into a buffer, no tree.  Whatever bytes go in, valid UTF-8 JSON
 * comes out: base/quote.h says how.
 *
 * The caller opens and closes in the right order.  key NULL: an element of an array, or
 * the outermost value.
 */
#ifndef API_WRITE_H
#define API_WRITE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct writer {
	struct buf *out; /* borrowed */
	bool comma;      /* the next value needs one before it */
};

void write_open(struct writer *w, const char *key, char bracket);
void write_close(struct writer *w, char bracket);
void write_text(struct writer *w, const char *key, const char *text);
void write_bytes(struct writer *w, const char *key, const char *data, size_t len);
void write_base64(struct writer *w, const char *key, const char *data, size_t len);
void write_uint(struct writer *w, const char *key, uint64_t n);
void write_milli(struct writer *w, const char *key, uint64_t n); /* 1250 is 1.25 */
void write_bool(struct writer *w, const char *key, bool yes);
void write_null(struct writer *w, const char *key);
/* JSON already: a number or string as its client wrote it. */
void write_raw(struct writer *w, const char *key, const char *json, size_t len);

#endif
