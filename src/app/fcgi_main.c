/*
 * judgebox-fcgi: the FastCGI application.
 *
 * Theory of operation.  nginx connects to a unix socket; a master, which never reads
 * from it, keeps N workers (prefork.c has their life and death), each of which takes one
 * connection at a time and one request from it (src/http/fcgi.c), lets src/api decode,
 * judge and encode it, and answers.  Programs are run by judgebox-sandbox alone: a worker
 * asks it over another unix socket by language and limits, and can name nothing else.
 *
 * Users: started as root it opens the socket, then becomes the configured user for good,
 * master and workers alike.  Under systemd it is started as that user, with the socket.
 * Nothing of a request outlives it but what it used up (gate.c), its line in the log, and
 * its record in the run log: workers hand that to the recorder (recorder.c), a child like
 * them and the only one that writes it.  An answer of 200 is recorded before it is sent,
 * unless the store has been out of order for longer than log_wait; that is counted and
 * told.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "api/api.h"
#include "api/dialect.h"
#include "app/broker.h"
#include "app/confine.h"
#include "app/drop.h"
#include "app/gate.h"
#include "app/logbook.h"
#include "app/prefork.h"
#include "app/ready.h"
#include "app/recorder.h"
#include "app/request_line.h"
#include "app/settings.h"
#include "app/versions.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/lean.h"
#include "base/log.h"
#include "base/scope.h"
#include "http/fcgi.h"
#include "judge/quota.h"
#include "store/keys.h"
#include "observe/metrics.h"

#define STALL_MS         15000 /* nginx has the whole request before it connects */
#define WORKERS_PER_SLOT 3
#define WORKERS_DEFAULT  4 /* until the helper has said how many slots it has */
#define MOST_PER_SLOT    128
#define MOST_AT_LEAST    256

/* What a reading of the configuration gave; the prefork master's crew.  All owned. */
struct crew_config {
	struct settings settings;
	struct langs *langs;
	struct versions *versions;
	const char **version_table;         /* a worker's own view of versions */
	struct notice *notice;              /* borrowed: of the store, shared by all */
	bool records;                       /* there is a store */
	struct confine_program confinement; /* of its workers */
};

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

/* --- a worker --- */

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

static unsigned
within(uint64_t n, uint64_t least, uint64_t most)
{
	return (unsigned)(n < least ? least : n > most ? most : n);
}

static struct crowd_bounds
bounds(const void *config)
{
	const struct crew_config *crew = config;
	const struct settings *s = &crew->settings;
	unsigned slots = versions_slots(crew->versions);
	struct crowd_bounds b = { .least = (unsigned)s->workers,
		.most = (unsigned)s->max_workers,
		.slots = slots,
		.idle_us = s->idle_timeout * 1000 };

	if (b.least == 0)
		b.least = slots != 0
			      ? within(WORKERS_PER_SLOT * slots, 1, CROWD_WORKERS_MAX)
			      : WORKERS_DEFAULT;
	if (b.most == 0)
		b.most = within(MOST_PER_SLOT * slots,
		    b.least > MOST_AT_LEAST ? b.least : MOST_AT_LEAST, CROWD_WORKERS_MAX);
	if (b.least > b.most && s->workers == 0)
		b.least = b.most;
	return b;
}

/* A quarter of the workers is left for other keys than the busiest. */
static unsigned
jobs_per_key(const struct crew_config *crew)
{
	unsigned most = bounds(crew).most;

	return most - most / 4;
}

static int
serve_requests(struct crew_config *crew, const struct listener *l, bool draining,
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

/* The one-shot child waits for the helper as long as it takes, so SIGTERM ends it. */
static int
find_versions(struct crew_config *crew)
{
	sigset_t term;

	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_UNBLOCK, &term, NULL);
	versions_find(crew->versions, crew->langs,
	    &crew->settings.site.profiles[0].compile, crew->settings.helper);
	return 0;
}

