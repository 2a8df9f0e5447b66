/*
 * confine - what a worker gives up before it reads the first byte of a client.
 *
 * It may read, write, wait and count on descriptors it has, take connections from its
 * listening socket and ask its master for one to the helper (broker.h).  A program, a
 * process, a socket, another's memory: who calls for one of these was taken over, and the
 * kernel ends it; the master says so and starts another.  Whatever else no list names
 * fails with EPERM.  Files cannot be opened, but those of memory, where the kernel has
 * Landlock; without it no file can be opened for writing.
 */
#ifndef APP_CONFINE_H
#define APP_CONFINE_H

#include <linux/filter.h>
#include <stdbool.h>

#include "base/err.h"

#define CONFINE_FILES_MAX 8
#define CONFINE_CODE_MAX  512

/* A worker's filter as the kernel takes it.  Making one takes longer than all else that a
 * worker does before it serves, and memory that never quite comes back, so its master
 * makes it once. */
struct confine_program {
	unsigned short len, process_at;
	struct sock_filter code[CONFINE_CODE_MAX];
};

/* files: for one that confine is given files with. */
int confine_write(bool files, struct confine_program *out, struct err *e);

/* files: those that may be opened again, locked and written all the same (a database's),
 * as far as they are there; a path NULL ends them, files NULL: none.  Needs no_new_privs;
 * there is no way back. */
int confine(
    const char *const *files, const struct confine_program *program, struct err *e);

/* For a process that keeps files of its own in order and reads what workers hand it: what
 * ends a worker ends it, too, and all else stays. */
int confine_lightly(struct err *e);

#endif
