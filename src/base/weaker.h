/*
 * weaker - what a judgebox does not promise that root did not start, each by a name.
 *
 * The helper refuses to serve in such a place unless its configuration accepts every name
 * that holds there; judgebox doctor prints them.  What is not in this table cannot be
 * gone without, accepted or not.
 */
#ifndef BASE_WEAKER_H
#define BASE_WEAKER_H

#include <stdbool.h>

#include "base/words.h"

enum weaker {
	WEAKER_SHARED_ACCOUNT,
	WEAKER_SHARED_LIMITS,
	WEAKER_MAX_,
};

struct weaker_point {
	const char *name;   /* what an operator accepts */
	const char *what;   /* he loses */
	const char *remedy; /* a sentence */
};
extern const struct weaker_point weaker_points[WEAKER_MAX_];

/* Are we root of a user namespace only, which our own account has made?  A container that
 * the machine's root has made is none. */
bool weaker_is_account(void);

/* Does the list name a point; WEAKER_MAX_: none of that name. */
enum weaker weaker_named(const char *name);

/* Fails with the first of the points in the mask (1 << enum weaker) that is not accepted.
 */
int weaker_check(unsigned mask, const struct words *accepted, struct err *e);

#endif
