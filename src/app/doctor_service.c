/* Whether the parts of a judgebox are there and find each other. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/cli.h"
#include "app/doctor.h"
#include "base/scope.h"
#include "base/log.h"
#include "box/box.h"
#include "store/runs.h"

#define MIB            ((uint64_t)1 << 20)
#define DISK_MIN_BYTES (512 * MIB)
#define NGINX          "/usr/sbin/nginx"

static void
check_user(struct doctor *d, struct finding *f)
{
	const struct passwd *pw = getpwnam(d->settings.user);

	if (pw == NULL)
		doctor_found(f, HEALTH_FAIL, "no user '%s'", d->settings.user);
	else if (pw->pw_uid == 0)
		doctor_found(f, HEALTH_FAIL, "'%s' is root", d->settings.user);
	else
		doctor_found(
		    f, HEALTH_OK, "%s, id %u", d->settings.user, (unsigned)pw->pw_uid);
}

static void
check_helper(struct doctor *d, struct finding *f)
{
	scope_box b = NULL;
	struct box_state s = { 0 };
	struct err e = { 0 };
	char text[400];

	if (box_connect(d->settings.helper, &b, &e) == -1 || box_status(b, &s, &e) == -1)
		doctor_found(f, !d->root && e.sys == EACCES ? HEALTH_WARN : HEALTH_FAIL,
		    "%s", err_text(&e, text, sizeof(text)));
	else if (s.ready - s.spare < s.slots)
		doctor_found(f, s.ready == 0 ? HEALTH_FAIL : HEALTH_WARN,
		    "%u of %u slots ready: %.100s", s.ready - s.spare, s.slots, s.why);
	else
		doctor_found(f, HEALTH_OK, "%u slots, %u busy", s.slots, s.busy);
	d->have_caps = s.slots > 0;
	d->caps = s.caps;
	d->most_slots = s.most_slots;
	d->weaker = s.weaker;
}

/* --- the filters that our own processes have entered
 * ------------------------------------
 */

struct seen {
	unsigned all, filtered;
};

/* A process by the name that the kernel keeps of it, 15 letters. */
static void
look_at(const char *pid, struct seen *helpers, struct seen *services)
{
	char path[300], line[256], name[32] = "";
	unsigned mode = 0;

	snprintf(path, sizeof(path), "/proc/%.16s/status", pid);
	FILE *in = fopen(path, "re");
	while (in != NULL && fgets(line, sizeof(line), in) != NULL) {
		sscanf(line, "Name: %31s", name);
		sscanf(line, "Seccomp: %u", &mode);
	}
	if (in != NULL)
		fclose(in);
	struct seen *s = strcmp(name, "judgebox-sandbo") == 0 ? helpers
			 : strcmp(name, "judgebox-fcgi") == 0 ? services
							      : NULL;
	if (s == NULL)
		return;
	s->all++;
	s->filtered += mode == 2;
}

/* The master of a service has none: it reads nothing of a client's. */
static void
check_filters(struct doctor *d, struct finding *f)
{
	struct seen helpers = { 0 }, services = { 0 };
	DIR *proc = opendir("/proc");

	(void)d;
	for (const struct dirent *e; proc != NULL && (e = readdir(proc)) != NULL;)
		if (e->d_name[0] >= '1' && e->d_name[0] <= '9')
			look_at(e->d_name, &helpers, &services);
	if (proc != NULL)
		closedir(proc);
	bool good = helpers.filtered > 0 && services.filtered > 0;
	doctor_found(f, good ? HEALTH_OK : HEALTH_WARN,
	    "helper: %u of %u; application: %u of %u processes", helpers.filtered,
	    helpers.all, services.filtered, services.all);
}

/* What requests may ask for: where there is no cap, all that anybody may ever set. */
static struct limits
widest(const struct limits *cap)
{
	struct limits all = *cap;

	for (unsigned i = 0; limits_keys[i].name != NULL; i++)
		if (limits_get(cap, i) == 0)
			limits_set(&all, i, limits_keys[i].max);
	return all;
}

/* True, and said, if a limit is above its cap. */
static bool
above(struct finding *f, enum health h, const char *whose, const char *group,
    const struct limits *want, const char *cap_name, const struct limits *cap)
{
	struct err why = { 0 };
	unsigned row = 0;

	if (limits_check(want, cap, &row, &why) == 0)
		return false;
	doctor_found(f, h, "%s%s.%s is %llu, %s %llu", whose, group,
	    limits_keys[row].name, (unsigned long long)limits_get(want, row), cap_name,
	    (unsigned long long)limits_get(cap, row));
	return true;
}

