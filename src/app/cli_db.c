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
#include "store/action.h"
#include "store/keys.h"
#include "store/runs.h"
#include "store/shares.h"
#include "store/trail.h"

#define WAIT_MS 10000

static int
open_plain(const struct cli_pick *p, bool write, struct db **out, struct err *e)
{
	const struct db_options how = { .readonly = !write, .busy_ms = WAIT_MS };

	return db_open(p->file, &how, out, e);
}

static int
do_backup(struct db *log, const struct cli_pick *p, const char *arg, struct err *e)
{
	char absolute[400], cwd[300];
	scope_db d = NULL;

	(void)log;
	if (arg[0] != '/' && getcwd(cwd, sizeof(cwd)) == NULL)
		return err_sys(e, "getcwd");
	snprintf(absolute, sizeof(absolute), "%s%s%.90s", arg[0] == '/' ? "" : cwd,
	    arg[0] == '/' ? "" : "/", arg);
	if (arg[0] == '/')
		snprintf(absolute, sizeof(absolute), "%.390s", arg);
	if (open_plain(p, false, &d, e) == -1 || db_backup(d, absolute, e) == -1)
		return -1;
	printf("%s: a copy of %s\n", absolute, p->file);
	return 0;
}

static int
do_check(struct db *log, const struct cli_pick *p, const char *arg, struct err *e)
{
	struct db_space s;
	scope_db d = NULL;

	(void)log, (void)arg;
	if (open_plain(p, false, &d, e) == -1 || db_check(d, e) == -1 ||
	    db_size(d, &s, e) == -1)
		return -1;
	printf("%s: well, %" PRIu64 " KiB on the disk, %" PRIu64 " of them unused\n",
	    p->file, s.disk >> 10, s.unused >> 10);
	return 0;
}

static int
do_vacuum(struct db *log, const struct cli_pick *p, const char *arg, struct err *e)
{
	struct db_space before, after;
	scope_db d = NULL;

	(void)log, (void)arg;
	if (open_plain(p, true, &d, e) == -1 || db_size(d, &before, e) == -1 ||
	    db_vacuum(d, e) == -1 || db_size(d, &after, e) == -1)
		return -1;
	printf("%s: %" PRIu64 " KiB, %" PRIu64 " KiB before\n", p->file, after.disk >> 10,
	    before.disk >> 10);
	return 0;
}

static int
do_migrate(struct db *log, const struct cli_pick *p, const char *arg, struct err *e)
{
	const struct db_options how = { .create = true, .busy_ms = WAIT_MS };

	(void)log, (void)arg;
	if (p->keys) {
		scope_keys k = NULL;
		if (keys_open_admin(p->file, &k, e) == -1)
			return -1;
	} else {
		scope_db d = NULL;
		if (runs_open(p->store, &how, &d, e) == -1)
			return -1;
	}
	printf("%s: up to date\n", p->file);
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
recover_log(const struct cli_pick *p, struct err *e)
{
	const struct db_options how = { .create = true, .busy_ms = WAIT_MS };
	char aside[400], text[400];
	int64_t rows = 0, jobs = 0, count = 0;
	struct err why = { 0 };
	scope_db d = NULL;

	if (put_aside(p->file, aside, e) == -1 || runs_open(p->store, &how, &d, e) == -1)
		return -1;
	printf("%s: kept as %s\n", p->file, aside);
	bool whole = db_salvage(d, aside, &rows, &why) == 0;
	if (!whole)
		printf("not all of it can be read: %s\n",
		    err_text(&why, text, sizeof(text)));
	if (drop_orphans(d, e) == -1 || shares_reckon(d, e) == -1 ||
	    db_check(d, e) == -1 || runs_count(d, &jobs, e) == -1)
		return -1;
	printf("saved %" PRId64 " rows, %" PRId64 " jobs\n", rows, jobs);
	if (trail_verify(d, 0, NULL, &count, &why) == -1)
		printf("audit trail: %s\n", why.msg);
	else
		printf("audit trail: whole, %" PRId64 " records\n", count);
	return action_record(
	    p->store, "log_recovered", NULL, NULL, whole ? "all of it" : "in part", e);
}

static int
do_recover(struct db *log, const struct cli_pick *p, const char *arg, struct err *e)
{
	int pid = 0;

	(void)log, (void)arg;
	if (p->keys)
		return err_set(e, ERR_BAD_INPUT,
		    "keys cannot be guessed: restore a backup, or move %s away and make "
		    "new ones",
		    p->file);
	if (access(p->file, F_OK) == -1)
		return err_sys(e, "%s", p->file);
	if (db_in_use(p->file, &pid, e) == -1)
		return -1;
	if (pid != 0)
		return err_set(e, ERR_BUSY,
		    "%s: process %d has it open: stop the service first", p->file, pid);
	return recover_log(p, e);
}

static const struct cli_verb verbs[] = {
	{ "backup", "keys ", "the FILE to make", NULL, CLI_LOG_UNUSED, do_backup },
	{ "check", "keys ", NULL, NULL, CLI_LOG_UNUSED, do_check },
	{ "recover", "keys ", NULL, NULL, CLI_LOG_UNUSED, do_recover },
	{ "vacuum", "keys ", NULL, NULL, CLI_LOG_UNUSED, do_vacuum },
	{ "migrate", "keys ", NULL, NULL, CLI_LOG_UNUSED, do_migrate },
	{ .name = NULL },
};

int
cmd_db(int argc, char **argv)
{
	return cli_verbs("db", verbs, argc, argv);
}
