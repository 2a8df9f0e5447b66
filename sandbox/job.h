/*
 * job - one program of one client, and the runs asked for it.  Plain records; who owns
 * them is said at each member.  A job lives until its session and its last run let go.
 */
#ifndef SANDBOX_JOB_H
#define SANDBOX_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include "sandbox/digest.h"
#include "sandbox/inner.h"
#include "sandbox/language.h"
#include "sandbox/share.h"
#include "sandbox/wire/bundle.h"
#include "sandbox/wire/wire.h"

struct session;
struct slot;

/* Bytes of memory files that are kept for jobs: no new job above `most`, no artifact
 * above twice that. */
struct job_room {
	uint64_t held, most;
};

struct job {
	unsigned refs;
	struct job_room *room; /* borrowed; NULL: it is not counted */
	uint64_t bytes;        /* held there */
	uint64_t serial;       /* never repeated: names what lies in a slot's /work */
	const struct language *lang; /* borrowed; languages live as long as the helper */
	struct words options;
	struct bundle_entry *files; /* owned */
	uint32_t nfiles;
	int sources; /* owned: the bundle as it came */
	int program; /* owned: the artifact to execute, -1: none */
	int work;    /* owned: the bundle that lies in /work at run time, -1: nothing */
	bool compile_asked, ready;
	bool leads;       /* its compile runs or ran, and twins may wait for it */
	uint64_t made_us; /* when its artifact was there; 0: not yet */
	bool settled;     /* others no longer wait for its artifact */
	int artifact;     /* owned: what the compiler made, sealed; -1: nothing yet */
	bool is_tree;
	bool has_key;
	struct digest key;                 /* of all that went into the compile */
	struct wire_limits compile_limits; /* if it leads */
	uint64_t cpu_us;                   /* limit of its tests, as announced */
	uint64_t tests_us;                 /* time in slots of its tests so far */
	uint32_t tests_done;
	uint32_t tests_left; /* announced and not yet asked for */
};

/* In a ring of those who wait, the oldest behind its head. */
struct link {
	struct link *older, *newer;
};

enum run_kind {
	RUN_TEST,
	RUN_COMPILE,
	RUN_VERSION,
	RUN_PREPARE, /* prepared.h */
	RUN_PROBE,   /* probes.h */
	RUN_FREEZE,  /* images.h */
};

struct run {
	struct run *next;        /* of its session's queue */
	struct link link;        /* among all that wait; NULL: in no ring */
	struct share_bill bill;  /* open while it runs */
	struct session *session; /* NULL: nobody waits any more */
	struct job *job;         /* a reference */
	enum run_kind kind;
	uint32_t tag;
	int fds[3]; /* owned: input output error; a compile has no input (-1) */
	uint64_t asked_us, started_us;
	bool waits;           /* for the artifact of another job with the same key */
	unsigned prepares;    /* of RUN_PREPARE: which of the prepared files */
	bool plain, prepared; /* to be, and being, compiled without and with them */
	int said[2];          /* what the compiler says with them, -1: not recorded */
	enum wire_fired kill; /* asked for; WIRE_FIRED_NONE: not */
	struct wire_limits limits;
	struct words args;
};

struct job *job_new(const struct language *lang, const struct words *options, int sources,
    struct err *e); /* takes sources over, on success */
/* One without files, ready: a program of ours.  program stays the caller's. */
struct job *job_of_program(const struct language *lang, int program, struct err *e);
struct job *job_hold(struct job *j);
void job_drop(struct job *j);
void job_hold_bytes(struct job *j, struct job_room *room, uint64_t bytes);

/* Takes the artifact of a compile: a copy of the slot's (fd stays the caller's), or one
 * that is sealed already (taken over, on success). */
int job_adopt(struct job *j, int fd, bool is_tree, struct err *e);
int job_adopt_sealed(struct job *j, int fd, bool is_tree, struct err *e);
/* The first in two halves: bytes are copied and sealed, which may take its time and can
 * be a child's to do; what that made, artifact and runnable, becomes the job's. */
int job_adopt_size(int fd, uint64_t *size, struct err *e);
int job_adopt_copy(const struct job *j, int fd, bool is_tree, int made[2], struct err *e);
void job_adopt_made(struct job *j, int made[2], bool is_tree);

/* Fills j->key: the language file, the compiler as installed, options, all sources. */
int job_make_key(struct job *j, struct err *e);

/* Does it run in a stage of its own, which leaves an artifact? */
static inline bool
run_is_staged(const struct run *r)
{
	return r->kind == RUN_COMPILE || r->kind == RUN_PREPARE || r->kind == RUN_FREEZE;
}

/* The filter, command and environment of a run of this job. */
unsigned job_filter(const struct run *r);
/* prepared: what {prepared} stands for. */
int job_command(const struct run *r, const struct words *prepared, struct inner_run *out,
    struct err *e);

struct run *run_new(struct session *s, struct job *j, enum run_kind kind, struct err *e);
void run_free(struct run *r);
void run_unlink(struct run *r); /* from the ring, if it is in one */

#endif
