/*
 * judgebox-fcgi: the FastCGI application.
 *
 * Theory of operation.  nginx connects to a unix socket; a master, which never reads
 * from it, keeps N workers (prefork.c says how many, staff.c has their life and death),
 * each of which takes one connection at a time and one request from it
 * (src/http/fcgi.c), lets src/api decode, judge and encode it, and answers (worker.c).
 * Programs are run by judgebox-sandbox alone: a worker asks it over another unix socket
 * by language and limits, and can name nothing else.
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
#include <unistd.h>

#include "api/dialect.h"
#include "app/drop.h"
#include "app/gate.h"
#include "app/prefork.h"
#include "app/recorder.h"
#include "app/worker.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/scope.h"
#include "judge/quota.h"
#include "observe/metrics.h"

/* --- children --- */

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

static int
work(void *config, const struct listener *l, enum prefork_role role,
    const struct prefork_link *link)
{
	struct crew_config *crew = config;
	struct err e = { 0 };
	struct recorder_rules rules = { crew_config_ledger(crew), crew->settings.state };

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
		return worker_serve(crew, l, role == PREFORK_REFUSE, link);
	}
}

/* --- the master --- */

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
	struct crew_config *crew = crew_config_load(source->path, source->notice, e);

	if (crew == NULL)
		return NULL;
	log_start("judgebox-fcgi", settings_log_level(&crew->settings));
	if (source->serving)
		gate_prepare(crew->settings.state, &crew->settings.site.access);
	return crew;
}

static void
unload(void *config)
{
	crew_config_free(config);
}

static struct crowd_bounds
bounds(const void *config)
{
	return crew_config_bounds(config);
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
	struct ledger_rules rules = crew_config_ledger(crew);
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
		crew_config_free(first);
		return 0;
	}
	gate_make_room(first->settings.state, first->settings.user);
	if (listen_open(first->settings.socket, first->settings.socket_group, &l, e) ==
		-1 ||
	    drop_privileges(first->settings.user, e) == -1 ||
	    (o->exit_with_parent && follow_parent(parent, e) == -1) ||
	    prepare_store(first, LEDGER_START, e) == -1) {
		crew_config_free(first);
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
