/*
 * digest - SHA-256 over length-prefixed parts, so that no two lists of parts collide.
 * The one door to libcrypto on this side.
 */
#ifndef SANDBOX_DIGEST_H
#define SANDBOX_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define DIGEST_BYTES 32
#define DIGEST_HEX   (2 * DIGEST_BYTES + 1)

struct digest {
	unsigned char byte[DIGEST_BYTES];
};

struct digest_maker;

struct digest_maker *digest_begin(struct err *e);
int digest_part(struct digest_maker *m, const void *data, size_t len, struct err *e);
/* The bytes of a file from offset, as one part; nothing is kept in memory. */
int digest_file(
    struct digest_maker *m, int fd, uint64_t offset, uint64_t len, struct err *e);
/* Ends and releases m, on failure too.  m may be NULL: then it fails. */
int digest_end(struct digest_maker *m, struct digest *out, struct err *e);

void digest_hex(const struct digest *d, char out[DIGEST_HEX]);

#endif