/* The helper drops who asks for more than its caps, and a job ends as an internal error:
 * whatever this site's caps let through, raised to the languages' floors, must pass. */
static void
check_caps(struct doctor *d, struct finding *f)
{
	const struct site *site = &d->settings.site;
	struct limits run = widest(&site->cap), compile = widest(&site->compile_cap);

	if (!d->have_caps) {
		doctor_found(f, HEALTH_WARN, "not compared with the helper's");
		return;
	}
	if (above(f, HEALTH_FAIL, "", "caps", &run, "the helper's", &d->caps) ||
	    above(f, HEALTH_FAIL, "", "compile_caps", &compile, "the helper's", &d->caps))
		return;
	for (unsigned i = 0; d->langs != NULL && i < langs_count(d->langs); i++) {
		const struct lang *l = langs_at(d->langs, i);
		char whose[LANG_ID_MAX + 8];

		snprintf(whose, sizeof(whose), "%s: ", l->id);
		if (above(f, HEALTH_FAIL, whose, "floor", &l->floor, "the helper's cap",
			&d->caps) ||
		    above(f, HEALTH_FAIL, whose, "compile_floor", &l->compile_floor,
			"the helper's cap", &d->caps) ||
		    above(f, HEALTH_WARN, whose, "floor", &l->floor, "the cap",
			&site->cap) ||
		    above(f, HEALTH_WARN, whose, "compile_floor", &l->compile_floor,
			"the compile cap", &site->compile_cap))
			return;
	}
	doctor_found(f, HEALTH_OK, "none above the helper's");
}

/* May the web server's group search the socket's directory? */
static bool
can_pass(const char *path, const char *group)
{
	char dir[sizeof(((struct settings *)0)->socket)];
	const struct group *g = getgrnam(group);
	struct stat st;
	const char *slash = strrchr(path, '/');

	snprintf(dir, sizeof(dir), "%.*s", slash != NULL ? (int)(slash - path) : 0, path);
	if (stat(dir, &st) == -1 || g == NULL)
		return true; /* somebody else's complaint */
	return (st.st_mode & S_IXOTH) != 0 ||
	       (st.st_gid == g->gr_gid && (st.st_mode & S_IXGRP) != 0);
}

static void
check_socket(struct doctor *d, struct finding *f)
{
	struct stat st;

	if (stat(d->settings.socket, &st) == -1)
		doctor_found(f, !d->root && errno == EACCES ? HEALTH_WARN : HEALTH_FAIL,
		    "%s: %s", d->settings.socket, strerror(errno));
	else if (!S_ISSOCK(st.st_mode))
		doctor_found(f, HEALTH_FAIL, "%s is no socket", d->settings.socket);
	else if ((st.st_mode & 07) != 0)
		doctor_found(f, HEALTH_FAIL, "%s is open to everybody (mode %04o)",
		    d->settings.socket, st.st_mode & 07777);
	else if (!can_pass(d->settings.socket, d->settings.socket_group))
		doctor_found(f, HEALTH_FAIL,
		    "group %s cannot reach %s through its directory",
		    d->settings.socket_group, d->settings.socket);
	else
		doctor_found(f, HEALTH_OK, "%s", d->settings.socket);
}

static void
check_ready(struct doctor *d, struct finding *f)
{
	struct client_answer a = { 0 };
	struct client_problem p = { 0 };
	struct err e = { 0 };

	if (client_call(d->url, "/readyz", NULL, 30, &a, &e) == -1) {
		doctor_found(f, HEALTH_FAIL, "%s", e.msg);
		return;
	}
	d->reached = a.status == 200;
	d->log_degraded =
	    memmem(a.body.data, a.body.len, "\"log\":\"degraded\"", 16) != NULL;
	if (d->reached)
		doctor_found(f, HEALTH_OK, "%s/readyz", d->url);
	else if (client_read_problem(&a.body, &p, &e) == -1)
		doctor_found(f, HEALTH_FAIL, "status %d, not from judgebox", a.status);
	else
		doctor_found(f, HEALTH_FAIL, "status %d: %.120s", a.status, p.text);
	buf_free(&a.body);
}

/* A body as large as the application takes must get past nginx.  It is no JSON, so
 * nothing is run. */
