/* judgebox log: who had what judged when. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "api/auth.h"
#include "app/cli_store.h"
#include "app/export.h"
#include "app/gate.h"
#include "app/table.h"
#include "judge/quota.h"
#include "store/action.h"
#include "store/keys.h"
#include "store/prune.h"

#define NEWEST       20 /* that a list shows */
#define DELETE_JOBS  50 /* in one transaction: the service waits for it */
#define SHRINK_BYTES ((uint64_t)1 << 40)
#define WIPE_ROUNDS  100

/* --- list --- */

static int
list_row(void *ctx, const struct run_row *r, struct err *e)
{
	char when[WHEN_TEXT], id[9], passed[48], ms[24];

	(void)e;
	when_text(r->at, when);
	snprintf(id, sizeof(id), "%s", r->id);
	snprintf(passed, sizeof(passed), "%" PRId64 "/%" PRId64, r->passed, r->compared);
	snprintf(ms, sizeof(ms), "%.1f", (double)r->took_us / 1000);
	table_row(ctx, tint_of_verdict(r->verdict),
	    (const char *[]){ when, id, r->key, r->user, r->language, r->verdict,
		r->compared > 0 ? passed : "-", ms });
	return 0;
}

static int
print_list(struct db *d, const struct cli_pick *p, struct err *e)
{
	static const char *const heads[] = { "time", "job", "key", "user", "language",
		"verdict", "passed", "ms", NULL };
	struct table t = { .heads = heads, .right = "      rr", .tinted = 5 };
	const struct runs_filter f = cli_runs_filter(p);
	int rc =
	    runs_list(d, &f, p->limit != 0 ? p->limit : NEWEST, list_row, &t, NULL, e);

	if (rc == 0)
		table_print(&t, stdout);
	table_free(&t);
	return rc;
}

/* --- show --- */

static int
show_test(void *ctx, const struct run_test *t, struct err *e)
{
	char name[24], cpu[24], wall[24], memory[24], end[40], out[48], hash[13] = "";
	char hex[SHA256_HEX];

	(void)e;
	snprintf(name, sizeof(name), "%" PRId64, t->i + 1);
	snprintf(cpu, sizeof(cpu), "%.1f", (double)t->cpu_us / 1000);
	snprintf(wall, sizeof(wall), "%.1f", (double)t->wall_us / 1000);
	snprintf(memory, sizeof(memory), "%.1f", (double)t->memory_bytes / (1 << 20));
	snprintf(end, sizeof(end), "%s %" PRId64, t->signal != 0 ? "signal" : "exit",
	    t->signal != 0 ? t->signal : t->exit_code);
	snprintf(
	    out, sizeof(out), "%" PRId64 "+%" PRId64, t->stdout_bytes, t->stderr_bytes);
	if (t->has_input) {
		sha256_hex(&t->input, hex);
		snprintf(hash, sizeof(hash), "%.12s", hex);
	}
	table_row(ctx, tint_of_verdict(t->verdict),
	    (const char *[]){ t->i < 0 ? "compile" : name, t->verdict, cpu, wall, memory,
		end, out, hash });
	return 0;
}

static int
show_text(void *ctx, const char *kind, int64_t index, const char *name, const void *data,
    size_t len, struct err *e)
{
	(void)ctx, (void)e;
	if (name[0] != '\0')
		printf("--- %s %s\n", kind, name);
	else
		printf("--- %s of test %" PRId64 "\n", kind, index + 1);
	cli_print_safe(data, len);
	return 0;
}

static void
show_line(const char *name, const char *value)
{
	if (value[0] != '\0')
		printf("%-10s %s\n", name, value);
}

static int
show_row(void *ctx, const struct run_row *r, struct err *e)
{
	static const char *const heads[] = { "test", "verdict", "CPU ms", "wall ms",
		"MiB", "ended", "output", "input", NULL };
	struct table t = { .heads = heads, .right = "  rrr   ", .tinted = 1 };
	char when[WHEN_TEXT], hex[SHA256_HEX];

	when_text(r->at, when);
	sha256_hex(&r->source, hex);
	show_line("job", r->id);
	show_line("time", when);
	show_line("request", r->request);
	show_line("key", r->key);
	show_line("user", r->user);
	show_line("address", r->address);
	printf("%-10s %s %s, dialect %s, profile %s\n", "language", r->language,
	    r->compiler, r->dialect, r->profile);
	show_line("limits", r->limits);
	show_line("kernel", r->kernel);
	printf("%-10s %s, %" PRId64 " bytes in %" PRId64 " files\n", "source", hex,
	    r->source_bytes, r->files);
	printf("%-10s %s, %" PRId64 " tests, %" PRId64 " of %" PRId64
	       " compared passed, status %" PRId64
	       ", %.1f ms, %.1f of it in the queue%s\n",
	    "verdict", r->verdict, r->tests, r->passed, r->compared, r->status,
	    (double)r->took_us / 1000, (double)r->queue_us / 1000,
	    r->cached ? ", compiled before" : "");
	show_line("error", r->error);
	int rc = runs_tests(ctx, r->n, show_test, &t, e);
	if (rc == 0)
		table_print(&t, stdout);
	table_free(&t);
	return rc == -1 ? -1 : runs_texts(ctx, r->n, show_text, NULL, e);
}

