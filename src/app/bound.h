/*
 * bound - what a key may be given: rates, amounts, lists, moments; each by a name, which
 * is its option on the command line, and in the words in which it is shown again.
 */
#ifndef APP_BOUND_H
#define APP_BOUND_H

#include "app/desk.h"
#include "base/buf.h"

#define BOUNDS 19

const char *bound_name(unsigned i); /* i: below BOUNDS */
/* The desk knows which languages and profiles there are. */
int bound_take(const struct desk *d, unsigned i, const char *text, struct identity *id,
    struct err *e);
/* As it would be given again. */
void bound_text(unsigned i, const struct identity *id, struct buf *out);

void bound_moment_text(int64_t at, struct buf *out); /* 0: never */

#endif
