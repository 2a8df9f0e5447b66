/*
 * kept - folders of root's with files that a box made once, and the digest they had then.
 *
 * No box can write here, and no link is followed.  A folder bears its name when it is
 * whole, and not before.
 */
#ifndef SANDBOX_KEPT_H
#define SANDBOX_KEPT_H

#include <stdint.h>

#include "base/err.h"
#include "sandbox/digest.h"
#include "sandbox/wire/bundle.h"

/* Who touches a file, or adds or takes one, changes this. */
struct kept_mark {
	struct digest digest;
	uint64_t bytes;
};

/* Files of a descriptor, one behind the other or not: copies them. */
int kept_store(int dir, const char *name, int fd, const struct bundle_entry *files,
    uint32_t count, struct err *e);
/* Fails if it is not there, too. */
int kept_look(int dir, const char *name, struct kept_mark *out, struct err *e);
/* Reads all of it: are its bytes what they were, and root's alone to change? */
int kept_check(int dir, const char *name, struct err *e);
void kept_remove(int dir, const char *name);

#endif