static int
show(struct db *d, const struct cli_pick *p, const char *id, struct err *e)
{
	int rc = p->format == CLI_JSON ? export_one(d, id, e)
				       : runs_find(d, id, show_row, d, e);

	if (rc == 0)
		return err_set(e, ERR_BAD_INPUT, "no job or request '%.60s'", id);
	return rc == -1 ? -1 : 0;
}

/* --- delete --- */

static int
delete_some(struct db *d, const struct cli_pick *p, struct err *e)
{
	scope_transaction t = { 0 };

	if (db_begin(d, &t, e) == -1)
		return -1;
	int gone = prune_user(d, p->user, p->key, DELETE_JOBS, e);
	if (gone == -1 || db_commit(&t, e) == -1)
		return -1;
	return gone;
}

/* Deleted pages are in the journal until it begins anew. */
static int
wipe_journal(struct db *d, struct err *e)
{
	static const struct timespec pause = { .tv_nsec = 50000000 };
	bool done = false;

	for (int i = 0; i < WIPE_ROUNDS; i++) {
		if (db_trim(d, 0, &done, e) == -1)
			return -1;
		if (done)
			return 0;
		nanosleep(&pause, NULL);
	}
	return err_set(e, ERR_BUSY,
	    "they are deleted, but the journal beside the log has them while somebody "
	    "reads it: end that, and delete once more");
}

/* Of a key that is not there, nobody has used anything. */
static int
find_key(const struct cli_pick *p, uint64_t *key, struct err *e)
{
	char path[320];
	struct identity id = { .key = 0 };
	scope_keys keys = NULL;

	snprintf(path, sizeof(path), "%s/" KEYS_FILE, p->state);
	if (p->key[0] != '\0' &&
	    (keys_open(path, &keys, e) == -1 || keys_get(keys, p->key, &id, e) == -1))
		return -1;
	*key = id.key;
	return 0;
}

static int
forget_in_quotas(const struct cli_pick *p, struct err *e)
{
	char path[320];
	uint64_t key = 0, user = 0;
	struct quota *q = NULL;

	snprintf(path, sizeof(path), "%s/" QUOTA_FILE, p->state);
	if (p->user[0] == '\0' || access(path, F_OK) == -1)
		return 0;
	if (auth_user_number(p->user, &user, e) == -1 ||
	    (p->key != NULL && find_key(p, &key, e) == -1) ||
	    quota_open(path, NULL, &q, e) == -1)
		return -1;
	int rc = quota_forget(q, p->key != NULL ? &key : NULL, user, e);
	quota_close(q);
	return rc;
}

static int
delete_user(struct db *d, const struct cli_pick *p, struct err *e)
{
	int64_t total = 0;
	char detail[64];

	for (int gone = DELETE_JOBS; gone == DELETE_JOBS; total += gone) {
		gone = delete_some(d, p, e);
		if (gone == -1)
			return -1;
	}
	snprintf(detail, sizeof(detail), "%" PRId64 " jobs", total);
	if (action_record(p->store, "log_delete", p->key, p->user, detail, e) == -1)
		return -1;
	printf("deleted %" PRId64 " jobs\n", total);
	if (db_shrink(d, SHRINK_BYTES, e) == -1 || wipe_journal(d, e) == -1)
		return -1;
	return forget_in_quotas(p, e);
}

/* --- the commands --- */

static int
do_list(struct db *d, const struct cli_pick *p, const char *arg, struct err *e)
{
	struct cli_pick limited = *p;

	(void)arg;
	if (p->format == CLI_TABLE)
		return print_list(d, p, e);
	if (limited.limit == 0)
		limited.limit = NEWEST;
	return export_jobs(d, &limited, e);
}

static int
do_show(struct db *d, const struct cli_pick *p, const char *arg, struct err *e)
{
	return show(d, p, arg, e);
}

static int
do_export(struct db *d, const struct cli_pick *p, const char *arg, struct err *e)
{
	(void)arg;
	return export_jobs(d, p, e);
}

static int
check_delete(struct cli_pick *p, const char *arg, struct err *e)
{
	(void)arg;
	return p->user != NULL ? 0 : err_set(e, ERR_BAD_INPUT, "delete wants --user");
}

static int
do_delete(struct db *d, const struct cli_pick *p, const char *arg, struct err *e)
{
	(void)arg;
	return delete_user(d, p, e);
}

static const struct cli_verb verbs[] = {
	{ "list", CLI_RUNS_FILTERS "limit json csv tests ", NULL, NULL, CLI_LOG_READ,
	    do_list },
	{ "show", "json ", "one JOB or request id", NULL, CLI_LOG_READ, do_show },
	{ "export", CLI_RUNS_FILTERS "limit json csv tests ", NULL, NULL, CLI_LOG_READ,
	    do_export },
	{ "delete", "user key ", NULL, check_delete, CLI_LOG_CHANGE, do_delete },
	{ .name = NULL },
};

int
cmd_log(int argc, char **argv)
{
	return cli_verbs("log", verbs, argc, argv);
}