static struct ledger_rules
rules_of(const struct settings *s)
{
	return (struct ledger_rules){ .store = s->store,
		.keep = { .keep_us = s->log_keep * 1000,
		    .max_bytes = s->log_max_bytes,
		    .audit_keep_us = s->audit_keep * 1000 },
		.min_free = s->log_min_free,
		.flag = { .violations = (unsigned)s->flag_violations,
		    .window_us = (int64_t)s->flag_window * 1000,
		    .lasts_us = (int64_t)s->flag_time * 1000 } };
}

static int
work(void *config, const struct listener *l, enum prefork_role role,
    const struct prefork_link *link)
{
	struct crew_config *crew = config;
	struct err e = { 0 };
	struct recorder_rules rules = { rules_of(&crew->settings), crew->settings.state };

	switch (role) {
	case PREFORK_ONCE:
		return find_versions(crew);
	case PREFORK_RECORD:
		if (confine_lightly(&e) == -1) {
			log_err(&e, "recorder");
			return 1;
		}
		return recorder_run(&rules, crew->notice, link);
	default:
		return serve_requests(crew, l, role == PREFORK_REFUSE, link);
	}
}

/* --- the master --- */

static void
unload(void *config)
{
	struct crew_config *crew = config;

	if (crew == NULL)
		return;
	langs_free(crew->langs);
	versions_free(crew->versions);
	free(crew->version_table);
	free(crew);
}

static int
fill(struct crew_config *crew, const char *path, struct err *e)
{
	if (settings_load(path, &crew->settings, e) == -1 ||
	    langs_load(crew->settings.languages, &crew->langs, e) == -1 ||
	    confine_write(true, &crew->confinement, e) == -1)
		return -1;

	unsigned n = langs_count(crew->langs);
	crew->version_table = calloc(n + 1, sizeof(*crew->version_table));
	if (crew->version_table == NULL)
		return err_sys(e, "calloc");
	crew->records =
	    crew->settings.store[0] != '\0' && access(crew->settings.store, F_OK) == 0;
	for (unsigned i = 0; i < n; i++)
		metrics_word(LABEL_LANGUAGE, langs_at(crew->langs, i)->id);
	return versions_new(n, &crew->versions, e);
}

/* What every reading of the configuration needs. */
struct source {
	const char *path;
	struct notice *notice;
	bool serving; /* we are the service's user, and this is no mere check */
};

static void *
load(void *ctx, struct err *e)
{
	const struct source *source = ctx;
	struct crew_config *crew = calloc(1, sizeof(*crew));

	if (crew == NULL) {
		err_sys(e, "calloc");
		return NULL;
	}
	crew->notice = source->notice;
	if (fill(crew, source->path, e) == -1) {
		unload(crew);
		return NULL;
	}
	lean_rest(); /* what was needed to read it is not to be every worker's */
	log_start("judgebox-fcgi", settings_log_level(&crew->settings));
	if (source->serving)
		gate_prepare(crew->settings.state, &crew->settings.site.access);
	return crew;
}

static uint64_t
drain_ms(const void *config)
{
	const struct crew_config *crew = config;

	return crew->settings.drain_timeout;
}

static bool
records(const void *config)
{
	return ((const struct crew_config *)config)->records;
}

/* The file is made, or brought up to date, before anybody needs it; one that is broken
 * keeps the service from starting while somebody looks. */
static int
prepare_store(const struct crew_config *crew, const char *kind, struct err *e)
{
	struct ledger_rules rules = rules_of(&crew->settings);
	bool off = false;

	if (rules.store[0] == '\0') {
		log_info("no run log: store is \"\"");
		return 0;
	}
	if (ledger_prepare(&rules, kind, crew->notice, &off, e) == -1)
		return err_wrap(e, "store");
	if (off)
		log_warn("no run log: there is no directory %s", rules.store);
	return 0;
}

static const char *
helper(const void *config)
{
	const struct crew_config *crew = config;

	return crew->settings.helper;
}

/* The bounded lists that labels of metrics take their values from; languages follow with
 * each crew. */
