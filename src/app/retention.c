#include "app/retention.h"

#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/when.h"
#include "observe/metrics.h"
#include "store/audit.h"
#include "store/omitted.h"
#include "store/prune.h"
#include "store/runs.h"

#define TIDY_JOBS        20            /* deleted in one transaction */
#define ROOM_JOBS        200           /* deleted at once where there is no room left */
#define AUDIT_US         3600000000ULL /* between two retentions of the audit trail */
#define CLOCK_LEAP_US    3600000000LL  /* more is no correction */
#define DAY_US           86400000000LL
#define CATCH_UP         24           /* a day in an hour */
#define CATCH_UP_TOLD_US (7 * DAY_US) /* more is worth a line */
#define AGED_SAVE_US     60000000LL
#define JOURNAL_BYTES    (16U << 20)
#define JOURNAL_TOLD_US  60000000LL /* between two lines about it */
#define SHRINK_BYTES     (4U << 20)

static uint64_t
boot_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static const struct retention_clock real_clock = { when_now, boot_us };

/* Deletes some of the oldest jobs.  Returns how many. */
static int
drop_aged(struct retention *r, struct db *d, int64_t before, struct err *e)
{
	scope_transaction t = { 0 };

	if (db_begin(d, &t, e) == -1)
		return -1;
	int gone = prune_old(d, before, TIDY_JOBS, e);
	if (gone == -1 || db_commit(&t, e) == -1)
		return -1;
	r->pruned += (uint64_t)gone;
	return gone;
}

/* The same of those who have most. */
static int
drop_largest(struct retention *r, struct db *d, unsigned batch, struct err *e)
{
	scope_transaction t = { 0 };

	if (db_begin(d, &t, e) == -1)
		return -1;
	int gone = prune_largest(d, batch, e);
	if (gone == -1 || db_commit(&t, e) == -1)
		return -1;
	r->pruned += (uint64_t)gone;
	return gone;
}

/* Half of the log is for jobs, whatever programs do to fill the trail. */
static int
tidy_trail(const struct retention *r, struct db *d, struct err *e)
{
	uint64_t bytes = 0;
	int removed = 1;

	while (removed > 0) {
		if (audit_bytes(d, &bytes, e) == -1)
			return -1;
		if (bytes <= r->rules->max_bytes / 2)
			return 0;
		removed = audit_halve(d, e);
	}
	return removed;
}

/* Somebody who reads one thing for long keeps the journal from beginning anew. */
static int
tidy_journal(struct retention *r, struct db *d, struct err *e)
{
	struct db_space space;
	bool done = true;

	if (db_trim(d, JOURNAL_BYTES, &done, e) == -1)
		return -1;
	if (done || r->clock->boot_us() < r->journal_us)
		return 0;
	if (db_size(d, &space, e) == -1)
		return -1;
	r->journal_us = r->clock->boot_us() + JOURNAL_TOLD_US;
	log_warn(
	    "run log: its journal has %llu MiB, and cannot begin anew while somebody "
	    "reads the log: end that (a backup, a check, an sqlite3 that waits?)",
	    (unsigned long long)space.journal >> 20);
	return 0;
}

/* A tenth of the bound is left free, so that writing need not wait for deleting. */
static int
tidy_size(struct retention *r, struct db *d, uint64_t until_us, struct err *e)
{
	uint64_t soft = r->rules->max_bytes / 10 * 9;
	struct db_space space = { 0 };
	int gone = -1;

	for (;;) {
		if (db_size(d, &space, e) == -1)
			return -1;
		metrics_set(METRIC_STORE_SIZE, space.disk);
		if (space.used <= soft || clock_us() >= until_us)
			break;
		if (gone == 0)
			return audit_halve(d, e); /* no job is left */
		if (gone == -1 && tidy_trail(r, d, e) == -1)
			return -1;
		gone = drop_largest(r, d, TIDY_JOBS, e);
		if (gone == -1)
			return -1;
	}
	return space.unused > r->rules->max_bytes / 8 ? db_shrink(d, SHRINK_BYTES, e) : 0;
}

