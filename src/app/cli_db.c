/* judgebox db: care for the files of the store. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "app/cli_store.h"
#include "base/log.h"
#include "store/audit.h"
#include "store/keys.h"
#include "store/runs.h"

#define WAIT_MS 10000

struct place {
	const struct cli_pick *pick;
	char path[300];
};

static int
open_plain(const struct place *f, bool write, struct db **out, struct err *e)
{
	const struct db_options how = { .readonly = !write, .busy_ms = WAIT_MS };

	return db_open(f->path, &how, out, e);
}

static int
do_backup(const struct place *f, const char *arg, struct err *e)
{
	char absolute[400], cwd[300];
	scope_db d = NULL;

	if (arg[0] != '/' && getcwd(cwd, sizeof(cwd)) == NULL)
		return err_sys(e, "getcwd");
	snprintf(absolute, sizeof(absolute), "%s%s%.90s", arg[0] == '/' ? "" : cwd,
	    arg[0] == '/' ? "" : "/", arg);
	if (arg[0] == '/')
		snprintf(absolute, sizeof(absolute), "%.390s", arg);
	if (open_plain(f, false, &d, e) == -1 || db_backup(d, absolute, e) == -1)
		return -1;
	printf("%s: a copy of %s\n", absolute, f->path);
	return 0;
}

static int
do_check(const struct place *f, const char *arg, struct err *e)
{
	struct db_space s;
	scope_db d = NULL;

	(void)arg;
	if (open_plain(f, false, &d, e) == -1 || db_check(d, e) == -1 ||
	    db_size(d, &s, e) == -1)
		return -1;
	printf("%s: well, %" PRIu64 " KiB on the disk, %" PRIu64 " of them unused\n",
	    f->path, s.disk >> 10, s.unused >> 10);
	return 0;
}

static int
do_vacuum(const struct place *f, const char *arg, struct err *e)
{
	struct db_space before, after;
	scope_db d = NULL;

	(void)arg;
	if (open_plain(f, true, &d, e) == -1 || db_size(d, &before, e) == -1 ||
	    db_vacuum(d, e) == -1 || db_size(d, &after, e) == -1)
		return -1;
	printf("%s: %" PRIu64 " KiB, %" PRIu64 " KiB before\n", f->path, after.disk >> 10,
	    before.disk >> 10);
	return 0;
}

static int
do_migrate(const struct place *f, const char *arg, struct err *e)
{
	const struct db_options how = { .create = true, .busy_ms = WAIT_MS };

	(void)arg;
	if (f->pick->keys) {
		scope_keys k = NULL;
		if (keys_open_admin(f->path, &k, e) == -1)
			return -1;
	} else {
		scope_db d = NULL;
		if (runs_open(f->pick->store, &how, &d, e) == -1)
			return -1;
	}
	printf("%s: up to date\n", f->path);
	return 0;
}

/* --- recover --- */

/* Out of the way, with its journal: nothing of it is lost, and it can be tried again. */
static int
put_aside(const char *path, char aside[400], struct err *e)
{
	static const char *const parts[] = { "", "-wal", "-shm" };
	time_t now = time(NULL);
	struct tm tm;
	char stamp[32], from[420], to[440];

	gmtime_r(&now, &tm);
	strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &tm);
	snprintf(aside, 400, "%s.broken-%s", path, stamp);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		snprintf(from, sizeof(from), "%s%s", path, parts[i]);
		snprintf(to, sizeof(to), "%s%s", aside, parts[i]);
		if (rename(from, to) == -1 && (i == 0 || errno != ENOENT))
			return err_sys(e, "rename %.200s", from);
	}
	return 0;
}

/* Rows whose other half was lost. */
static int
drop_orphans(struct db *d, struct err *e)
{
	return db_exec(d,
	    "DELETE FROM tests WHERE job NOT IN (SELECT n FROM jobs);"
	    "DELETE FROM texts WHERE job NOT IN (SELECT n FROM jobs);"
	    "DELETE FROM evidence WHERE n NOT IN (SELECT n FROM audit)",
	    e);
}

static int
recover_log(const struct place *f, struct err *e)
{
	const struct db_options how = { .create = true, .busy_ms = WAIT_MS };
	char aside[400], text[400];
	int64_t rows = 0, jobs = 0, count = 0;
	struct err why = { 0 };
	scope_db d = NULL;

	if (put_aside(f->path, aside, e) == -1 ||
	    runs_open(f->pick->store, &how, &d, e) == -1)
		return -1;
	printf("%s: kept as %s\n", f->path, aside);
	bool whole = db_salvage(d, aside, &rows, &why) == 0;
	if (!whole)
		printf("not all of it can be read: %s\n",
		    err_text(&why, text, sizeof(text)));
	if (drop_orphans(d, e) == -1 || db_check(d, e) == -1 ||
	    runs_count(d, &jobs, e) == -1)
		return -1;
	printf("saved %" PRId64 " rows, %" PRId64 " jobs\n", rows, jobs);
	if (audit_verify(d, 0, NULL, &count, &why) == -1)
		printf("audit trail: %s\n", why.msg);
	else
		printf("audit trail: whole, %" PRId64 " records\n", count);
	return audit_action(f->pick->store, "log_recovered", NULL, NULL,
	    whole ? "all of it" : "in part", e);
}

static int
do_recover(const struct place *f, const char *arg, struct err *e)
{
	int pid = 0;

	(void)arg;
	if (f->pick->keys)
		return err_set(e, ERR_BAD_INPUT,
		    "keys cannot be guessed: restore a backup, or move %s away and make "
		    "new ones",
		    f->path);
	if (access(f->path, F_OK) == -1)
		return err_sys(e, "%s", f->path);
	if (db_in_use(f->path, &pid, e) == -1)
		return -1;
	if (pid != 0)
		return err_set(e, ERR_BUSY,
		    "%s: process %d has it open: stop the service first", f->path, pid);
	return recover_log(f, e);
}

static const struct {
	const char *name, *takes;
	int arguments;
	int (*run)(const struct place *f, const char *arg, struct err *e);
} verbs[] = {
	{ "backup", "keys ", 1, do_backup },
	{ "check", "keys ", 0, do_check },
	{ "recover", "keys ", 0, do_recover },
	{ "vacuum", "keys ", 0, do_vacuum },
	{ "migrate", "keys ", 0, do_migrate },
};

int
cmd_db(int argc, char **argv)
{
	struct cli_pick p = { 0 };
	struct place f = { .pick = &p };
	struct err e = { 0 };

	if (argc < 2)
		return cli_usage("db wants backup, check, recover, vacuum or migrate");
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(verbs[i].name, argv[1]) != 0)
			continue;
		int status = cli_pick(argc - 1, argv + 1, verbs[i].takes, &p);
		if (status != -1)
			return status;
		if (argc - 1 - optind != verbs[i].arguments)
			return cli_usage("db %s wants %s", verbs[i].name,
			    verbs[i].arguments == 1 ? "the FILE to make"
						    : "no further word");
		runs_path(p.store, f.path);
		if (p.keys)
			snprintf(f.path, sizeof(f.path), "%s/" KEYS_FILE, p.state);
		if (verbs[i].run(&f, argv[1 + optind], &e) == -1)
			return cli_fail(CLI_FAILED, &e);
		return 0;
	}
	return cli_usage("db has no '%s'", argv[1]);
}
