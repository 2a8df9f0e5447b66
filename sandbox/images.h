/*
 * images - frozen interpreters: made ahead in idle slots, started instead of the cold
 * command, given up when nobody needs them.
 *
 * An image is a program like a compiled one: sealed, executed by descriptor in a box that
 * is built as for any other.  It was made in a box too, with no user's file in sight, by
 * the language's own run command (warm/frozen.h).  What its runs share is what it was
 * born with: the seed of its hashes and the addresses of its objects; so several are kept
 * of a language, the least used is taken, and used ones are replaced when there is time.
 */
#ifndef SANDBOX_IMAGES_H
#define SANDBOX_IMAGES_H

#include "sandbox/config.h"
#include "sandbox/job.h"
#include "sandbox/language.h"

#define IMAGES_NEVER UINT64_MAX

struct images; /* NULL: there are none, for all that follows */

/* Without a warm language or with warm_images = 0 there is nothing to do: *out is NULL.
 */
int images_open(const struct config *config, const struct languages *languages,
    struct images **out, struct err *e);
void images_free(struct images *s);

/* A job was sent.  user: any number that is his, 0: unknown. */
void images_saw(struct images *s, const struct language *l, uint64_t user);

/* The image to execute for this run, whose command is argv; -1: start it cold.  It counts
 * as used; the descriptor stays ours. */
int images_pick(struct images *s, const struct run *r, const struct words *argv);

/* When images_next is to be asked; IMAGES_NEVER: not before the next disturbance. */
uint64_t images_due_us(const struct images *s);
/* What an idle slot should run now, NULL: nothing.  Also gives up what is not needed. */
struct run *images_next(struct images *s, uint64_t now_us);
/* Makes what such a run left cheaper to execute; that takes some milliseconds. */
void images_gather(int image);
/* Such a run is over; it stays the caller's. */
void images_made(struct images *s, const struct run *r, const struct wire_outcome *o);
/* A slot has become busy or idle: nothing is made between two tests. */
void images_disturb(struct images *s);

void images_counts(const struct images *s, uint64_t *hits, uint64_t *misses);

#endif
