/*
 * toolchain - what shows whether a compiler is still the same: files that change with
 * every update of it, its headers or its libraries.
 */
#ifndef SANDBOX_TOOLCHAIN_H
#define SANDBOX_TOOLCHAIN_H

#include "sandbox/language.h"

#define TOOLCHAIN_FILES LANGUAGE_OF_MAX

/* Without holes: it is compared and hashed as it lies.  Of a file that is not there:
 * zeros. */
struct toolchain {
	struct {
		uint64_t device, inode, size, seconds, nanoseconds;
	} file[TOOLCHAIN_FILES];
};

void toolchain_look(const struct language *l, struct toolchain *out);
/* The same, as far as prepared files are concerned. */
void toolchain_look_prepared(const struct language *l, struct toolchain *out);

#endif
