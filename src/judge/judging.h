/*
 * judging - one job being judged: where its tests stand and what is in the air.
 *
 * Shared by the three who work on it: run.c decides what is to fly and what a landing
 * means for the whole, flight.c how it is flown, settle.c what came of it.
 */
#ifndef JUDGE_JUDGING_H
#define JUDGE_JUDGING_H

#include "judge/judge.h"
#include "judge/stream.h"

#define JUDGING_COMPILE UINT32_MAX /* in place of the index of a test */

enum item_state { ITEM_WAITING, ITEM_FLYING, ITEM_DONE };

/* The compile step or a test: where it stands and how often the machinery failed it. */
struct item {
	enum item_state state;
	unsigned faults; /* boxes that could not be built */
	unsigned losses; /* helpers that went away with it */
};

struct flight {
	uint32_t tag;
	uint32_t test; /* or JUDGING_COMPILE */
	bool killed;
	bool cancelled;
	bool early; /* before it was known whether there is a program */
	uint64_t since_us; /* when it was asked for */
	struct tap out, err;
};

struct judging {
	const struct job *job;
	const struct lang *lang;
	const struct site *site;
	struct judge_line *line; /* borrowed */
	int client_fd;
	struct result *r;

	struct box *box; /* owned; NULL between connections */
	uint32_t next_tag;
	struct flight air[BOX_PENDING_MAX];
	unsigned nair;

	struct item compile;
	struct item *tests; /* [r->ntests], owned */
	unsigned *order;    /* [r->ntests], owned: tests, the next to fly first */
	unsigned first;     /* in order; no test before it is waiting */
	unsigned stop;      /* stopOnFailure: the first failed test; ntests: none */
	bool started;       /* something of this job ran, or may have */
	bool compiled_once;
	uint64_t answer; /* bytes it comes to: of each stream at least cut */
	uint64_t cut;
	struct box_place place; /* in the helper's queue, at the last JOB */
};

static inline struct item *
judging_item(struct judging *j, uint32_t test)
{
	return test == JUDGING_COMPILE ? &j->compile : &j->tests[test];
}

/* The helper will not take what the compiler made (too large, not there): that is the
 * student's doing, unlike a box that failed. */
static inline bool
is_refused_artifact(const struct err *fault)
{
	return fault->code == ERR_BAD_INPUT || fault->code == ERR_OVER_LIMIT;
}

#endif
