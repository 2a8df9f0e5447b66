/*
 * words - a list of strings in one fixed block: an argv, an environment.
 *
 * No pointers, so it can be copied, sent over the wire and checked whole: data
 * holds `count` strings one after the other, each with its NUL, `len` bytes in all.
 * Zeroed memory is the empty list; to who only reads, so is NULL.
 */
#ifndef BASE_WORDS_H
#define BASE_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define WORDS_BYTES 6144
#define WORDS_MAX   128

struct words {
	uint16_t count;
	uint16_t len;
	char data[WORDS_BYTES];
};

/* Both fail with ERR_OVER_LIMIT when the block is full. */
int words_add(struct words *w, const char *s, struct err *e);
int words_append(struct words *w, const struct words *more, struct err *e);

/* Puts value where a word has the token, once in each word. */
int words_fill(struct words *w, const char *token, const char *value, struct err *e);

/* Walks the list: NULL starts, NULL ends. */
const char *words_next(const struct words *w, const char *at);

/* Of a list of paths the first that is on this machine; none is: the first.  NULL: empty.
 */
const char *words_first_present(const struct words *w);

bool words_has(const struct words *w, const char *s);

/* Refuses what a peer could have forged: a count or length that does not fit the data. */
int words_check(const struct words *w, struct err *e);

/* A copy at *at that is only to be read: it takes no more room than its words do, which
 * words_room says, and *at is then behind it. */
size_t words_room(const struct words *w);
const struct words *words_pack(const struct words *w, char **at);

/* Fills argv[0..count] (NULL at the end) with pointers into *w; max counts the NULL. */
int words_pointers(const struct words *w, const char **argv, unsigned max, struct err *e);

#endif