static void
check_body_size(struct doctor *d, struct finding *f)
{
	struct client_answer a = { 0 };
	scope_buf body = { 0 };
	struct err e = { 0 };
	uint64_t size = d->settings.site.max_body_bytes;

	if (!d->reached) {
		doctor_found(f, HEALTH_WARN, "not tried");
		return;
	}
	memset(buf_room(&body, size), ' ', size);
	body.len = size;
	if (client_call(d->url, "/api/run", &body, 60, &a, &e) == -1)
		doctor_found(f, HEALTH_FAIL, "%s", e.msg);
	else if (a.status == 413)
		doctor_found(f, HEALTH_FAIL, "%llu bytes are refused with 413",
		    (unsigned long long)size);
	else
		doctor_found(f, a.status == 400 ? HEALTH_OK : HEALTH_WARN,
		    "%llu bytes get through, status %d", (unsigned long long)size,
		    a.status);
	buf_free(&a.body);
}

/* All that nginx reads, as it understands it: "nginx -T".  Empty if it cannot be had. */
static void
read_nginx(struct buf *out)
{
	int end[2];
	ssize_t n = 1;

	if (access(NGINX, X_OK) == -1 || pipe2(end, O_CLOEXEC) == -1)
		return;
	pid_t pid = fork();
	if (pid == 0) {
		int null = open("/dev/null", O_RDWR | O_CLOEXEC);
		if (dup2(end[1], STDOUT_FILENO) != -1 && dup2(null, STDERR_FILENO) != -1)
			execl(NGINX, NGINX, "-T", (char *)NULL);
		_exit(127);
	}
	close(end[1]);
	while (n > 0 && out->len < 64 * MIB) {
		n = read(end[0], buf_room(out, 65536), 65536);
		out->len += (size_t)(n > 0 ? n : 0);
	}
	close(end[0]);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	buf_cstr(out);
}

/* Is it in the text, and not in a comment? */
static bool
is_set(const char *text, const char *directive)
{
	for (const char *at = strstr(text, directive); at != NULL;
	     at = strstr(at + 1, directive)) {
		const char *line = at;
		while (line > text && line[-1] != '\n')
			line--;
		if (memchr(line, '#', (size_t)(at - line)) == NULL)
			return true;
	}
	return false;
}

static void
check_nginx(struct doctor *d, struct finding *f)
{
	scope_buf text = { 0 };

	read_nginx(&text);
	if (text.len == 0)
		doctor_found(
		    f, HEALTH_WARN, "its configuration cannot be read (%s -T)", NGINX);
	else if (!is_set(text.data, d->settings.socket))
		doctor_found(
		    f, HEALTH_WARN, "no enabled site passes to %s", d->settings.socket);
	else if (is_set(text.data, "fastcgi_keep_conn on"))
		doctor_found(f, HEALTH_FAIL, "fastcgi_keep_conn is on");
	else
		doctor_found(f, HEALTH_OK, "a site passes to the socket");
}

static void
check_languages(struct doctor *d, struct finding *f)
{
	__attribute__((
	    cleanup(client_languages_free))) struct client_languages all = { 0 };
	struct client_answer a = { 0 };
	struct err e = { 0 };
	char missing[120] = "", unknown[120] = "";
	unsigned installed = 0;

	for (unsigned i = 0; d->langs != NULL && i < langs_count(d->langs); i++) {
		installed += langs_at(d->langs, i)->installed;
		if (!langs_at(d->langs, i)->installed)
			snprintf(missing + strlen(missing),
			    sizeof(missing) - strlen(missing), " %s",
			    langs_at(d->langs, i)->id);
	}
	if (d->reached && client_call(d->url, "/api/languages", NULL, 30, &a, &e) == 0)
		client_read_languages(&a.body, &all, &e);
	buf_free(&a.body);
	for (unsigned i = 0; i < all.count; i++)
		if (all.list[i].version[0] == '\0')
			snprintf(unknown + strlen(unknown),
			    sizeof(unknown) - strlen(unknown), " %s", all.list[i].id);
	if (d->reached && all.count < installed)
		doctor_found(f, HEALTH_FAIL,
		    "%u are installed, the service has %u: reload it", installed,
		    all.count);
	else if (missing[0] != '\0')
		doctor_found(f, HEALTH_WARN, "not installed:%s", missing);
	else if (unknown[0] != '\0')
		doctor_found(f, HEALTH_WARN, "cannot say their version:%s", unknown);
	else
		doctor_found(f, HEALTH_OK, "all installed%s",
		    d->reached ? ", and each says its version" : "");
}

