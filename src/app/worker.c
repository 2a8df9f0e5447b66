#include "app/worker.h"

#include <signal.h>
#include <stdio.h>
#include <time.h>

#include "api/api.h"
#include "app/broker.h"
#include "app/gate.h"
#include "app/logbook.h"
#include "app/ready.h"
#include "app/request_line.h"
#include "base/clock.h"
#include "base/log.h"
#include "http/fcgi.h"
#include "observe/metrics.h"
#include "store/keys.h"

#define STALL_MS 15000 /* nginx has the whole request before it connects */

struct worker {
	struct crew_config *crew;
	struct api api;
	struct box_door door;
	struct judge_line line;
	struct logbook logbook;
	struct gate gate;
	const struct prefork_link *link;
	struct trace trace; /* of the request in hand */
	volatile sig_atomic_t draining;
	uint64_t began_us; /* of the request in hand */
};

/* Before the answer is sent: whoever has read it finds it counted. */
static void
count(const struct worker *w, const struct http_response *rs, uint64_t us)
{
	const char *dialect = w->trace.dialect != NULL ? w->trace.dialect : "";
	unsigned in = metrics_find(LABEL_DIALECT, dialect);
	char status[16];

	snprintf(status, sizeof(status), "%d", rs->status);
	metrics_add(METRIC_REQUESTS, metrics_find(LABEL_STATUS, status), in, 1);
	metrics_observe(METRIC_REQUEST_TIME, in, us);
}

static bool
handle(void *ctx, const struct http_request *rq, struct http_response *rs)
{
	struct worker *w = ctx;

	metrics_worker_busy(true);
	crowd_busy(w->link->crowd, w->link->place, true);
	w->began_us = clock_us();
	versions_read(w->crew->versions, w->crew->version_table);
	bool wanted = api_handle(&w->api, rq, rs);
	if (wanted)
		count(w, rs, clock_us() - w->began_us);
	return wanted;
}

static void
done(void *ctx, const struct http_request *rq, const struct http_response *rs,
    bool delivered)
{
	const struct worker *w = ctx;

	metrics_worker_busy(false);
	crowd_busy(w->link->crowd, w->link->place, false);
	if (!delivered)
		metrics_count(METRIC_CLIENTS_GONE);
	request_line(&w->trace, rq, rs, clock_us() - w->began_us, delivered);
}

static bool
is_over(void *ctx)
{
	const struct worker *w = ctx;

	return gate_is_over(&w->gate);
}

static int
write_log(void *ctx, const struct answered *a, struct problem *p)
{
	return logbook_write(ctx, a, p);
}

static bool
log_blocks(void *ctx, const char *key, const char *user)
{
	return logbook_blocks(ctx, key, user);
}

static const char *
log_state(void *ctx)
{
	return logbook_state(ctx);
}

static void
log_why(void *ctx, char *out, size_t size)
{
	const struct logbook *b = ctx;
	char why[NOTICE_WHY];

	notice_get(b->notice, why);
	snprintf(out, size, "%s", why);
}

static int
ask_log(void *ctx, const struct inquiry *q, struct inquiry_page *page, struct buf *lines,
    struct problem *p)
{
	return logbook_ask(ctx, q, page, lines, p);
}

static struct logbook
logbook_for(const struct crew_config *crew, int fd)
{
	const struct settings *s = &crew->settings;

	return (struct logbook){ .fd = fd,
		.wait_ms = s->log_wait,
		.required = s->log_required,
		.block_flagged = s->block_flagged,
		.wish = { s->log_sources, s->log_outputs, s->audit_sources, 0 },
		.notice = crew->notice };
}

/* All but the keys and quotas that are open by now: their databases come back to files.
 */
static int
give_up(const struct crew_config *crew, struct err *e)
{
	static const char *const names[] = { KEYS_FILE, KEYS_FILE "-wal",
		KEYS_FILE "-shm", QUOTA_FILE };
	char paths[sizeof(names) / sizeof(names[0])][320];
	const char *files[sizeof(names) / sizeof(names[0]) + 1] = { NULL };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(paths[i], sizeof(paths[i]), "%.255s/%s", crew->settings.state,
		    names[i]);
		files[i] = paths[i];
	}
	tzset(); /* it reads a file, too */
	api_prepare();
	return confine(files, &crew->confinement, e);
}

/* A quarter of the workers is left for other keys than the busiest. */
static unsigned
jobs_per_key(const struct crew_config *crew)
{
	unsigned most = crew_config_bounds(crew).most;

	return most - most / 4;
}

int
worker_serve(struct crew_config *crew, const struct listener *l, bool draining,
    const struct prefork_link *link)
{
	struct worker w = {
		.crew = crew,
		.link = link,
		.logbook = logbook_for(crew, link->fd),
		.draining = draining,
		.door = { crew->settings.helper, broker_dial, link->master },
		.line = { .door = &w.door },
		.api = { .site = &crew->settings.site,
		    .langs = crew->langs,
		    .helper = &w.door,
		    .line = &w.line,
		    .versions = crew->version_table,
		    .draining = &w.draining,
		    .judge = { judge_admit, judge_run, ready_check, ready_measure },
		    .log = { &w.logbook, write_log, log_blocks, log_state, log_why,
			ask_log },
		    .trace = &w.trace },
	};
	struct fcgi_service s = {
		.listen_fd = l->fd,
		.max_body = crew->settings.site.max_body_bytes,
		.max_requests = draining ? 0 : crew->settings.requests_per_worker,
		.stall_ms = STALL_MS,
		.empty_queue = draining,
		.is_over = draining ? NULL : is_over,
		.ctx = &w,
		.handle = handle,
		.done = done,
	};
	struct err e = { 0 };

	gate_open(&w.gate, crew->settings.state);
	w.api.gate = gate_for_api(&w.gate);
	crew->settings.site.jobs_per_key = jobs_per_key(crew);
	metrics_worker_join();
	if (give_up(crew, &e) == -1) {
		log_err(&e, "worker");
		return 1;
	}
	int r = fcgi_serve(&s, &e);
	judge_hang_up(&w.line);
	gate_close(&w.gate);
	if (r == -1)
		log_err(&e, "worker");
	return r == -1;
}