int
retention_tell(struct retention *r, struct db *d, struct err *e)
{
	char detail[64];
	struct audit_entry a = {
		.number = -1, .test = -1, .kind = "log_retention", .detail = detail
	};

	if (omitted_tell(d, e) == -1)
		return -1;
	if (r->pruned == 0)
		return 0;
	snprintf(detail, sizeof(detail), "%llu of the oldest jobs",
	    (unsigned long long)r->pruned);
	if (audit_add(d, &a, e) == -1)
		return -1;
	r->pruned = 0;
	return 0;
}

static int64_t
clock_gap(const struct retention *r)
{
	return r->clock->wall_us() - (int64_t)r->clock->boot_us();
}

/* Nobody corrects a calendar by so much. */
static bool
clock_is_steady(struct retention *r)
{
	int64_t leap = clock_gap(r) - r->clock_gap;
	bool steady = leap > -CLOCK_LEAP_US && leap < CLOCK_LEAP_US;

	if (!steady && !r->clock_doubted)
		log_warn("run log: the clock leapt by %lld s: nothing is deleted for its "
			 "age until it is put right, or a reload",
		    (long long)(leap / 1000000));
	r->clock_doubted = !steady;
	return steady;
}

static int
read_aged(struct retention *r, struct db *d, int64_t now, struct err *e)
{
	int rc = r->aged_known ? 0 : prune_moment(d, &r->aged, e);

	if (rc == -1 || r->aged_known)
		return rc;
	if (rc == 0)
		r->aged = now;
	if (now - r->aged > CATCH_UP_TOLD_US)
		log_warn(
		    "run log: the clock is %lld days ahead of what the log has seen: "
		    "records go for their age by a day in an hour",
		    (long long)((now - r->aged) / DAY_US));
	r->aged_known = true;
	return 0;
}

/* The calendar is believed only as far as time has passed. */
static int
go_on(struct retention *r, struct db *d, int64_t now, struct err *e)
{
	uint64_t boot = r->clock->boot_us();
	int64_t most = (int64_t)(boot - r->boot_us) * CATCH_UP;

	r->boot_us = boot;
	if (read_aged(r, d, now, e) == -1)
		return -1;
	if (now > r->aged)
		r->aged += now - r->aged < most ? now - r->aged : most;
	if (r->aged - r->aged_saved < AGED_SAVE_US)
		return 0;
	r->aged_saved = r->aged;
	return prune_set_moment(d, r->aged, e);
}

static int
tidy_ages(struct retention *r, struct db *d, uint64_t until_us, struct err *e)
{
	int64_t now = r->clock->wall_us();
	int gone = r->rules->keep_us != 0 ? TIDY_JOBS : 0;

	if (!clock_is_steady(r)) {
		r->boot_us = r->clock->boot_us(); /* this time does not count */
		return 0;
	}
	if (go_on(r, d, now, e) == -1)
		return -1;
	now = now < r->aged ? now : r->aged;
	while (gone == TIDY_JOBS && clock_us() < until_us)
		gone = drop_aged(r, d, now - (int64_t)r->rules->keep_us, e);
	if (gone == -1)
		return -1;
	if (r->boot_us < r->audit_us)
		return 0;
	r->audit_us = r->boot_us + AUDIT_US;
	if (retention_tell(r, d, e) == -1)
		return -1;
	if (r->rules->audit_keep_us == 0)
		return 0;
	return audit_prune(d, now - (int64_t)r->rules->audit_keep_us, e);
}

/* Where the disk is full of other things, deleting what we have would help nobody. */
int
retention_make_room(struct retention *r, struct db *d, struct err *e)
{
	struct db_space space = { 0 };

	if (db_size(d, &space, e) == -1)
		return -1;
	return space.used < r->rules->max_bytes / 4 * 3
		   ? 0
		   : drop_largest(r, d, ROOM_JOBS, e);
}

void
retention_start(struct retention *r, const struct retention_rules *rules,
    const struct retention_clock *clock)
{
	*r = (struct retention){ .rules = rules,
		.clock = clock != NULL ? clock : &real_clock };
	r->clock_gap = clock_gap(r);
	r->boot_us = r->clock->boot_us();
}

int
retention_tidy(struct retention *r, struct db *d, uint64_t until_us, struct err *e)
{
	return tidy_journal(r, d, e) == -1 || tidy_size(r, d, until_us, e) == -1 ||
		       tidy_ages(r, d, until_us, e) == -1
		   ? -1
		   : 0;
}
