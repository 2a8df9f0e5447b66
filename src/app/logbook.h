/*
 * logbook - a worker's way to the run log: hands each answered job to the recorder and
 * waits, not longer than it may, until the recorder says that it is written.
 */
#ifndef APP_LOGBOOK_H
#define APP_LOGBOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "model/answered.h"
#include "model/problem.h"
#include "store/notice.h"
#include "store/record.h"

struct logbook {
	int fd;           /* to the recorder, borrowed; -1: nothing is logged */
	uint64_t wait_ms; /* for the recorder */
	bool required;    /* no answer without a record */
	bool block_flagged;
	struct record_wish wish;
	struct notice *notice; /* shared, borrowed */
	uint64_t number;       /* of the last record or question */
	bool late;             /* it was not written in time */
};

/* 0: it is written, or the service goes on without it.  -1: the answer must not be sent.
 */
int logbook_write(struct logbook *b, const struct answered *a, struct problem *p);

/* A page of the audit trail; lines gets its records, each with its \n. */
int logbook_ask(struct logbook *b, const struct inquiry *q, struct inquiry_page *page,
    struct buf *lines, struct problem *p);

/* Must this user's jobs be refused? */
bool logbook_blocks(const struct logbook *b, const char *key, const char *user);

/* "ok", "degraded" or "off". */
const char *logbook_state(const struct logbook *b);

#endif
