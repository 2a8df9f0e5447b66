/*
 * slot - one place to run boxes, as the helper sees it from outside: its processes, its
 * cgroup, what lies in its /work, and the one run it is busy with.
 *
 *   DOWN → STARTING → IDLE ⇄ BUSY;  anything unexpected → ENDING → DOWN → STARTING …
 *
 * One that is dismissed stays DOWN, with nothing left of it, until it is called.
 *
 * A slot that does not answer in time, leaves a process behind or loses its launcher is
 * thrown away whole and built anew; its run gets a fault and may be tried elsewhere.
 */
#ifndef SANDBOX_SLOT_H
#define SANDBOX_SLOT_H

#include "sandbox/cgroup.h"
#include "sandbox/chore.h"
#include "sandbox/config.h"
#include "sandbox/images.h"
#include "sandbox/job.h"
#include "sandbox/loop.h"
#include "sandbox/seccomp.h"

#define SLOT_NEVER UINT64_MAX

enum slot_state { SLOT_DOWN, SLOT_STARTING, SLOT_IDLE, SLOT_BUSY, SLOT_ENDING };

/* What slots share and borrow; whom they tell. */
struct slot_host {
	struct loop *loop;
	struct cgroups *cgroups;
	const struct config *config;
	struct words paths;        /* extra read-only paths */
	int filters;               /* sealed file of all filters */
	int program;               /* judgebox-slot, opened once */
	struct prepared *prepared; /* borrowed; NULL: nothing is */
	struct probes *probes;     /* borrowed; NULL: a test build goes without */
	struct images *images;     /* frozen interpreters; NULL: none */
	unsigned weaker;           /* mask of base/weaker.h, accepted */
	void *owner;
	void (*up)(void *owner, struct slot *s);
	void (*down)(void *owner, struct slot *s, const struct err *why);
	/* The run is over; it stays the callee's to free.  The slot may be idle or not.
	 */
	void (*done)(
	    void *owner, struct slot *s, struct run *r, const struct wire_outcome *o);
};

struct slot {
	struct slot_host *host; /* borrowed */
	unsigned index, cpu;
	enum slot_state state;
	uint64_t deadline_us; /* by when the next message must come; UINT64_MAX: none */
	unsigned failures;    /* in a row */
	bool dismissed;

	pid_t pid;
	struct watcher exit, control, compile;
	struct watcher launcher[SECCOMP_FILTERS];
	bool launcher_ready[SECCOMP_FILTERS];
	int meters[METER_MAX_];
	uint64_t oom_seen;

	uint64_t work_serial; /* whose files lie in /work; 0: nobody's */
	uint64_t work_bytes;
	bool work_dirty;

	struct run *run;               /* owned while BUSY */
	bool run_sent;                 /* its launcher has it: KILL is possible */
	bool helped;                   /* it is overdue, and was given all of its core */
	struct inner_outcome compiled; /* of a compile whose artifact is awaited */
	bool have_compiled;
	bool made_tree;     /* the artifact being copied is one */
	struct chore chore; /* copies a large artifact, before the slot is free */
};

/* Who listens to a slot's sockets: slot_run.c, which stands on this file. */
struct slot_ears {
	void (*control)(struct watcher *w, uint32_t events);
	void (*launcher)(struct watcher *w, uint32_t events);
	void (*compile)(struct watcher *w, uint32_t events);
	chore_done *copied;
};

void slot_init(struct slot *s, struct slot_host *host, const struct slot_ears *ears,
    unsigned index, unsigned cpu);
int slot_start(struct slot *s, struct err *e);

/* For one that is not always there.  It comes up like one that was thrown away; to be
 * dismissed it must be IDLE or DOWN. */
void slot_call(struct slot *s);
void slot_dismiss(struct slot *s);

/* Throws the slot away: its run gets `why` for a fault, a new one is built soon. */
void slot_fail(struct slot *s, const struct err *why);
/* Hands the slot's run back by host->done.  Last of all: it may start the next one. */
void slot_finish_run(struct slot *s, const struct wire_outcome *o);
void slot_drop_watcher(struct slot *s, struct watcher *w);

/* Is something overdue?  To be called when deadline_us has passed. */
void slot_check(struct slot *s, uint64_t now_us);

/* For the end of the helper: no callbacks, everything is dead when it returns. */
void slot_end(struct slot *s);

#endif
