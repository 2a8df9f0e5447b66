/* base64 - RFC 4648 section 4, strictly: padding required, nothing else tolerated. */
#ifndef API_BASE64_H
#define API_BASE64_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "model/job.h"

/* False: not base64, or bits set that no byte has (two texts for one value).  *out is
 * then untouched. */
bool base64_decode(const char *text, size_t len, struct bytes *out);
void base64_encode(struct buf *out, const void *data, size_t len);

#endif
