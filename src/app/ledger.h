/*
 * ledger - the run log as the one process that writes it has it: opened, broken, opened
 * again, kept within its bounds, and how it is told to everybody.
 */
#ifndef APP_LEDGER_H
#define APP_LEDGER_H

#include "app/retention.h"
#include "store/flag.h"
#include "store/notice.h"
#include "store/record.h"

struct ledger_rules {
	const char *store; /* directory, borrowed */
	struct retention_rules keep;
	uint64_t min_free; /* of the file system; below it nothing is written */
	struct flag_rule flag;
};

struct ledger {
	const struct ledger_rules *rules;
	struct notice *notice;
	struct db *db; /* owned; NULL: out of order */
	struct retention retention;
	char kernel[128];
	uint64_t reopen_us, complain_us;
	uint64_t db_version; /* changes when an administrator wrote */
	bool flags_stale;    /* somebody was flagged: count again */
};

struct ledger_entry {
	struct record record;
	bool stored;
};

/* What cannot be opened now is tried again; both are borrowed. */
void ledger_open(
    struct ledger *l, const struct ledger_rules *rules, struct notice *notice);
void ledger_close(struct ledger *l);

/* All in one transaction; if that fails, each in its own: one that cannot be written
 * must not take the others along.  `stored` says which were. */
void ledger_write(struct ledger *l, struct ledger_entry *entries, unsigned n);

/* A round of keeping it within its bounds; some ten milliseconds at most. */
void ledger_tidy(struct ledger *l);

/* Nobody has written anything for a while. */
void ledger_rest(struct ledger *l);

/* Counts and tells that something went wrong. */
void ledger_complain(struct ledger *l, const struct err *e);

#define LEDGER_START "service_start"
#define LEDGER_STOP  "service_stop"

/* Before anything is forked, and when all have ended: makes or migrates the file, looks
 * whether it is well, adds a record of `kind`.  Fails where the service must not start;
 * what may pass by itself, such as a full disk, is only told to the notice.  *off: there
 * is no such directory, so nothing is logged. */
int ledger_prepare(const struct ledger_rules *rules, const char *kind,
    struct notice *notice, bool *off, struct err *e);

#endif
