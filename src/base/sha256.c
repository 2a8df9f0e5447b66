#include "base/sha256.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

int
sha256_parts(
    const struct sha256_part *parts, unsigned n, struct sha256 *out, struct err *e)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	struct sha256 h;
	int good = ctx != NULL && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1;

	for (unsigned i = 0; i < n && good; i++)
		good = EVP_DigestUpdate(ctx, parts[i].data, parts[i].len) == 1;
	good = good && EVP_DigestFinal_ex(ctx, h.byte, NULL) == 1;
	EVP_MD_CTX_free(ctx);
	if (!good)
		return err_set(e, ERR_SYS, "libcrypto: SHA-256");
	*out = h;
	return 0;
}

int
sha256_of(const void *data, size_t len, struct sha256 *out, struct err *e)
{
	return sha256_parts(&(struct sha256_part){ data, len }, 1, out, e);
}

int
sha256_start(struct err *e)
{
	struct sha256 ignored;

	return sha256_of("", 0, &ignored, e);
}

bool
sha256_same(const struct sha256 *a, const struct sha256 *b)
{
	return CRYPTO_memcmp(a->byte, b->byte, SHA256_BYTES) == 0;
}

void
sha256_hex(const struct sha256 *h, char out[SHA256_HEX])
{
	static const char digits[] = "0123456789abcdef";

	for (unsigned i = 0; i < SHA256_BYTES; i++) {
		*out++ = digits[h->byte[i] >> 4];
		*out++ = digits[h->byte[i] & 15];
	}
	*out = '\0';
}
