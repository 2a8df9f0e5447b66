/*
 * recorder - the one process that writes the run log.
 *
 * A child of the master with no more rights than a worker.  It takes what workers hand
 * it, everything that waits in one transaction, and acknowledges each record when that is
 * committed.  It believes nothing that a worker says (store/record.h), and there is
 * nothing that a worker could ask of it but to append, and with a key that may, for pages
 * of the audit trail (clerk.h).  Between records it keeps the file within its bounds.
 */
#ifndef APP_RECORDER_H
#define APP_RECORDER_H

#include "app/ledger.h"
#include "app/prefork.h"

struct recorder_rules {
	struct ledger_rules ledger;
	const char *state; /* directory of the keys, borrowed */
};

/* Runs until SIGTERM, which the caller has blocked; then writes what waits.  Returns the
 * exit status. */
int recorder_run(const struct recorder_rules *rules, struct notice *notice,
    const struct prefork_link *link);

#endif
