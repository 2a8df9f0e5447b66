/*
 * child - the two processes of a box: its PID 1, a tiny init, and the program, PID 2.
 *
 * Both start in the launcher's memory (CLONE_VM) on stacks of their own: no page table
 * is copied.  Init stays there for the life of the box and runs nothing but the code in
 * child.c; the program leaves it with execve(2).  Neither may use libc's errno or any
 * lock, see raw.h.
 */
#ifndef SANDBOX_CHILD_H
#define SANDBOX_CHILD_H

#include <stdbool.h>
#include <sys/resource.h>

#include "sandbox/wire/wire.h"

enum child_step {
	CHILD_STEP_NONE,
	CHILD_STEP_CLONE,
	CHILD_STEP_SESSION,
	CHILD_STEP_STDIO,
	CHILD_STEP_OOM_SCORE,
	CHILD_STEP_RLIMITS,
	CHILD_STEP_CHDIR,
	CHILD_STEP_CREDS,
	CHILD_STEP_CLOSE,
	CHILD_STEP_EXEC,
	CHILD_STEP_MAX_,
};

/* What the launcher tells the children, and what they tell it.  One at a time. */
struct child {
	/* set before the start */
	const char **argv, **envp;
	int program; /* executed if >= 0, else argv[0] is a path */
	int in, out, err;
	int proc;     /* the host's /proc, to write one's own oom_score_adj */
	bool thaws;   /* program is a frozen argv[0]; that itself, should it not start */
	bool freezes; /* no user's program: it may look at its own mappings in proc */
	struct wire_limits limits;

	/* read after the end */
	volatile int failed_step; /* enum child_step */
	volatile int error;       /* errno of it */
	volatile bool ended;      /* status and usage are the program's */
	volatile int status;      /* as wait4(2) gives it */
	struct rusage usage;
};

/* Starts the box; returns the pid of init and a descriptor for it, or -1 and errno. */
long child_start(struct child *c, int *pidfd);

const char *child_step_name(int step);

#endif
