/* GET /api/status: what an operator's page shows, in one answer. */
#include <stdio.h>

#include "api/handlers.h"
#include "api/status.h"
#include "base/when.h"
#include "judge/quota.h"
#include "observe/metrics.h"

#define KEYS_SHOWN 1000

void
status_measure(const struct api *api)
{
	struct metrics_workers w = metrics_workers();

	api->judge.measure(api->helper);
	metrics_set(METRIC_WORKERS, w.total);
	metrics_set(METRIC_WORKERS_BUSY, w.busy);
	metrics_set(METRIC_WORKERS_IDLE, w.total - w.busy);
}

/* Figures in their groups; the last member of a group has no next one. */
static const struct figure {
	const char *group, *name;
	enum metric metric;
} figures[] = {
	{ "slots", "configured", METRIC_SLOTS },
	{ "slots", "ready", METRIC_SLOTS_READY },
	{ "slots", "busy", METRIC_SLOTS_BUSY },
	{ "slots", "spare", METRIC_SLOTS_SPARE },
	{ "queue", "jobs", METRIC_QUEUE_JOBS },
	{ "queue", "runs", METRIC_QUEUE_RUNS },
	{ "queue", "users", METRIC_QUEUE_TENANTS },
	{ "queue", "oldestSeconds", METRIC_QUEUE_OLDEST },
	{ "queue", "waitSeconds", METRIC_QUEUE_WAIT },
	{ "queue", "refused", METRIC_BUSY_ANSWERS },
	{ "workers", "wanted", METRIC_WORKERS_WANTED },
	{ "workers", "running", METRIC_WORKERS },
	{ "workers", "busy", METRIC_WORKERS_BUSY },
	{ "workers", "started", METRIC_WORKER_STARTS },
	{ "workers", "died", METRIC_WORKER_DEATHS },
	{ "workers", "barred", METRIC_WORKERS_BARRED },
	{ "configuration", "reloads", METRIC_RELOADS },
	{ "configuration", "failures", METRIC_RELOAD_FAILURES },
	{ "faults", "boxes", METRIC_BOX_FAULTS },
	{ "faults", "helper", METRIC_HELPER_LOSSES },
	{ "faults", "requestsLost", METRIC_REQUESTS_LOST },
	{ "faults", "clientsGone", METRIC_CLIENTS_GONE },
	{ NULL, NULL, 0 },
};

static void
write_figure(struct writer *w, const char *name, enum metric m)
{
	uint64_t n = metrics_get(m, 0, 0);

	if (metrics_row(m)->unit == UNIT_SECONDS)
		write_milli(w, name, n / 1000);
	else
		write_uint(w, name, n);
}

static void
write_figures(struct writer *w)
{
	const char *open = NULL;

	for (const struct figure *f = figures; f->group != NULL; f++) {
		if (open != f->group)
			write_open(w, f->group, '{');
		write_figure(w, f->name, f->metric);
		open = f->group;
		if (f[1].group != open)
			write_close(w, '}');
	}
}

/* Of a counter all that was ever counted, by its first label. */
static void
write_counts(struct writer *w, const char *name, enum metric m)
{
	const struct metrics_row *row = metrics_row(m);

	write_open(w, name, '{');
	for (unsigned a = 0; a < metrics_values(row->labels[0]); a++) {
		uint64_t sum = 0;

		for (unsigned b = 0; b < metrics_values(row->labels[1]); b++)
			sum += metrics_get(m, a, b);
		if (sum > 0)
			write_uint(w, metrics_value(row->labels[0], a), sum);
	}
	write_close(w, '}');
}

static void
write_log(struct writer *w, const struct api_log *log)
{
	char why[240] = "";

	write_open(w, "log", '{');
	write_text(w, "state", log->state != NULL ? log->state(log->ctx) : "off");
	if (log->why != NULL)
		log->why(log->ctx, why, sizeof(why));
	if (why[0] != '\0')
		write_text(w, "why", why);
	write_figure(w, "records", METRIC_STORE_RECORDS);
	write_figure(w, "lost", METRIC_STORE_LOST);
	write_figure(w, "errors", METRIC_STORE_ERRORS);
	write_figure(w, "sizeBytes", METRIC_STORE_SIZE);
	write_figure(w, "flaggedUsers", METRIC_FLAGGED_USERS);
	write_close(w, '}');
}

