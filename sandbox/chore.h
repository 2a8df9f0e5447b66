/*
 * chore - work on many bytes, done by a short-lived child so that the loop goes on.
 *
 * The child inherits memory as it was, has only the descriptors it is given, and ends
 * with us.  What it returns are an error and descriptors.  One chore per struct at a
 * time; zeroed memory is one that does nothing.
 */
#ifndef SANDBOX_CHORE_H
#define SANDBOX_CHORE_H

#include <sys/types.h>

#include "base/err.h"
#include "sandbox/loop.h"

#define CHORE_KEEP 4
#define CHORE_MADE 2

struct chore;

/* In the child.  made[] is all -1; what is set there is passed to the parent. */
typedef int chore_work(void *arg, int made[CHORE_MADE], struct err *e);
/* In the parent.  why->code is ERR_NONE when all went well; made[] is the callee's. */
typedef void chore_done(void *owner, const struct err *why, int made[CHORE_MADE]);

struct chore {
	struct loop *loop; /* borrowed; NULL: nothing is being done */
	struct watcher answer;
	pid_t pid;
	chore_done *done; /* the owner's to set before it starts */
	void *owner;
};

/* keep: the descriptors that work needs, -1 for none. */
int chore_start(struct chore *c, struct loop *loop, chore_work *work, void *arg,
    const int keep[CHORE_KEEP], struct err *e);
/* Drops it, whatever it is at; done is not called. */
void chore_end(struct chore *c);

#endif
