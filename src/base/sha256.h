<<<<<<< HEAD
/* sha256 - a digest of bytes in memory, and comparing without telling how much is equal.
 * This side's door to libcrypto(7). */
#ifndef BASE_SHA256_H
#define BASE_SHA256_H

#include <stdbool.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHA256_BYTES 32

/* Ends the process where libcrypto has no SHA-256: there is no way on. */
void sha256(const void *data, size_t len, uint8_t out[SHA256_BYTES]);

/* In a time that depends on len alone. */
bool sha256_same(const uint8_t a[SHA256_BYTES], const uint8_t b[SHA256_BYTES]);
=======
/*
 * sha256 - the hash of bytes; the one door to libcrypto on this side of the bridge.
 *
 * Call sha256_start once before the process closes itself in: libcrypto reads its
 * configuration at its first use.
 */
#ifndef BASE_SHA256_H
#define BASE_SHA256_H

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

int sha256_start(struct err *e);
int sha256_of(const void *data, size_t len, struct sha256 *out, struct err *e);
/* Of the parts one after the other, as if they were one. */
int sha256_parts(
    const struct sha256_part *parts, unsigned n, struct sha256 *out, struct err *e);

/* In a time that depends on nothing. */
bool sha256_same(const struct sha256 *a, const struct sha256 *b);

void sha256_hex(const struct sha256 *h, char out[SHA256_HEX]);
>>>>>>> 2ca72ac (wip)

#endif
