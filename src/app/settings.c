#include "app/settings.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/crowd.h"

#define FILES_MAX 64
#define TEN_YEARS 315360000000ULL /* ms */
/* As browsers write an origin: lower case, a name of another script as xn--… */
#define ORIGIN_LETTERS "abcdefghijklmnopqrstuvwxyz0123456789-._+:/[]"

#define ROW(kind_, name_, type, member, lo, hi, help_)                                   \
	{                                                                                \
		.name = (name_), .kind = CONF_##kind_, .offset = offsetof(type, member), \
		.size = sizeof(((type *)0)->member), .min = (lo), .max = (hi),           \
		.help = (help_)                                                          \
	}
#define TOP(kind_, member, lo, hi, help_)                                                \
	ROW(kind_, #member, struct settings, member, lo, hi, help_)
#define SITE(kind_, member, lo, hi, help_)                                               \
	ROW(kind_, #member, struct settings, site.member, lo, hi, help_)

static const struct conf_key keys[] = {
	TOP(TEXT, socket, 0, 0, "where nginx connects"),
	TOP(TEXT, socket_group, 0, 0, "the web server's group"),
	TOP(TEXT, user, 0, 0, "whom to become when started as root"),
	TOP(TEXT, helper, 0, 0, "socket of judgebox-sandbox"),
	TOP(TEXT, languages, 0, 0, "directory of the language files"),
	TOP(UINT, workers, 0, CROWD_WORKERS_MAX, "worker processes, at least"),
	TOP(UINT, max_workers, 0, CROWD_WORKERS_MAX, "requests at a time"),
	TOP(MSEC, idle_timeout, 1000, 86400000, "then a worker too many goes"),
	TOP(UINT, requests_per_worker, 0, 1000000000, "then a worker is replaced"),
	TOP(MSEC, drain_timeout, 0, 3600000, "patience with running requests"),
	TOP(TEXT, log_level, 0, 0, "error, warn, info or debug"),
	TOP(TEXT, store, 0, 0, "directory of the run log"),
	TOP(MSEC, log_wait, 1, 10000, "an answer waits for its record"),
	TOP(BOOL, log_required, 0, 0, "no answer without a record"),
	TOP(BOOL, log_sources, 0, 0, "keep the programs"),
	TOP(BOOL, log_outputs, 0, 0, "keep what they wrote"),
	TOP(MSEC, log_keep, 0, TEN_YEARS, "older jobs are deleted"),
	TOP(BYTES, log_max_bytes, 1 << 20, 1ULL << 42, "the oldest are deleted"),
	TOP(BYTES, log_min_free, 0, 1ULL << 42, "left to others on the disk"),
	TOP(MSEC, audit_keep, 0, TEN_YEARS, "older records are deleted"),
	TOP(BOOL, audit_sources, 0, 0, "keep programs that broke a rule"),
	TOP(UINT, flag_violations, 0, 100, "jobs that make a flag"),
	TOP(MSEC, flag_window, 1000, TEN_YEARS, "within so long"),
	TOP(MSEC, flag_time, 1000, TEN_YEARS, "how long a flag lasts"),
	TOP(BOOL, block_flagged, 0, 0, "refuse their jobs"),
	TOP(TEXT, state, 0, 0, "directory of keys and quotas"),
	TOP(TEXT, anonymous, 0, 0, "who needs no key: loopback, off or address"),
	{ .name = "anonymous_limits",
	    .kind = CONF_GROUP,
	    .help = "of one address without a key" },
	ROW(WORDS, "local_hosts", struct settings, site.access.local_hosts, 0, 0,
	    "names by which local clients ask for us"),
	ROW(BOOL, "trust_user_header", struct settings, site.access.trust_user_header, 0,
	    0, "is the web server's user believed?"),
	SITE(BYTES, max_body_bytes, 1024, 64 << 20, "one request"),
	SITE(BYTES, max_source_bytes, 1, 16 << 20, "all source files of one"),
	SITE(UINT, max_tests, 1, 10000, "tests of one request"),
	SITE(BYTES, max_answer_bytes, 65536, 256 << 20, "program output in one answer"),
	SITE(WORDS, cors_origins, 0, 0, "origins of pages that may call"),
	{ .name = "caps", .kind = CONF_GROUP, .help = "no request goes above" },
	{ .name = "compile_caps", .kind = CONF_GROUP, .help = "no compile goes above" },
	{ .name = "profiles", .kind = CONF_GROUP, .help = "named sets of limits" },
	{ 0 },
};

#define STRANGER(kind_, member, lo, hi, help_)                                           \
	ROW(kind_, #member, struct settings, stranger.member, lo, hi, help_)
static const struct conf_key stranger_keys[] = {
	STRANGER(TEXT, rate, 0, 0, "requests: 60/min; \"\" is any"),
	STRANGER(UINT, burst, 0, 100000, "of them at once; 0: as many as in the rate"),
	STRANGER(UINT, jobs, 0, 4096, "at a time; 0: any"),
	STRANGER(UINT, cpu_seconds, 0, 86400000, "of a day; 0: any"),
	STRANGER(TEXT, total_rate, 0, 0, "of all addresses together"),
	STRANGER(UINT, total_jobs, 0, 4096, "the same; 0: any"),
	STRANGER(UINT, total_cpu_seconds, 0, 86400000, "the same; 0: any"),
	STRANGER(UINT, slots, 0, 1024, "at a time, of all addresses together; 0: any"),
	STRANGER(BYTES, max_memory, 0, 64ULL << 30, "of a test; 0: the site's cap"),
	STRANGER(UINT, max_tests, 0, 10000, "of one request; 0: the site's cap"),
	STRANGER(BYTES, max_source, 0, 16 << 20, "of one request; 0: the site's cap"),
	STRANGER(WORDS, languages, 0, 0, "ids; [ ] is all"),
	{ 0 },
};

static const struct conf_key profile_keys[] = {
#define X(member, json, kind_, lo, hi, help_)                                            \
	ROW(kind_, #member, struct profile, run.member, lo, hi, help_),
	LIMITS_ROWS(X)
#undef X
	    ROW(MSEC, "slack_ms", struct profile, slack_ms, 0, 60000,
		"wall time beyond timeLimitMs"),
	ROW(BOOL, "fork", struct profile, fork, 0, 0, "may tests start processes?"),
	{ .name = "compile", .kind = CONF_GROUP, .help = "limits of its compiler runs" },
	{ 0 },
};

/* As limits_keys, but 0 is allowed: no cap. */
static const struct conf_key cap_keys[] = {
#define X(member, json, kind, lo, hi, help)                                              \
	CONF_ROW(kind, struct limits, member, 0, hi, help),
	LIMITS_ROWS(X)
#undef X
	    { .name = NULL },
};

void
settings_defaults(struct settings *s)
{
	*s = (struct settings){
		.socket = JB_RUNDIR "/fcgi.sock",
		.socket_group = JB_WEB_GROUP,
		.user = JB_USER,
		.helper = JB_RUNDIR "/private/sandbox.sock",
		.languages = JB_SYSCONFDIR "/languages.d",
		.idle_timeout = 300000,
		.requests_per_worker = 10000,
		.drain_timeout = 70000,
		.log_level = "info",
		.store = JB_STATEDIR,
		.log_wait = 250,
		.log_keep = 90ULL * 86400000,
		.log_max_bytes = 1ULL << 30,
		.log_min_free = 256ULL << 20,
		.audit_keep = 30ULL * 86400000,
		.flag_violations = 5,
		.flag_window = 3600000,
		.flag_time = 86400000,
		.state = JB_STATEDIR,
		.anonymous = "loopback",
		.stranger = { .rate = "20/min",
		    .total_rate = "1000/min",
		    .jobs = 2,
		    .cpu_seconds = 600 },
	};
	site_defaults(&s->site);
}

/* --- one file --- */

/* A profile that is not there yet begins as a copy of "default". */
static struct profile *
profile_for(struct site *site, const char *name)
{
	for (unsigned i = 0; i < site->nprofiles; i++)
		if (strcmp(site->profiles[i].name, name) == 0)
			return &site->profiles[i];
	if (site->nprofiles == SITE_PROFILES || strlen(name) >= PROFILE_NAME_MAX)
		return NULL;

	struct profile *p = &site->profiles[site->nprofiles++];
	*p = site->profiles[0];
	snprintf(p->name, sizeof(p->name), "%s", name);
	return p;
}

static int
read_profile(const struct conf *c, struct site *site, const char *name, struct err *e)
{
	char path[128];

	snprintf(path, sizeof(path), "profiles.%.60s", name);
	struct profile *p = profile_for(site, name);
	if (p == NULL)
		return conf_fault(c, path, e,
		    "profile '%.40s': more than %d profiles, or a name of more than %d "
		    "bytes",
		    name, SITE_PROFILES, PROFILE_NAME_MAX - 1);
	if (conf_read(c, path, profile_keys, p, e) == -1)
		return -1;
	snprintf(path, sizeof(path), "profiles.%.60s.compile", name);
	return conf_read(c, path, limits_keys, &p->compile, e);
}

static int
read_profiles(const struct conf *c, struct site *site, struct err *e)
{
	struct words names;

	if (conf_names(c, "profiles", &names, e) == -1)
		return -1;
	/* "default" first, whatever its place: others copy it. */
	if (words_has(&names, "default") && read_profile(c, site, "default", e) == -1)
		return -1;
	for (const char *n = words_next(&names, NULL); n != NULL;
	     n = words_next(&names, n))
		if (strcmp(n, "default") != 0 && read_profile(c, site, n, e) == -1)
			return -1;
	return 0;
}

static int
check_level(const struct conf *c, const struct settings *s, struct err *e)
{
	enum log_level level;

	if (log_level_named(s->log_level, &level))
		return 0;
	return conf_fault(c, "log_level", e,
	    "log_level: '%s' is none of error, warn, info, debug", s->log_level);
}

/* Relative to what?  A daemon has no place of its own. */
static int
check_paths(const struct conf *c, const struct settings *s, struct err *e)
{
	const struct {
		const char *key, *path;
	} rows[] = {
		{ "socket", s->socket },
		{ "helper", s->helper },
		{ "languages", s->languages },
		{ "store", s->store },
		{ "state", s->state },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].path[0] != '/' &&
		    (rows[i].path[0] != '\0' || strcmp(rows[i].key, "store") != 0))
			return conf_fault(c, rows[i].key, e,
			    "%s: '%.80s' is not an absolute path", rows[i].key,
			    rows[i].path);
	return 0;
}

/* What no browser would ever send is a mistake that nothing else would show. */
static int
check_origins(const struct conf *c, const struct words *origins, struct err *e)
{
	for (const char *o = words_next(origins, NULL); o != NULL;
	     o = words_next(origins, o)) {
		const char *host = strstr(o, "://");

		if (strcmp(o, "*") == 0 || strcmp(o, "null") == 0)
			continue;
		if (host == NULL || host == o || host[3] == '\0' ||
		    strspn(o, ORIGIN_LETTERS) != strlen(o) ||
		    strchr(host + 3, '/') != NULL)
			return conf_fault(c, "cors_origins", e,
			    "cors_origins: '%.80s' is not like https://host or "
			    "http://host:port, in lower case",
			    o);
	}
	return 0;
}

/* Without port, as browsers send it but for capitals. */
static int
check_hosts(const struct conf *c, const struct words *hosts, struct err *e)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789.-";

	for (const char *h = words_next(hosts, NULL); h != NULL; h = words_next(hosts, h))
		if (h[0] == '\0' || h[strspn(h, letters)] != '\0')
			return conf_fault(c, "local_hosts", e,
			    "local_hosts: '%.80s' is no name of a host, in lower case "
			    "and without port",
			    h);
	return 0;
}

static int
read_rate(const struct conf *c, const char *path, const char *text, struct rate *out,
    struct err *e)
{
	struct err why;

	if (text[0] == '\0' || rate_parse(text, out, &why) == 0)
		return 0;
	return conf_fault(c, path, e, "%s: %s", path, why.msg);
}

static int
read_access(const struct conf *c, struct settings *s, struct err *e)
{
	static const char *const modes[] = { [ANONYMOUS_LOOPBACK] = "loopback",
		[ANONYMOUS_OFF] = "off",
		[ANONYMOUS_ADDRESS] = "address" };
	struct access *a = &s->site.access;
	struct identity *who = &a->stranger;
	struct allowance *each = &who->each_user;
	unsigned mode = 0;

	while (mode < 3 && strcmp(modes[mode], s->anonymous) != 0)
		mode++;
	if (mode == 3)
		return conf_fault(c, "anonymous", e,
		    "anonymous: '%s' is none of loopback, off, address", s->anonymous);
	a->anonymous = (enum anonymous_mode)mode;
	each->rate = (struct rate){ .burst = s->stranger.burst };
	who->own.rate = (struct rate){ .burst = 0 };
	if (read_rate(c, "anonymous_limits.rate", s->stranger.rate, &each->rate, e) ==
		-1 ||
	    read_rate(c, "anonymous_limits.total_rate", s->stranger.total_rate,
		&who->own.rate, e) == -1)
		return -1;
	who->own.jobs = s->stranger.total_jobs;
	who->own.cpu_ms = s->stranger.total_cpu_seconds * 1000;
	each->jobs = s->stranger.jobs;
	each->cpu_ms = s->stranger.cpu_seconds * 1000;
	who->slots = s->stranger.slots;
	who->max_memory = s->stranger.max_memory;
	who->max_tests = s->stranger.max_tests;
	who->max_source = s->stranger.max_source;
	who->languages = s->stranger.languages;
	return 0;
}

static int
read_file(const struct conf *c, struct settings *s, struct err *e)
{
	if (conf_read(c, NULL, keys, s, e) == -1 ||
	    conf_read(c, "anonymous_limits", stranger_keys, s, e) == -1 ||
	    read_access(c, s, e) == -1 ||
	    conf_read(c, "caps", cap_keys, &s->site.cap, e) == -1 ||
	    conf_read(c, "compile_caps", cap_keys, &s->site.compile_cap, e) == -1 ||
	    read_profiles(c, &s->site, e) == -1)
		return -1;
	if (check_paths(c, s, e) == -1 ||
	    check_origins(c, &s->site.cors_origins, e) == -1 ||
	    check_hosts(c, &s->site.access.local_hosts, e) == -1)
		return -1;
	return check_level(c, s, e);
}

/* --- all files --- */

/* Kept open until the end, so that a rule over several of them can name a line. */
struct files {
	struct conf *conf[FILES_MAX]; /* owned */
	unsigned n;
};

static void
files_close(struct files *f)
{
	for (unsigned i = 0; i < f->n; i++)
		conf_close(f->conf[i]);
}

static int
add_file(struct files *f, const char *path, struct settings *s, struct err *e)
{
	if (f->n == FILES_MAX)
		return err_set(e, ERR_OVER_LIMIT, "%s: more than %d configuration files",
		    path, FILES_MAX);
	if (conf_open(path, &f->conf[f->n], e) == -1)
		return -1;
	f->n++;
	return read_file(f->conf[f->n - 1], s, e);
}

static int
is_fragment(const struct dirent *d)
{
	const char *dot = strrchr(d->d_name, '.');

	return d->d_name[0] != '.' && dot != NULL && strcmp(dot, ".conf") == 0;
}

static int
by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int
add_fragments(struct files *f, const char *main_path, struct settings *s, struct err *e)
{
	char dir[256], path[512];
	const char *slash = strrchr(main_path, '/');
	struct dirent **list = NULL;
	int rc = 0;

	snprintf(dir, sizeof(dir), "%.*s/conf.d",
	    slash != NULL ? (int)(slash - main_path) : 1,
	    slash != NULL ? main_path : ".");
	int n = scandir(dir, &list, is_fragment, by_name);
	if (n == -1)
		return errno == ENOENT ? 0 : err_sys(e, "read %s", dir);
	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/%.250s", dir, list[i]->d_name);
		if (rc == 0)
			rc = add_file(f, path, s, e);
		free(list[i]);
	}
	free(list);
	return rc;
}

/* --- rules over all of it --- */

static int
is_named(const struct conf *c, const char *group, const char *member)
{
	struct words names;
	struct err why;

	return conf_names(c, group, &names, &why) == 0 && words_has(&names, member);
}

/* The line to blame: the last that set the value, else the last that set its cap. */
static int
blame(const struct files *f, const char *group, const char *cap_group, const char *member,
    struct err *e, const char *text)
{
	const char *groups[] = { group, cap_group };
	char path[160];

	for (size_t g = 0; g < 2; g++)
		for (unsigned i = f->n; i-- > 0;)
			if (is_named(f->conf[i], groups[g], member)) {
				snprintf(path, sizeof(path), "%s.%s", groups[g], member);
				return conf_fault(f->conf[i], path, e, "%s", text);
			}
	return err_set(e, ERR_BUG, "built-in settings: %s", text);
}

static int
check_profile(const struct files *f, const struct site *site, const struct profile *p,
    struct err *e)
{
	char run_group[80], compile_group[96], text[160];
	struct err why = { 0 };
	unsigned row = 0;

	snprintf(run_group, sizeof(run_group), "profiles.%s", p->name);
	snprintf(compile_group, sizeof(compile_group), "profiles.%s.compile", p->name);
	const struct {
		const struct limits *have, *cap;
		const char *group, *cap_group;
	} pairs[] = {
		{ &p->run, &site->cap, run_group, "caps" },
		{ &p->compile, &site->compile_cap, compile_group, "compile_caps" },
	};
	for (size_t i = 0; i < 2; i++) {
		if (pairs[i].have->cpu_share == 0 && pairs[i].cap->cpu_share != 0) {
			snprintf(text, sizeof(text),
			    "%s.cpu_share: 0, no throttle, is above %s.cpu_share",
			    pairs[i].group, pairs[i].cap_group);
			return blame(
			    f, pairs[i].group, pairs[i].cap_group, "cpu_share", e, text);
		}
		if (limits_check(pairs[i].have, pairs[i].cap, &row, &why) == 0)
			continue;
		snprintf(text, sizeof(text),
		    "%s.%s: %" PRIu64 " is above %s.%s, %" PRIu64, pairs[i].group,
		    limits_keys[row].name, limits_get(pairs[i].have, row),
		    pairs[i].cap_group, limits_keys[row].name,
		    limits_get(pairs[i].cap, row));
		return blame(f, pairs[i].group, pairs[i].cap_group, limits_keys[row].name,
		    e, text);
	}
	return 0;
}

/* The last file that set either of the two is to blame. */
static int
blame_pair(const struct files *f, const char *name, uint64_t value, const char *bound,
    uint64_t most, struct err *e)
{
	for (unsigned i = f->n; i-- > 0;) {
		bool named = is_named(f->conf[i], NULL, name);

		if (named || is_named(f->conf[i], NULL, bound))
			return conf_fault(f->conf[i], named ? name : bound, e,
			    "%s: %" PRIu64 " is above %s, %" PRIu64, name, value, bound,
			    most);
	}
	return err_set(e, ERR_BUG, "built-in settings: %s is above %s", name, bound);
}

static int
check_rules(const struct files *f, const struct settings *s, struct err *e)
{
	const struct site *site = &s->site;

	if (site->max_source_bytes > site->max_body_bytes)
		return blame_pair(f, "max_source_bytes", site->max_source_bytes,
		    "max_body_bytes", site->max_body_bytes, e);
	if (s->max_workers > 0 && s->workers > s->max_workers)
		return blame_pair(
		    f, "workers", s->workers, "max_workers", s->max_workers, e);
	for (unsigned i = 0; i < site->nprofiles; i++)
		if (check_profile(f, site, &site->profiles[i], e) == -1)
			return -1;
	return 0;
}

int
settings_load(const char *path, struct settings *out, struct err *e)
{
	__attribute__((cleanup(files_close))) struct files f = { 0 };
	struct settings s;

	settings_defaults(&s);
	if (add_file(&f, path, &s, e) == -1 || add_fragments(&f, path, &s, e) == -1 ||
	    check_rules(&f, &s, e) == -1)
		return -1;
	*out = s;
	return 0;
}

enum log_level
settings_log_level(const struct settings *s)
{
	enum log_level level = LOG_LEVEL_INFO;

	log_level_named(s->log_level, &level);
	return level;
}
