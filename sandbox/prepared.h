/*
 * prepared - files that make compilers faster: precompiled headers, class archives,
 * archives of a standard library.
 *
 * What they are made of stands in the language files (prepare = { … }), how they are made
 * is a compile in a box like any other.  They lie in a directory of root's, one folder
 * per file named by the digest of all that went into it, and are shown to boxes read-only
 * as INNER_PREPARED_DIR.  No client can name, choose or write one.  One is used only
 * after it was read whole and compared with its own digest, by a child of ours.
 *
 * They are made when nobody waits for a slot, once: after the first start, and again when
 * the compiler, the packages or the language file changed.  Without one, everything is as
 * it would be; only slower.
 */
#ifndef SANDBOX_PREPARED_H
#define SANDBOX_PREPARED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "sandbox/config.h"
#include "sandbox/job.h"
#include "sandbox/language.h"
#include "sandbox/loop.h"

struct prepared;

/* A directory that cannot be had is said in the log, and done without.  Borrows all. */
int prepared_open(const struct config *config, const struct languages *languages,
    struct loop *loop, struct prepared **out, struct err *e);
void prepared_close(struct prepared *p);

/* What {prepared} stands for in a compile with these options; empty: nothing is there. */
int prepared_words(struct prepared *p, const struct language *l,
    const struct words *options, struct words *out, struct err *e);

/* A run that makes the next file that is missing, the caller's; NULL: none is. */
struct run *prepared_next(struct prepared *p);
bool prepared_is_wanting(const struct prepared *p);
/* What that run leaves behind, and how much of it at most. */
const char *prepared_artifact(
    const struct prepared *p, const struct run *r, uint64_t *most);
/* The directory, borrowed: what that child needs, and what slots show.  -1: there is
 * none. */
int prepared_dir(const struct prepared *p);
/* Copies what a slot made of run r to its place: long work, to be done by a child. */
int prepared_store(
    struct prepared *p, const struct run *r, int fd, bool is_tree, struct err *e);
/* The parent's half: it is there now. */
void prepared_stored(struct prepared *p, const struct run *r);
/* The run is over.  gave_way: it was ended for somebody who waited; try again. */
void prepared_ended(
    struct prepared *p, const struct run *r, const struct wire_outcome *o);
/* May it be ended for somebody who waits?  Not for ever: it would never be made. */
bool prepared_gives_way(const struct prepared *p, const struct run *r);

#endif
