/*
 * artifact - takes what a compiler made out of /work, after its box is dead.
 *
 * The one place that opens files in a directory which a box could write.  Nothing is
 * believed: openat2(2) beneath /work without links, magic links or other mounts, then
 * fstat: a regular file, one name, the box's own, not too large; then copied.
 */
#ifndef SANDBOX_ARTIFACT_H
#define SANDBOX_ARTIFACT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* name "main": one file, returned as a memory file.  name "out/": the files below it,
 * returned as a bundle, *is_tree true.  ERR_BAD_INPUT if the compiler left nothing that
 * fits.  Not sealed: the helper makes its own copy, whose memory is charged to it and not
 * to the slot, and seals that. */
int artifact_take(const char *name, uint64_t max_bytes, bool *is_tree, struct err *e);

/* An executable copy, in a memory file, of the first size bytes of fd. */
int artifact_copy(int fd, uint64_t size, struct err *e);

#endif
