/*
 * versions - what the languages' own version commands say, and how many slots the helper
 * has: found out once by one child, read by all workers.
 *
 * The table lies in shared memory made before the fork.  An entry is written once, then
 * marked known, and never changes again.
 */
#ifndef APP_VERSIONS_H
#define APP_VERSIONS_H

#include "lang/lang.h"
#include "model/limits.h"

struct versions;

int versions_new(unsigned count, struct versions **out, struct err *e);
void versions_free(struct versions *v);

/* Asks the helper for each language in a box of its own, waiting for the helper to
 * come up if need be.  The child's whole work; returns when every language was asked. */
void versions_find(struct versions *v, const struct langs *langs,
    const struct limits *limits, const char *helper_path);

unsigned versions_slots(const struct versions *v); /* 0: not known yet */
/* table[i] becomes the version of langs_at(i), or NULL while it is not known. */
void versions_read(const struct versions *v, const char **table);

#endif
