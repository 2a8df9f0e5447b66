#include "sandbox/digest.h"

/* As in base/sha256.c: what needs no provider. */
#define OPENSSL_API_COMPAT 0x10100000L
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fault.h"
#include "base/fd.h"

struct digest_maker {
	SHA256_CTX ctx;
	bool broken;
};

struct digest_maker *
digest_begin(struct err *e)
{
	struct digest_maker *m = calloc(1, sizeof(*m));

	if (m == NULL || SHA256_Init(&m->ctx) != 1) {
		err_set(e, ERR_SYS, "libcrypto: SHA-256 does not start");
		digest_end(m, NULL, e);
		return NULL;
	}
	return m;
}

static int
update(struct digest_maker *m, const void *data, size_t len, struct err *e)
{
	if (SHA256_Update(&m->ctx, data, len) == 1)
		return 0;
	m->broken = true;
	return err_set(e, ERR_SYS, "libcrypto: SHA-256");
}

int
digest_part(struct digest_maker *m, const void *data, size_t len, struct err *e)
{
	uint64_t n = len;

	if (!JB_FAULT(KEY_PARTS) && update(m, &n, sizeof(n), e) == -1)
		return -1;
	return update(m, data, len, e);
}

int
digest_file(struct digest_maker *m, int fd, uint64_t offset, uint64_t len, struct err *e)
{
	char block[65536];

	if (update(m, &len, sizeof(len), e) == -1)
		return -1;
	while (len > 0) {
		size_t n = len > sizeof(block) ? sizeof(block) : (size_t)len;

		if (fd_pread_all(fd, block, n, offset, e) == -1 ||
		    update(m, block, n, e) == -1) {
			m->broken = true;
			return -1;
		}
		offset += n;
		len -= n;
	}
	return 0;
}

int
digest_end(struct digest_maker *m, struct digest *out, struct err *e)
{
	bool good = m != NULL && out != NULL && !m->broken &&
		    SHA256_Final(out->byte, &m->ctx) == 1;

	free(m);
	if (good)
		return 0;
	return out == NULL ? -1 : err_set(e, ERR_SYS, "libcrypto: SHA-256 does not end");
}

void
digest_hex(const struct digest *d, char out[DIGEST_HEX])
{
	for (unsigned i = 0; i < DIGEST_BYTES; i++)
		snprintf(out + 2 * i, 3, "%02x", d->byte[i]);
}
