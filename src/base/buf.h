/*
 * buf - bytes that grow.  Zeroed memory is the empty buffer; release with buf_free or
 * declare it scope_buf.
 *
 * Running out of memory is not an error a caller handles: buf_* then ends the process
 * (a worker is replaced by its master).  Bound what goes in, not what malloc returns.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stddef.h>

#include "base/err.h"

struct buf {
	char *data; /* owned; NOT terminated, may be NULL when len is 0 */
	size_t len, cap;
};

void buf_add(struct buf *b, const void *data, size_t len);
void buf_str(struct buf *b, const char *s);
void buf_fmt(struct buf *b, const char *fmt, ...) ERR_PRINTF(2, 3);
char *buf_room(struct buf *b, size_t len); /* at least len bytes after b->len */
char *buf_cstr(struct buf *b); /* terminated view, valid until the next change */
void buf_free(struct buf *b);

#define scope_buf __attribute__((cleanup(buf_free))) struct buf

#endif