static int
start_metrics(struct err *e)
{
	static const struct dialect *const dialects[] = { &dialect_native,
		&dialect_editor, &dialect_execute, &dialect_test };

	if (metrics_start(e) == -1)
		return -1;
	for (size_t i = 0; i < sizeof(dialects) / sizeof(dialects[0]); i++)
		metrics_word(LABEL_DIALECT, dialects[i]->name);
	for (enum verdict v = 0; v < VERDICT_MAX_; v++)
		metrics_word(LABEL_VERDICT, verdict_name(v));
	for (enum problem_code p = PROBLEM_NONE + 1; p < PROBLEM_MAX_; p++)
		metrics_word(LABEL_REASON, problem_id(p));
	for (const char *const *b = quota_bounds; *b != NULL; b++)
		metrics_word(LABEL_REASON, *b);
	return 0;
}

/* A change of credentials clears the request, so this comes after them. */
static int
follow_parent(pid_t parent, struct err *e)
{
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) == -1)
		return err_sys(e, "PR_SET_PDEATHSIG");
	if (getppid() != parent)
		return err_set(e, ERR_GONE, "the parent went away during the start");
	return 0;
}

struct options {
	const char *config;
	bool check, exit_with_parent;
};

static int
serve(const struct options *o, struct err *e)
{
	static const struct prefork_calls calls = { load, unload, bounds, drain_ms,
		helper, work, records };
	struct source source = { 0 };
	struct listener l = { .fd = -1 };
	pid_t parent = getppid();
	scope_free char *path = realpath(o->config, NULL);
	if (path == NULL)
		return err_sys(e, "read %s", o->config);

	source.path = path;
	if (!o->check && (prefork_hold_signals(e) == -1 || start_metrics(e) == -1 ||
			     notice_new(&source.notice, e) == -1))
		return -1;

	struct crew_config *first = load(&source, e);
	if (first == NULL)
		return -1;
	if (o->check) {
		printf("%s: ok\n", o->config);
		unload(first);
		return 0;
	}
	gate_make_room(first->settings.state, first->settings.user);
	if (listen_open(first->settings.socket, first->settings.socket_group, &l, e) ==
		-1 ||
	    drop_privileges(first->settings.user, e) == -1 ||
	    (o->exit_with_parent && follow_parent(parent, e) == -1) ||
	    prepare_store(first, LEDGER_START, e) == -1) {
		unload(first);
		return -1;
	}
	source.serving = true;
	gate_prepare(first->settings.state, &first->settings.site.access);
	struct crew_config last =
	    *first; /* prefork frees it; the store is to hear the end */
	if (prefork_run(&calls, &source, first, &l, e) == -1)
		return -1;
	return last.records ? prepare_store(&last, LEDGER_STOP, e) : 0;
}

static const char usage[] =
    "usage: judgebox-fcgi [--config FILE] [--check-config] [--exit-with-parent]\n"
    "       judgebox-fcgi --version | --help\n"
    "\n"
    "  --config FILE        read FILE and conf.d/*.conf beside it\n"
    "                       (" SETTINGS_DEFAULT_PATH ")\n"
    "  --check-config       say whether the configuration is good, and exit\n"
    "  --exit-with-parent   drain and exit when the parent process dies\n"
    "\n"
    "Signals: TERM, INT drain and exit; HUP reads the configuration again;\n"
    "USR1 logs the state.\n";

int
main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "check-config", no_argument, NULL, 't' },
		{ "exit-with-parent", no_argument, NULL, 'p' },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct options o = { .config = SETTINGS_DEFAULT_PATH };
	struct err e = { 0 };

	log_start("judgebox-fcgi", LOG_LEVEL_INFO);
	for (int c; (c = getopt_long(argc, argv, "c:", longs, NULL)) != -1;) {
		switch (c) {
		case 'c':
			o.config = optarg;
			break;
		case 't':
			o.check = true;
			break;
		case 'p':
			o.exit_with_parent = true;
			break;
		case 'V':
			puts("judgebox-fcgi " PACKAGE_VERSION FAULT_VERSION);
			return 0;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			fputs(usage, stderr);
			return 2;
		}
	}
	if (optind != argc) {
		fputs(usage, stderr);
		return 2;
	}
#ifdef JB_FAULT_INJECTION
	log_warn("a build for tests" FAULT_VERSION);
#endif
	if (serve(&o, &e) == -1) {
		log_err(&e, "cannot start");
		return 1;
	}
	return 0;
}
