/*
 * keys - who may use the service, and how much.  By what they are shown is tokens.h.
 *
 * A file of its own beside the run log, so that no trouble with that one locks anybody
 * out.  Every look is a look into the file: what `judgebox key` changes holds for the
 * next request of every worker.  A file that was removed or replaced is noticed, and is
 * an error from then on: whoever finds it opens anew.
 */
#ifndef STORE_KEYS_H
#define STORE_KEYS_H

#include "model/identity.h"
#include "store/db.h"

#define KEYS_FILE "keys.db" /* in the directory of the state */

struct keys;

/* For looking only.  The file must be there, and of this version. */
int keys_open(const char *path, struct keys **out, struct err *e);
/* For changes too; makes the file, and brings an older one up to date. */
int keys_open_admin(const char *path, struct keys **out, struct err *e);
void keys_close(struct keys *k); /* NULL is fine */

/* The file, for what lies in it beside the keys (tokens.h, reservations.h).  NULL: it was
 * removed or replaced. */
struct db *keys_db(const struct keys *k, struct err *e);

#define scope_keys __attribute__((cleanup(keys_close_))) struct keys *
static inline void
keys_close_(struct keys **k)
{
	keys_close(*k);
}

/* --- looking; moments are microseconds since 1970 --- */

/* Fills *out unless the key is unknown.  Takes as long for an unknown as for a wrong one.
 */
int keys_find(struct keys *k, const struct token *t, int64_t now, struct identity *out,
    enum key_state *state, struct err *e);

/* Keys that would be let in. */
int keys_count(struct keys *k, int64_t now, uint64_t *out, struct err *e);

int keys_get(struct keys *k, const char *name, struct identity *out, struct err *e);
int keys_get_unrevoked(
    struct keys *k, const char *name, struct identity *out, struct err *e);

typedef int keys_visit(void *ctx, const struct identity *key, struct err *e);
int keys_list(struct keys *k, keys_visit *visit, void *ctx, struct err *e);

/* --- changes --- */

/* Gives the key its number; the token appears here and nowhere else. */
int keys_add(struct keys *k, struct identity *key, int64_t now,
    char token[TOKEN_TEXT_SIZE], struct err *e);
/* All but name and number; of a key that is not revoked. */
int keys_set(struct keys *k, const struct identity *key, struct err *e);
int keys_revoke(struct keys *k, const char *name, int64_t now, struct err *e);
/* A new token; those there are end after the overlap at the latest. */
int keys_rotate(struct keys *k, const char *name, int64_t now, int64_t overlap_us,
    char token[TOKEN_TEXT_SIZE], struct err *e);

#endif
