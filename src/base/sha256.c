#include "base/sha256.h"

/*
 * The functions of libcrypto that need nothing but their argument.  The newer ones look
 * for an implementation among its providers: 140 KB and a millisecond in each process,
 * and more for a key's hash than the hash itself.
 */
#define OPENSSL_API_COMPAT 0x10100000L
#include <openssl/crypto.h>
#include <openssl/sha.h>

int
sha256_parts(
    const struct sha256_part *parts, unsigned n, struct sha256 *out, struct err *e)
{
	SHA256_CTX ctx;
	struct sha256 h;
	int good = SHA256_Init(&ctx);

	for (unsigned i = 0; i < n && good; i++)
		good = SHA256_Update(&ctx, parts[i].data, parts[i].len);
	good = good && SHA256_Final(h.byte, &ctx);
	OPENSSL_cleanse(&ctx, sizeof(ctx)); /* it may have been a secret */
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
