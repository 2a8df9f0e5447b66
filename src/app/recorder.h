/*
 * recorder - the one process that writes the run log.
 *
 * A child of the master with no more rights than a worker.  It takes what workers hand
 * it, everything that waits in one transaction, and acknowledges each record when that is
 * committed.  It believes nothing that a worker says (store/record.h), and there is
 * nothing that a worker could ask of it but to append.  Between records it keeps the
 * file within its bounds.
 */
#ifndef APP_RECORDER_H
#define APP_RECORDER_H

#include "app/prefork.h"
#include "store/audit.h"
#include "store/notice.h"

struct recorder_rules {
	const char *store;  /* directory, borrowed */
	uint64_t keep_us;   /* jobs older than that go; 0: never */
	uint64_t max_bytes; /* the oldest go when there are more */
	uint64_t min_free;  /* of the file system; below it nothing is written */
	uint64_t audit_keep_us;
	struct audit_flag_rule flag;
};

/* Runs until SIGTERM, which the caller has blocked; then writes what waits.  Returns the
 * exit status. */
int recorder_run(const struct recorder_rules *rules, struct notice *notice,
    const struct prefork_link *link);

#define RECORDER_START "service_start"
#define RECORDER_STOP  "service_stop"

/* Before anything is forked, and when all have ended: makes or migrates the file, looks
 * whether it is well, adds a record of `kind`.  Fails where the service must not start;
 * what may pass by itself, such as a full disk, is only told to the notice.  *off: there
 * is no such directory, so nothing is logged. */
int recorder_prepare(const struct recorder_rules *rules, const char *kind,
    struct notice *notice, bool *off, struct err *e);

#endif
