/*
 * dispatch - who runs next, and where.
 *
 * Sessions with waiting runs take turns at every free slot; inside a session runs go in
 * the order they came.  A slot that already holds the job's files is preferred.
 *
 * A compile whose artifact is in the cache is answered at once.  One whose twin is being
 * compiled waits for it, and takes its turn only if nothing comes of that.
 */
#ifndef SANDBOX_DISPATCH_H
#define SANDBOX_DISPATCH_H

#include "sandbox/session.h"
#include "sandbox/slot.h"
#include "sandbox/twins.h"

#define DISPATCH_SESSIONS_MAX 1024

/* How long runs of a language took of late, smoothed; 0: none yet. */
struct pace {
	uint64_t test_us, compile_us;
};

struct dispatch {
	struct slot_host *slot_host; /* borrowed */
	struct session_host sessions_host;
	struct slot slots[CONFIG_SLOTS_MAX];
	unsigned nslots;
	struct session *sessions; /* owned, doubly linked */
	unsigned nsessions;
	uint64_t refused;     /* jobs, since the start */
	struct session *turn; /* whose turn it is next; NULL: the first */
	bool filling;         /* fill_slots is at work further up the stack */
	struct twins twins;
	struct pace pace[LANGUAGES_MAX]; /* by language */
	struct err last_fault; /* of a slot; code ERR_NONE once one came up again */
};

int dispatch_start(struct dispatch *d, struct slot_host *host,
    const struct languages *languages, struct cache *cache, unsigned nslots,
    struct err *e);
void dispatch_end(struct dispatch *d);

int dispatch_connect(struct dispatch *d, int sock, struct err *e);
unsigned dispatch_ready_slots(const struct dispatch *d);

/* The loop may sleep that long; then dispatch_check looks for what is overdue. */
int dispatch_timeout_ms(const struct dispatch *d);
void dispatch_check(struct dispatch *d);

#endif
