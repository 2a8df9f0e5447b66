/*
 * tokens - the secrets by which keys are shown, in the file of the keys.
 *
 * A token is 256 random bits, shown once.  Its SHA-256 is what is kept: a hash made slow
 * on purpose protects what people can remember, and nobody guesses 256 bits.  The token's
 * public part finds the row, the hash is compared in constant time (keys_find).
 */
#ifndef STORE_TOKENS_H
#define STORE_TOKENS_H

#include "model/identity.h"
#include "store/db.h"

int tokens_hash(const char *secret, struct sha256 *out, struct err *e);

/* A new one of a key; the text appears here and nowhere else. */
int tokens_add(
    struct db *d, uint64_t key, int64_t now, char text[TOKEN_TEXT_SIZE], struct err *e);
/* All of a key end then, at the latest. */
int tokens_end(struct db *d, uint64_t key, int64_t at, struct err *e);
/* Those that have ended. */
int tokens_forget(struct db *d, uint64_t key, int64_t now, struct err *e);

struct token_row {
	char id[TOKEN_ID_HEX + 1];
	int64_t created, expires; /* 0: with the key */
};
typedef int tokens_visit(void *ctx, const struct token_row *t, struct err *e);
int tokens_list(
    struct db *d, uint64_t key, tokens_visit *visit, void *ctx, struct err *e);

#endif
