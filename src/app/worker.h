/*
 * worker - a child that answers requests: api.h behind http/fcgi.h, with its line to the
 * helper, its gate and its logbook.
 */
#ifndef APP_WORKER_H
#define APP_WORKER_H

#include "app/crew_config.h"
#include "app/prefork_calls.h"

/* In the child: until SIGTERM, or until it has answered as many as it should.  It gives
 * up what it may not need first.  draining: refuses, until the queue is empty.  Returns
 * the exit status. */
int worker_serve(struct crew_config *crew, const struct listener *l, bool draining,
    const struct prefork_link *link);

#endif
