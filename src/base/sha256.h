/* sha256 - a digest of bytes in memory, and comparing without telling how much is equal.
 * This side's door to libcrypto(7). */
#ifndef BASE_SHA256_H
#define BASE_SHA256_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHA256_BYTES 32

/* Ends the process where libcrypto has no SHA-256: there is no way on. */
void sha256(const void *data, size_t len, uint8_t out[SHA256_BYTES]);

/* In a time that depends on len alone. */
bool sha256_same(const uint8_t a[SHA256_BYTES], const uint8_t b[SHA256_BYTES]);

#endif
