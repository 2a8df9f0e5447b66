/*
 * dispatch - who runs next, and where.
 *
 * Every free slot goes to the session whose turn it is (share.h); inside a session runs
 * go in the order they came.  A slot that holds a job's files stays with it for a moment
 * longer than its turn is, if it has more to run, and is preferred otherwise.
 *
 * Runs cannot be stopped and gone on with, so somebody could hold all slots for as long
 * as his wall limit is.  Once no run that could make room for others is a new one, a
 * newcomer gets a spare slot: a key or a user that has nothing running (share.h).  Spare
 * slots are made when they are needed, and go when they were idle for long.  As they take
 * processor time from the others, they are for nobody else: a rush of short runs never
 * sees one.
 *
 * A job that would wait for longer than the site allows is refused when it comes: how
 * long is predicted from what runs of its language and limits took of late (pace.h) and
 * from its own share of the slots.
 *
 * A compile whose artifact is in the cache is answered at once.  One whose twin is being
 * compiled waits for it, and takes its turn only if nothing comes of that.
 */
#ifndef SANDBOX_DISPATCH_H
#define SANDBOX_DISPATCH_H

#include "sandbox/admission.h"
#include "sandbox/fleet.h"
#include "sandbox/forecast.h"
#include "sandbox/session.h"
#include "sandbox/share.h"
#include "sandbox/twins.h"

/* Twice as many as workers may be: at a reload there are an old and a new crew. */
#define DISPATCH_SESSIONS_MAX 2048

struct dispatch {
	struct slot_host *slot_host; /* borrowed */
	struct session_host sessions_host;
	struct fleet fleet;
	uint64_t newcomer_us;     /* when to look for one; UINT64_MAX: no need */
	struct session *sessions; /* owned, doubly linked */
	unsigned nsessions;
	struct share *share;                      /* owned */
	struct link waiting;                      /* all runs that wait */
	struct session *holder[CONFIG_SLOTS_MAX]; /* whose files lie in a slot's /work */
	struct admission admission;
	bool filling; /* fill_slots is at work further up the stack */
	struct twins twins;
	struct forecast forecast;
	struct err last_fault; /* of a slot; code ERR_NONE once one came up again */
};

/* nall: with the spare slots, which are not started. */
int dispatch_start(struct dispatch *d, struct slot_host *host,
    const struct languages *languages, struct cache *cache, unsigned nslots,
    unsigned nall, struct err *e);
void dispatch_end(struct dispatch *d);

int dispatch_connect(struct dispatch *d, int sock, struct err *e);

/* The loop may sleep that long; then dispatch_check looks for what is overdue. */
int dispatch_timeout_ms(const struct dispatch *d);
void dispatch_check(struct dispatch *d);

#endif
