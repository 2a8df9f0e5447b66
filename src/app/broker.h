/*
 * broker - how a worker that may make no socket gets a connection to the helper: it asks
 * the master over its own line, and the master connects and passes the descriptor.
 *
 * The master does nothing else for a worker, never waits for one, and reads nothing from
 * it but a number, which it sends back.  A worker that asks too often gets an error.
 *
 * The first connection a worker finds on its line already: when a crowd comes hundreds of
 * workers would ask in the same moment, each with a request in its hands, and the master
 * is busy forking.
 */
#ifndef APP_BROKER_H
#define APP_BROKER_H

#include <stdint.h>

#include "base/err.h"
#include "box/box.h"

#define BROKER_PER_SECOND 1000 /* questions of one worker that are answered */

/* What the master remembers of a line; zeroed at first. */
struct broker_pace {
	uint64_t second;
	unsigned asked;
};

/* [0] is the master's end, which never blocks and raises SIGIO; [1] the worker's. */
int broker_pair(int line[2], struct err *e);

/* In the master, before the worker is there.  Where there is no helper it asks later. */
void broker_give(int line, const char *path);

/* In the master: answers what waits on the line by connecting to `path`. */
void broker_answer(int line, struct broker_pace *pace, const char *path);

/* In a worker: box_door.dial, door->line being its end. */
int broker_dial(const struct box_door *door, struct err *e);

#endif
