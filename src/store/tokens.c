#include "store/tokens.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

int
tokens_hash(const char *secret, struct sha256 *out, struct err *e)
{
	return sha256_of(secret, strlen(secret), out, e);
}

static int
random_hex(char *out, size_t digits, struct err *e)
{
	unsigned char raw[TOKEN_SECRET / 2];

	if (getrandom(raw, digits / 2, 0) != (ssize_t)(digits / 2))
		return err_sys(e, "getrandom");
	for (size_t i = 0; i < digits / 2; i++)
		snprintf(out + 2 * i, 3, "%02x", raw[i]);
	return 0;
}

int
tokens_add(
    struct db *d, uint64_t key, int64_t now, char text[TOKEN_TEXT_SIZE], struct err *e)
{
	struct sha256 hash;
	struct token t;

	if (random_hex(t.id, TOKEN_ID_HEX, e) == -1 ||
	    random_hex(t.secret, TOKEN_SECRET, e) == -1 ||
	    tokens_hash(t.secret, &hash, e) == -1)
		return -1;
	scope_query q = db_query(d,
	    "INSERT INTO tokens (id, key, hash, created, expires) "
	    "VALUES ($1, $2, $3, $4, 0)",
	    e);
	if (q == NULL)
		return -1;
	db_put_text(q, t.id);
	db_put_int(q, (int64_t)key);
	db_put_bytes(q, hash.byte, sizeof(hash.byte));
	db_put_int(q, now);
	if (db_run(q, e) == -1)
		return -1;
	snprintf(text, TOKEN_TEXT_SIZE, TOKEN_PREFIX "%s_%s", t.id, t.secret);
	return 0;
}

int
tokens_end(struct db *d, uint64_t key, int64_t at, struct err *e)
{
	scope_query q = db_query(d,
	    "UPDATE tokens SET expires = $2 WHERE key = $1 "
	    "AND (expires = 0 OR expires > $2)",
	    e);
	if (q == NULL)
		return -1;
	db_put_int(q, (int64_t)key);
	db_put_int(q, at);
	return db_run(q, e);
}

int
tokens_forget(struct db *d, uint64_t key, int64_t now, struct err *e)
{
	scope_query q = db_query(
	    d, "DELETE FROM tokens WHERE key = $1 AND expires <> 0 AND expires <= $2", e);
	if (q == NULL)
		return -1;
	db_put_int(q, (int64_t)key);
	db_put_int(q, now);
	return db_run(q, e);
}

int
tokens_list(struct db *d, uint64_t key, tokens_visit *visit, void *ctx, struct err *e)
{
	struct token_row t;
	int rc;

	scope_query q = db_query(d,
	    "SELECT id, created, expires FROM tokens WHERE key = $1 ORDER BY created", e);
	if (q == NULL)
		return -1;
	db_put_int(q, (int64_t)key);
	while ((rc = db_step(q, e)) == 1) {
		t = (struct token_row){ .created = db_int(q, 1),
			.expires = db_int(q, 2) };
		snprintf(t.id, sizeof(t.id), "%s", db_text(q, 0));
		if (visit(ctx, &t, e) == -1)
			return -1;
	}
	return rc;
}
