/*
 * sha256 - the hash of bytes; the one door to libcrypto on this side of the bridge.
 */
#ifndef BASE_SHA256_H
#define BASE_SHA256_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define SHA256_BYTES 32
#define SHA256_HEX   (2 * SHA256_BYTES + 1)

struct sha256 {
	unsigned char byte[SHA256_BYTES];
};

struct sha256_part {
	const void *data;
	size_t len;
};

int sha256_of(const void *data, size_t len, struct sha256 *out, struct err *e);
/* Of the parts one after the other, as if they were one. */
int sha256_parts(
    const struct sha256_part *parts, unsigned n, struct sha256 *out, struct err *e);

/* In a time that depends on nothing. */
bool sha256_same(const struct sha256 *a, const struct sha256 *b);

void sha256_hex(const struct sha256 *h, char out[SHA256_HEX]);

#endif
