/*
 * seccomp - the filters of all classes, built once from profiles/NAME.syscalls.
 * The one door to libseccomp; what slots get is finished BPF in a sealed memory file.
 */
#ifndef SANDBOX_SECCOMP_H
#define SANDBOX_SECCOMP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum seccomp_class {
	CLASS_NATIVE,
	CLASS_PYTHON,
	CLASS_NODE,
	CLASS_JVM,
	CLASS_GO,
	CLASS_SCRIPT,
	CLASS_COMPILER,
	CLASS_JAVAC,
	CLASS_GOBUILD,
	CLASS_MAX_,
};

const char *seccomp_class_name(enum seccomp_class c);
/* -1: no such class. */
int seccomp_class_of(const char *name);

/* "ptrace"; a foreign one has no name worth guessing: "foreign call 11". */
void seccomp_call_name(int nr, bool foreign, char *out, size_t size);

/* Index of a class's filter in the file; fork: processes, or threads only. */
unsigned seccomp_filter_index(enum seccomp_class c, bool fork);
#define SECCOMP_FILTERS (2 * CLASS_MAX_)

/* Reads the profiles in dir; returns the sealed file (inner.h: struct inner_filters). */
int seccomp_build_all(const char *dir, struct err *e);

/*
 * The helper's own filter, from start to end.  Slots and boxes inherit it, so it denies
 * only what none of them may do either, and by an action that yields to every other
 * (SECCOMP_RET_TRACE without a tracer: ENOSYS): a box's own filter keeps the last word,
 * and its tripwires are reported as before.
 */
int seccomp_guard_helper(struct err *e);

/* One filter as text, for `--export-filter`: libseccomp's PFC. */
int seccomp_export_text(
    const char *dir, const char *name, bool fork, int fd, struct err *e);

#endif
