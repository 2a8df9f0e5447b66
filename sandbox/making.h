/*
 * making - how one prepared file is made: the run of ours that compiles it, and the way
 * of what it leaves into the directory.
 */
#ifndef SANDBOX_MAKING_H
#define SANDBOX_MAKING_H

#include "sandbox/config.h"
#include "sandbox/job.h"
#include "sandbox/language.h"
#include "sandbox/library.h"

#define MAKING_BYTES_MAX (512ULL << 20) /* of one file */

/* Of this text as the source, with the options of a set; "": none.  The library goes with
 * it if the language asks for it.  The caller's. */
struct run *making_run(const struct config *config, const struct library *library,
    const struct language *l, const char *source, const char *set, struct err *e);

/* What that run leaves behind, and how much of it at most; file: as the language file
 * calls it. */
const char *making_artifact(const char *file, uint64_t *most);

/* Copies what a slot made of it into dir, as `name`: long work, to be done by a child. */
int making_store(
    int dir, const char *name, const char *file, int fd, bool is_tree, struct err *e);

#endif
