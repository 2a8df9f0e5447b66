/*
 * cache - artifacts of earlier compiles, found by the digest of all that went into them.
 *
 * Two tiers.  In memory: sealed files, ready to be executed.  On disk, surviving the
 * helper: one file per artifact in a directory of root's, made with O_TMPFILE and
 * linkat(2), checked against its own digest whenever it is read; one that fails is
 * removed and forgotten.  Both are bounded in bytes; what was used longest ago goes.
 *
 * No client can name, choose or write an entry: keys come from sealed files, contents
 * from our own slots.  A cache that cannot work is no cache, never an error of a run.
 */
#ifndef SANDBOX_CACHE_H
#define SANDBOX_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "sandbox/digest.h"

struct cache;

/* max_bytes on disk; 0: nothing is ever found or kept.  Makes the directory, and the one
 * above.  A directory that others may write is refused; one that cannot be had is said
 * in the log, and done without. */
int cache_open(const char *dir, uint64_t max_bytes, struct cache **out, struct err *e);
void cache_close(struct cache *c);

/* Returns a sealed descriptor, the caller's, or -1: not there. */
int cache_get(struct cache *c, const struct digest *key, bool *is_tree);

/* Keeps a copy of what fd (sealed; the caller's) holds. */
void cache_put(struct cache *c, const struct digest *key, int fd, bool is_tree);

#endif
