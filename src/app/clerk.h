/*
 * clerk - answers what workers ask about the audit trail, beside the recorder's own work.
 *
 * Nobody gets an answer who does not show a key that may read it: a worker that was taken
 * over has only those keys that came by it.  A page takes a few milliseconds, in which no
 * record is written, so pages get a fifth of the time at most, and wait for it here.
 */
#ifndef APP_CLERK_H
#define APP_CLERK_H

#include "store/db.h"
#include "store/record.h"

#define CLERK_WAITING 32

struct clerk {
	char keys[300]; /* the path of the keys */
	struct clerk_question {
		int fd; /* of the worker, borrowed */
		uint64_t number;
		struct inquiry inquiry;
	} waiting[CLERK_WAITING];
	unsigned n;
	uint64_t rest_us; /* until then it is records' turn */
};

void clerk_start(struct clerk *c, const char *state);

/* A message of a worker that is a question; answers at once if there are too many. */
int clerk_take(struct clerk *c, int fd, const void *message, size_t len, struct err *e);

/* Answers one if it is time.  d: NULL is out of order. */
void clerk_turn(struct clerk *c, struct db *d);

/* When it wants a turn; UINT64_MAX: not before somebody asks. */
uint64_t clerk_due_us(const struct clerk *c);

/* The worker has gone. */
void clerk_forget(struct clerk *c, int fd);
/* Who waits shall ask again: somebody else. */
void clerk_end(struct clerk *c);

#endif
