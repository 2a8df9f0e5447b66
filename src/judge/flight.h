/*
 * flight - the runs of one job that are in the air, and the loop that waits for them.
 *
 * A struct judging is one job being judged; run.c decides what is to fly and what a
 * landing means for the whole, flight.c how it is flown, settle.c what came of it.
 */
#ifndef JUDGE_FLIGHT_H
#define JUDGE_FLIGHT_H

#include "judge/judge.h"
#include "judge/stream.h"

#define FLIGHT_COMPILE UINT32_MAX /* in place of the index of a test */

enum item_state { ITEM_WAITING, ITEM_FLYING, ITEM_DONE };

/* The compile step or a test: where it stands and how often the machinery failed it. */
struct item {
	enum item_state state;
	unsigned faults; /* boxes that could not be built */
	unsigned losses; /* helpers that went away with it */
};

struct flight {
	uint32_t tag;
	uint32_t test; /* or FLIGHT_COMPILE */
	bool killed;
	bool cancelled;
	struct tap out, err;
};

struct judging {
	const struct job *job;
	const struct lang *lang;
	const struct site *site;
	const char *helper_path;
	int client_fd;
	struct result *r;

	struct box *box; /* owned; NULL between connections */
	uint32_t next_tag;
	struct flight air[BOX_PENDING_MAX];
	unsigned nair;

	struct item compile;
	struct item *tests; /* [r->ntests], owned */
	unsigned first;     /* no test before it is waiting */
	unsigned stop;      /* stopOnFailure: the first failed test; ntests: none */
	bool started;       /* something of this job ran, or may have */
	bool compiled_once;
	uint64_t kept; /* bytes of all streams of the answer so far */
};

/* How a stretch of judging ended. */
enum leave {
	LEAVE_NOT,     /* it goes on */
	LEAVE_LOST,    /* the connection broke; another may help */
	LEAVE_AWAY,    /* there is no helper to be had */
	LEAVE_BUSY,    /* the helper's queue is full */
	LEAVE_REFUSED, /* the helper does not want this job */
	LEAVE_GONE,    /* the client went away */
};

struct item *flight_item(struct judging *j, uint32_t test);

enum leave flight_start(struct judging *j, uint32_t test, struct err *e);
/* Waits for one round of events and deals with them. */
enum leave flight_step(struct judging *j, struct err *e);
/* Waits ms for nothing but the client to leave. */
enum leave flight_pause(const struct judging *j, int ms);
/* The connection is gone: whatever flew has to fly again, or is lost for good. */
void flight_lose_all(struct judging *j, const struct err *why);
/* Kills what flies behind the first failed test. */
int flight_cancel(struct judging *j, struct err *e);

/* The helper will not take what the compiler made (too large, not there): that is the
 * student's doing, unlike a box that failed. */
static inline bool
is_refused_artifact(const struct err *fault)
{
	return fault->code == ERR_BAD_INPUT || fault->code == ERR_OVER_LIMIT;
}

/* settle: the run has ended, its streams are complete; takes both taps. */
void settle(struct judging *j, struct flight *f, const struct outcome *o);
void settle_unfinished(struct judging *j, const struct err *why);
void settle_job(struct judging *j);

#endif
