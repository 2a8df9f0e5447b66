/*
 * quote - text as a string of JSON.  Whatever bytes go in, valid UTF-8 comes out: a byte
 * that is not UTF-8 becomes U+FFFD; control characters, DEL to U+009F and U+2028 and U+2029
 * among them, are escaped, so that a line of the answer is one line everywhere and no
 * terminal takes it for an order.
 */
#ifndef BASE_QUOTE_H
#define BASE_QUOTE_H

#include <stdint.h>

#include "base/buf.h"

void quote_add(struct buf *out, const char *data, size_t len); /* with its quotes */
/* What quote_add makes of it, without its quotes: up to six times as much. */
uint64_t quote_size(const char *data, size_t len);

#endif