/* --- keys --- */

struct census {
	struct writer *w;
	struct quota *quota; /* NULL: uses cannot be told */
	int64_t now;
	uint64_t all, revoked, expired, shown;
	bool more; /* in use, and not shown */
};

static void
write_key(struct writer *w, const char *name, const struct quota_account *a)
{
	write_open(w, NULL, '{');
	write_text(w, "key", name);
	write_uint(w, "jobs", a->jobs);
	if (a->jobs_limit > 0)
		write_uint(w, "jobsLimit", a->jobs_limit);
	write_uint(w, "cpuMs", a->cpu_ms);
	write_uint(w, "cpuHeldMs", a->cpu_held_ms);
	if (a->cpu_limit_ms > 0)
		write_uint(w, "cpuLimitMs", a->cpu_limit_ms);
	if (a->rate.count > 0) {
		write_uint(w, "requestsLeft", a->left);
		write_uint(w, "requestsBurst", a->rate.burst);
	}
	write_close(w, '}');
}

/* Those only that are or were in use today. */
static int
see_key(void *ctx, const struct identity *key, struct err *e)
{
	struct census *c = ctx;
	const struct quota_claim claim = { .key = key->key, .own = key->own };
	struct quota_state s = { .has_user = false };
	struct problem p;

	(void)e;
	c->all++;
	c->revoked += key->revoked;
	c->expired += !key->revoked && key->expires != 0 && key->expires <= c->now;
	if (c->quota == NULL)
		return 0;
	if (quota_look(c->quota, &claim, &s, &p) == -1) {
		c->quota = NULL; /* the next would wait as long */
		return 0;
	}
	if (s.key.jobs == 0 && s.key.cpu_ms == 0 && s.key.left == s.key.rate.burst)
		return 0;
	c->more |= c->shown >= KEYS_SHOWN;
	if (c->shown < KEYS_SHOWN) {
		c->shown++;
		write_key(c->w, key->name, &s.key);
	}
	return 0;
}

static void
write_keys(struct writer *w, const struct call *c)
{
	const struct api_gate *g = &c->api->gate;
	struct census census = { .w = w, .quota = g->quota, .now = when_now() };
	struct err e = { 0 };

	write_open(w, "keysInUse", '[');
	bool known = g->keys != NULL && g->list(g->keys, see_key, &census, &e) == 0;
	write_close(w, ']');
	if (census.more)
		write_bool(w, "moreKeysInUse", true);
	write_open(w, "keys", '{');
	write_bool(w, "readable", known);
	write_uint(w, "all", census.all);
	write_uint(w, "expired", census.expired);
	write_uint(w, "revoked", census.revoked);
	write_close(w, '}');
}

bool
handle_status(const struct call *c)
{
	struct writer w = { .out = &c->rs->body };
	int64_t started = (int64_t)metrics_get(METRIC_START_TIME, 0, 0);
	char when[WHEN_TEXT];

	status_measure(c->api);
	write_open(&w, NULL, '{');
	write_text(&w, "version", PACKAGE_VERSION);
	if (started != 0) {
		when_text(started, when);
		write_text(&w, "started", when);
		write_uint(&w, "upSeconds",
		    when_now() > started ? (uint64_t)(when_now() - started) / 1000000
					 : 0);
	}
	write_bool(&w, "draining", metrics_get(METRIC_DRAINING, 0, 0) != 0);
	write_bool(&w, "helper", metrics_get(METRIC_HELPER_UP, 0, 0) != 0);
	write_figures(&w);
	write_counts(&w, "requests", METRIC_REQUESTS);
	write_counts(&w, "refusals", METRIC_REFUSALS);
	write_counts(&w, "jobs", METRIC_JOBS);
	write_log(&w, &c->api->log);
	write_keys(&w, c);
	write_close(&w, '}');
	return true;
}
