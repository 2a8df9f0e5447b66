/*
 * prefork_calls - what the master asks of the program that it leads, and what a child of
 * it is told.
 */
#ifndef APP_PREFORK_CALLS_H
#define APP_PREFORK_CALLS_H

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
	/* Reads the configuration, a crew that is the master's; NULL and *e if it is not
	 * good. */
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

#endif
