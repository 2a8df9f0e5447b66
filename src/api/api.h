/*
 * api - the room where JSON ends and begins: routes, dialects, problems.
 *
 * A struct api is made once per worker by src/app and then only read; everything it
 * points to is borrowed.  The judge is a table, so that tests can put another in.
 */
#ifndef API_API_H
#define API_API_H

#include <signal.h>

#include "http/message.h"
#include "judge/judge.h"
#include "model/answered.h"
#include "model/inquiry.h"

struct box_door; /* box/box.h; only passed on here */

struct api_judge {
	__typeof__(judge_admit) *admit;
	__typeof__(judge_run) *run;
	/* Does the helper answer, and has it a slot?  The problem is what the client of
	 * /readyz reads. */
	int (*ready)(const struct box_door *helper, struct problem *p);
	/* Sets those metrics that the helper alone knows. */
	void (*measure)(const struct box_door *helper);
};

struct keys;
struct quota;

/* Keys, and what they have used up.  A table again: keys live two floors below. */
struct api_gate {
	struct keys *keys; /* NULL: they cannot be read */
	int (*find)(struct keys *k, const struct token *t, int64_t now,
	    struct identity *out, enum key_state *state, struct err *e);
	int (*reserved)(struct keys *k, uint64_t key, int64_t now, uint32_t *own,
	    uint32_t *others, struct err *e);
	int (*count)(struct keys *k, int64_t now, uint64_t *out, struct err *e);
	int (*list)(struct keys *k,
	    int (*visit)(void *ctx, const struct identity *key, struct err *e), void *ctx,
	    struct err *e);
	struct quota *quota; /* NULL: nothing can be counted */
	bool *broken;        /* set when one of them failed: a new worker may do better */
};

/* What one request came to: for its line in the log, and for those who count. */
struct trace {
	const char *dialect;       /* static; NULL: the route has none */
	enum problem_code refused; /* PROBLEM_NONE: it was not */
	char key[64], user[129];   /* as the client, or the site, says; "": nobody */
	char job[37], language[32];
	bool judged; /* what follows is filled */
	enum verdict verdict;
	unsigned tests;
	uint64_t queue_us, cpu_us; /* cpu_us: of compiler and tests together */
};

/* Where judged jobs are written down.  A table, like the judge: tests leave it out. */
struct api_log {
	void *ctx;
	/* Before the answer is sent; -1: it must not be.  NULL: nothing is logged. */
	int (*write)(void *ctx, const struct answered *a, struct problem *p);
	/* Must this user wait until an administrator has looked?  NULL: nobody. */
	bool (*blocks)(void *ctx, const char *key, const char *user);
	/* A word for /readyz: "ok", "degraded" or "off". */
	const char *(*state)(void *ctx);
	/* Why it is degraded, for an operator; "" where nobody knows. */
	void (*why)(void *ctx, char *out, size_t size);
	/* A page of the audit trail; lines gets its records. */
	int (*ask)(void *ctx, const struct inquiry *q, struct inquiry_page *page,
	    struct buf *lines, struct problem *p);
};

struct api {
	const struct site *site;
	const struct langs *langs;
	const struct box_door *helper; /* borrowed */
	struct judge_line *line;       /* to the same helper, borrowed */
	/* As the languages' own version commands say, in the order of langs_at; an entry
	 * is NULL until it is known, and so may be the table. */
	const char *const *versions;
	const volatile sig_atomic_t *draining; /* not 0: take no more work; NULL: never */
	struct api_judge judge;
	struct api_log log;
	struct api_gate gate;
	struct trace *trace; /* borrowed; NULL: nobody wants to know */
};

/* Once in a worker, before it gives up opening files: json-c seeds its hash. */
void api_prepare(void);

/* Fills *rs, zeroed by the caller and his to free (headers, body).  False: the client
 * went away while his job ran, so there is nobody to send it to. */
bool api_handle(
    const struct api *api, const struct http_request *rq, struct http_response *rs);

#endif
