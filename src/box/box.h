/*
 * box - the application's side of the bridge: one connection to the sandbox helper.
 *
 * A connection has at most one job open.  After an error other than ERR_BUSY and
 * ERR_BAD_INPUT the connection is broken: close it; the helper then kills whatever it
 * was running for us.  Every run asked for yields exactly one outcome, in any order.
 */
#ifndef BOX_BOX_H
#define BOX_BOX_H

#include <stdbool.h>
#include <stdint.h>

#include "model/job.h"
#include "model/limits.h"
#include "model/result.h"

#define BOX_PENDING_MAX 64  /* runs that may be outstanding at a time */
#define BOX_FILES_MAX   512 /* files of a job */

struct box;

struct box_state {
	unsigned slots, ready, busy, queued, jobs, tenants;
	unsigned spare;      /* of the ready ones: beyond `slots`, for a while */
	unsigned most_slots; /* there may ever be, with those */
	uint64_t wait_us;    /* all work that the helper knows of, shared by the slots */
	uint64_t oldest_us;  /* how long the oldest run waits */
	uint64_t refused; /* jobs that found the queue full, since the helper's start */
	uint64_t cache_hits, cache_misses; /* compiles, since the helper's start */
	uint64_t warm_hits, warm_misses;   /* tests of warm languages, since then */
	unsigned weaker;                   /* mask of base/weaker.h */
	struct limits caps; /* of the helper, above which it runs nothing; 0: none */
	char why[160];
};

/* The way to the helper: by its socket's path, or by whoever makes connections for us. */
struct box_door {
	const char *path;
	/* A connected socket, or -1; NULL: connect to the path. */
	int (*dial)(const struct box_door *door, struct err *e);
	int line; /* dial's own */
};

int box_open(const struct box_door *door, struct box **out, struct err *e);
int box_connect(const char *path, struct box **out, struct err *e);
void box_close(struct box *b);
int box_fd(const struct box *b); /* readable: an outcome is there */
unsigned box_slots(const struct box *b);

/* Not while runs are outstanding. */
int box_status(struct box *b, struct box_state *s, struct err *e);

struct box_ask {
	const char *language;
	const struct words *options; /* NULL: none */
	const struct job_file *files;
	unsigned nfiles, tests;
	uint64_t cpu_ms;             /* of a test; 0: not known */
	const struct tenant *tenant; /* NULL: nobody's in particular */
	unsigned jobs_max;           /* of its key at a time; 0: no bound */
};

struct box_place {
	unsigned position;  /* jobs whose turn comes before; 0: none */
	uint64_t wait_us;   /* predicted */
	uint64_t retry_ms;  /* ERR_BUSY: when to come again */
	bool too_many_jobs; /* ERR_BUSY: of this key or user, not of all */
};

/* Asks for a job.  Until box_job_answer nothing may follow but box_compile and box_run,
 * which have no outcome if the answer is no.  ERR_BAD_INPUT: nothing was asked. */
int box_job_ask(struct box *b, const struct box_ask *ask, struct err *e);
/* ERR_BUSY: the queue is full; ERR_BAD_INPUT: the helper refuses this language, option or
 * file. */
int box_job_answer(struct box *b, struct box_place *place, struct err *e);
/* Both. */
int box_job(
    struct box *b, const struct box_ask *ask, struct box_place *place, struct err *e);
int box_end(struct box *b, struct err *e);

/* Starts a run.  out[0] and out[1] become the reading ends (non-blocking, owned by the
 * caller) of its stdout and stderr: all of it is there once the outcome came.  Who does
 * not wait for the outcome of a compile before a run may get one of ERR_BUSY for that:
 * nothing ran, it is to be asked for again. */
int box_compile(
    struct box *b, uint32_t tag, const struct limits *limits, int out[2], struct err *e);
/* After a compile that went well: may its artifact serve others who send the same? */
int box_keep(struct box *b, bool keep, struct err *e);
int box_run(struct box *b, uint32_t tag, const struct limits *limits, bool fork,
    const struct words *args, const struct bytes *input, int out[2], struct err *e);
/* The language's version command; language as in box_job with no files. */
int box_version(
    struct box *b, uint32_t tag, const struct limits *limits, int out[2], struct err *e);

int box_kill(struct box *b, uint32_t tag, enum fired why, struct err *e);

/* Takes the next outcome, waiting for it. */
int box_outcome(struct box *b, uint32_t *tag, struct outcome *o, struct err *e);

#define scope_box __attribute__((cleanup(box_scope_))) struct box *
static inline void
box_scope_(struct box **b)
{
	box_close(*b);
}

#endif
