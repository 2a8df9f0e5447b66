/*
 * prefork - the master: keeps workers alive, reloads, drains.
 *
 * It forks, waits and signals, and that is all: no request, no library that a request
 * could reach.  A crew is what one reading of the configuration gave; workers of an old
 * crew finish their request and go, those of the new are already there.  How many there
 * are is crowd.h's to say.
 */
#ifndef APP_PREFORK_H
#define APP_PREFORK_H

#include <stdbool.h>
#include <stdint.h>

#include "app/crowd.h"
#include "base/err.h"
#include "http/listen.h"

enum prefork_role {
	PREFORK_SERVE,  /* answers requests */
	PREFORK_REFUSE, /* while we drain: says so, to all that still come */
	PREFORK_ONCE,   /* one per crew: finds out what takes too long for the start */
	PREFORK_RECORD, /* one, if the crew wants it: writes down what workers hand it */
};

/*
 * What a child has of its family.  How workers reach the recorder: each has a socket of
 * its own (SOCK_SEQPACKET, not blocking), made before it was forked.  The master keeps
 * the other end and hands it to every recorder there will be, so a worker's socket
 * outlives its recorder, with all that waits in it.
 */
struct prefork_link {
	int fd; /* SERVE: to the recorder, or -1.  RECORD: where ends of workers that are
		 * forked later come from, each with a byte; its end of file is ours */
	const int *ends; /* RECORD: of the workers that there are, all owned */
	unsigned n;
	int master; /* where a worker asks for a connection to the helper, see broker.h */
	struct crowd *crowd; /* SERVE: where it says that it has a request in hand, … */
	unsigned place;      /* … and as whom */
};

struct prefork_calls {
	/* Reads the configuration; NULL and *e if it is not good.  Owned by the master.
	 */
	void *(*load)(void *ctx, struct err *e);
	void (*unload)(void *crew);
	/* Asked again whenever something happens, so it may depend on what ONCE found. */
	struct crowd_bounds (*bounds)(const void *crew);
	uint64_t (*drain_ms)(const void *crew);
	/* The path of the helper's socket, to which workers are connected. */
	const char *(*helper)(const void *crew);
	/* In the child.  SIGTERM is blocked and means: go when it suits.  Returns the
	 * exit status; 0 is a retirement, anything else a death. */
	int (*work)(void *crew, const struct listener *l, enum prefork_role role,
	    const struct prefork_link *link);
	bool (*records)(const void *crew); /* does it want a recorder?  NULL: no */
};

/* To be called before anything takes time: a signal that comes during the start then
 * waits for prefork_run instead of ending the process. */
int prefork_hold_signals(struct err *e);

/* Runs until SIGTERM or SIGINT has drained it; signals are held.  Takes
 * `first`, the crew to begin with. */
int prefork_run(const struct prefork_calls *calls, void *ctx, void *first,
    const struct listener *l, struct err *e);

#endif