static void
check_disk(struct doctor *d, struct finding *f)
{
	static const char *const places[] = { "/", "/tmp", "/var", JB_RUNDIR };
	struct statvfs v;

	(void)d;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (statvfs(places[i], &v) == -1)
			continue;
		uint64_t left = (uint64_t)v.f_bavail * v.f_frsize;
		if (strcmp(places[i], JB_RUNDIR) != 0 && left < DISK_MIN_BYTES) {
			doctor_found(f, HEALTH_WARN, "%s: %llu MiB left", places[i],
			    (unsigned long long)(left / MIB));
			return;
		}
		if (v.f_files != 0 && v.f_favail * 100 < v.f_files) {
			doctor_found(f, HEALTH_WARN, "%s: inodes run out", places[i]);
			return;
		}
		if (i == 0)
			doctor_found(f, HEALTH_OK, "%llu MiB left",
			    (unsigned long long)(left / MIB));
	}
}

/* The files as the service would find them, and what it says of its log itself. */
static void
check_store(struct doctor *d, struct finding *f)
{
	static const struct db_options how = { .readonly = true, .busy_ms = 1000 };
	const char *store = d->settings.store;
	scope_db db = NULL;
	struct db_space space = { 0 };
	struct err e = { 0 };
	char text[400];

	if (store[0] == '\0') {
		doctor_found(f, HEALTH_OK, "off");
		return;
	}
	if (access(store, F_OK) == -1 && errno == ENOENT) {
		doctor_found(f, HEALTH_WARN, "no directory %s: nothing is logged", store);
		return;
	}
	if (runs_open(store, &how, &db, &e) == -1 || db_size(db, &space, &e) == -1) {
		bool hidden = !d->root && (e.sys == EACCES || e.sys == EPERM);
		doctor_found(f, hidden || e.sys == ENOENT ? HEALTH_WARN : HEALTH_FAIL,
		    "%s", err_text(&e, text, sizeof(text)));
		return;
	}
	if (d->log_degraded) {
		doctor_found(
		    f, HEALTH_FAIL, "the service cannot write it: its log says why");
		return;
	}
	doctor_found(f, HEALTH_OK, "%llu of %llu MiB used",
	    (unsigned long long)(space.used / MIB),
	    (unsigned long long)(d->settings.log_max_bytes / MIB));
}

const struct doctor_row doctor_service[] = {
	{ "user", check_user,
	    "useradd --system --user-group --no-create-home --shell /usr/sbin/nologin "
	    "it." },
	{ "filters", check_filters,
	    "start both services; with both running, each helper and each worker has "
	    "one: "
	    "see their logs." },
	{ "helper", check_helper,
	    "start judgebox-sandbox as root or by judgebox-rootless, with the same "
	    "`user` and socket; its log "
	    "says "
	    "what it misses." },
	{ "caps", check_caps,
	    "keep `caps` and `compile_caps` of judgebox.conf at or below `caps` of "
	    "sandbox.conf, and the floors of language files below both." },
	{ "memory", doctor_check_memory,
	    "should all slots be full at once, the kernel ends a program that is below "
	    "its "
	    "own limit: it is run once more, and then is an internal_error.  Lower "
	    "memory_bytes of `caps` and `compile_caps` in judgebox.conf, or slots and "
	    "max_slots in sandbox.conf, or raise MemoryMax (systemctl edit "
	    "judgebox.slice)." },
	{ "FastCGI socket", check_socket,
	    "start judgebox-fcgi, its log says what it misses; the web server must be "
	    "able to "
	    "pass the socket's directory (chmod o+x)." },
	{ "service", check_ready,
	    "start nginx with the site, or say where it is with --url." },
	{ "body size", check_body_size,
	    "raise client_max_body_size in the nginx site to max_body_bytes." },
	{ "nginx", check_nginx,
	    "include judgebox.conf in nginx's http { }; never switch fastcgi_keep_conn "
	    "on: an "
	    "idle connection would hold a worker." },
	{ "languages", check_languages,
	    "install them, or take their files away; a version unknown at first is asked "
	    "for "
	    "again when judgebox-fcgi is reloaded." },
	{ "run log", check_store,
	    "make the directory of `store`, for the service's user; judgebox db check, "
	    "and "
	    "db recover where it is damaged." },
	{ "disk", check_disk, "make room: nginx buffers requests and answers on it." },
	{ 0 },
};
