/*
 * mounts - what a box sees of the machine: a root of its own, built by the slot inside
 * its own user and mount namespace on an empty tmpfs.
 *
 *   /usr (without /usr/local), /bin /lib … as the host links them     read-only
 *   /etc: passwd, group, nsswitch.conf made here; ld.so.cache, alternatives, and what
 *         language files name, from the host                          read-only
 *   /prepared: files that make compilers faster, of the helper's    read-only
 *   /dev: null zero full random urandom                               nothing else
 *   /work: a tmpfs; /tmp and /dev/shm point to it                     the one writable
 * place no /proc, no /sys
 */
#ifndef SANDBOX_MOUNTS_H
#define SANDBOX_MOUNTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/words.h"

/* Builds the root and moves into it.  Everything but /work is read-only afterwards.
 * prepared: shows the working directory, too, as INNER_PREPARED_DIR. */
int mounts_build_root(const struct words *paths, bool prepared, struct err *e);

/* Replaces /work by a new tmpfs holding the files of a bundle (-1: none), read-only and
 * not the box's own, and marks it untouched.  bytes and inodes are the box's own. */
int mounts_new_work(int bundle, uint64_t bytes, unsigned inodes, struct err *e);
/* For a box that runs nobody's program, and makes images or prepared files: a library of
 * ours may be loaded from there. */
int mounts_allow_libraries(struct err *e);
/* Its memory is free when this returns (of a last process it would be a moment later). */
int mounts_drop_work(struct err *e);

/* Has nobody created, removed or renamed anything in /work since it was made?  A box
 * cannot set the times of a directory that it does not own (utimensat(2)). */
bool mounts_work_untouched(void);

#endif
