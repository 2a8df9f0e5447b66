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

#include "app/prefork_calls.h"

/* To be called before anything takes time: a signal that comes during the start then
 * waits for prefork_run instead of ending the process. */
int prefork_hold_signals(struct err *e);

/* Runs until SIGTERM or SIGINT has drained it; signals are held.  Takes
 * `first`, the crew to begin with. */
int prefork_run(const struct prefork_calls *calls, void *ctx, void *first,
    const struct listener *l, struct err *e);

#endif
