#include "base/sha256.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>

void
sha256(const void *data, size_t len, uint8_t out[SHA256_BYTES])
{
	if (EVP_Digest(data, len, out, NULL, EVP_sha256(), NULL) != 1)
		abort();
}

bool
sha256_same(const uint8_t a[SHA256_BYTES], const uint8_t b[SHA256_BYTES])
{
	return CRYPTO_memcmp(a, b, SHA256_BYTES) == 0;
}
