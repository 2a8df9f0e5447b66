/*
 * session - the gate: one connected worker, and all that it can make the helper do.
 *
 * A closed table of requests × states; anything else closes the connection.  What a
 * worker can name is a language, limits below the caps, options a language file lists,
 * and descriptors of exactly the expected kind.
 */
#ifndef SANDBOX_SESSION_H
#define SANDBOX_SESSION_H

#include <stdbool.h>

#include "sandbox/config.h"
#include "sandbox/job.h"
#include "sandbox/language.h"
#include "sandbox/loop.h"

/* DENIED: idle, and more of the job that was not taken may be on its way. */
enum session_state { SESSION_NEW, SESSION_IDLE, SESSION_DENIED, SESSION_JOB };

/* What the gate needs of the house behind it. */
struct session_host {
	struct loop *loop;
	const struct config *config;
	const struct languages *languages;
	void *owner;
	unsigned slots;
	struct job_room room;
	bool broken; /* some session is: the owner is to look for it, and close it */
	/* Is there room for this job?  Fills ready, or busy and is false. */
	bool (*admit)(void *owner, const struct language *lang, const struct wire_job *j,
	    struct wire_ready *ready, struct wire_busy *busy);
	/* The job that s has now takes its seat; it leaves with its session, or before.
	 */
	int (*enter)(
	    void *owner, struct session *s, const struct wire_tenant *t, struct err *e);
	void (*leave)(void *owner, struct session *s);
	void (*status)(void *owner, struct wire_state *out);
	void (*submit)(void *owner, struct session *s, struct run *r); /* takes r over */
	void (*kill)(void *owner, struct session *s, uint32_t tag, enum wire_fired why);
	/* The compile of s->job is over and done with: others may wait for what came of
	 * it. */
	void (*compiled)(void *owner, struct session *s, bool keep);
	void (*closed)(void *owner, struct session *s); /* then s is freed */
};

struct session {
	struct session_host *host;   /* borrowed */
	struct session *next, *prev; /* the owner's list */
	struct watcher peer;
	enum session_state state;
	struct job *job;                 /* a reference, in SESSION_JOB */
	struct seat *seat;               /* the owner's, while it has a job */
	struct run *queue;               /* owned: waiting runs, oldest first */
	unsigned pending;                /* waiting and running */
	uint32_t tags[WIRE_PENDING_MAX]; /* theirs, in no order */
	bool broken; /* the peer does not read: to be closed, from the loop */
};

/* Takes the socket over. */
struct session *session_open(struct session_host *host, int sock, struct err *e);
void session_close(struct session *s);

/* One datagram, from the table to its handler.  On -1 the caller closes the session: a
 * peer that breaks the protocol once is not asked a second time.  Takes over fds. */
int session_handle(struct session *s, const struct wire_message *m, int *fds,
    unsigned nfds, struct err *e);

void session_answer(struct session *s, const struct wire_outcome *o);

#endif
