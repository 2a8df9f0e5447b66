/*
 * retention - what keeps the run log within its bounds: of age, and of size.
 *
 * One wrong clock must not empty it.  Ages are reckoned up to a moment that is kept in
 * the log and follows the calendar by a day in an hour at most, of the time that the
 * service has run; and while it runs a calendar that leaps by more than an hour stops all
 * deleting for age until it is put right, or the next start.  What goes for its size goes
 * in the order in which it was written, whatever the clock was.
 *
 * For its size goes what is of the user who has most of it, of the key that has most; and
 * of the audit trail the older half, where that has more than half of all.  So nobody
 * makes room for himself at the expense of others.
 */
#ifndef APP_RETENTION_H
#define APP_RETENTION_H

#include <stdbool.h>
#include <stdint.h>

#include "store/db.h"

struct retention_rules {
	uint64_t keep_us;   /* jobs older than that go; 0: never */
	uint64_t max_bytes; /* the oldest go when there are more */
	uint64_t audit_keep_us;
};

/* Other clocks, for tests. */
struct retention_clock {
	int64_t (*wall_us)(void);  /* since 1970; somebody may set it */
	uint64_t (*boot_us)(void); /* since the machine was started; nobody can */
};

struct retention {
	const struct retention_rules *rules;
	const struct retention_clock *clock;
	uint64_t boot_us;         /* when ages were reckoned last */
	uint64_t audit_us;        /* when the audit trail is looked at again */
	int64_t aged, aged_saved; /* up to this moment */
	bool aged_known;
	uint64_t journal_us; /* when it may be told again that it cannot begin anew */
	uint64_t pruned;     /* jobs deleted that no record tells of yet */
	int64_t clock_gap;   /* the calendar's distance from the time since boot */
	bool clock_doubted;  /* and told */
};

/* clock: NULL is the machine's. */
void retention_start(struct retention *r, const struct retention_rules *rules,
    const struct retention_clock *clock);

/* A round of deleting, over at until_us of clock.h: there may be more to do. */
int retention_tidy(struct retention *r, struct db *d, uint64_t until_us, struct err *e);

/* The hard bound was reached before tidying was: some go at once.  Returns how
 * many. */
int retention_make_room(struct retention *r, struct db *d, struct err *e);

/* That jobs were deleted, and violations only counted, stands in the trail: once an hour,
 * and when this is called. */
int retention_tell(struct retention *r, struct db *d, struct err *e);

#endif
