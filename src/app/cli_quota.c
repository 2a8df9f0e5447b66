/* judgebox quota: what keys and their users have used, and what they have left. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "app/cli.h"
#include "app/desk.h"
#include "app/gate.h"
#include "app/table.h"
#include "base/when.h"
#include "judge/quota.h"

#define USERS_SHOWN 50

struct view {
	struct table table;
	struct quota *quota;
};

/* "5 of 60"; "-" where there is neither use nor bound. */
static void
of_limit(char out[48], uint64_t n, uint64_t limit)
{
	if (limit > 0)
		snprintf(out, 48, "%" PRIu64 " of %" PRIu64, n, limit);
	else
		snprintf(out, 48, "%" PRIu64, n);
}

static int
add_row(struct view *v, const char *name, const struct identity *id, struct err *e)
{
	struct quota_claim c = { .key = id->key, .own = id->own };
	char left[48] = "-", jobs[48], cpu[48], held[24];
	struct quota_state s;
	struct problem p;

	if (quota_look(v->quota, &c, &s, &p) == -1)
		return err_set(e, ERR_SYS, "%s", p.text);
	if (s.key.rate.count > 0)
		of_limit(left, s.key.left, s.key.rate.burst);
	of_limit(jobs, s.key.jobs, s.key.jobs_limit);
	of_limit(cpu, s.key.cpu_ms / 1000, s.key.cpu_limit_ms / 1000);
	snprintf(held, sizeof(held), "%" PRIu64, s.key.cpu_held_ms / 1000);
	table_row(&v->table, TINT_NONE, (const char *[]){ name, left, jobs, cpu, held });
	return 0;
}

static int
key_row(void *ctx, const struct identity *id, struct err *e)
{
	return id->revoked ? 0 : add_row(ctx, id->name, id, e);
}

static void
print_users(const struct quota *q, uint64_t key)
{
	static const char *const heads[] = { "user", "CPU s today", NULL };
	struct table t = { .heads = heads, .right = " r" };
	struct quota_user users[USERS_SHOWN];
	unsigned n = quota_users(q, key, users, USERS_SHOWN);

	for (unsigned i = 0; i < n; i++) {
		char cpu[32];

		snprintf(cpu, sizeof(cpu), "%" PRIu64 ".%03" PRIu64,
		    users[i].cpu_ms / 1000, users[i].cpu_ms % 1000);
		table_row(&t, TINT_NONE,
		    (const char *[]){
			users[i].name[0] != '\0' ? users[i].name : "(deleted)", cpu });
	}
	if (n > 0) {
		putchar('\n');
		table_print(&t, stdout);
	}
	table_free(&t);
}

static int
print_all(struct desk *d, const char *name, struct view *v, struct err *e)
{
	struct identity id = { .key = 0 };

	if (name == NULL && (keys_list(d->keys, key_row, v, e) == -1 ||
				add_row(v, "(no key)", &id, e) == -1))
		return -1;
	if (name != NULL &&
	    (keys_get(d->keys, name, &id, e) == -1 || add_row(v, name, &id, e) == -1))
		return -1;
	table_print(&v->table, stdout);
	if (name != NULL)
		print_users(v->quota, id.key);
	return 0;
}

int
cmd_quota(int argc, char **argv)
{
	static const struct option longs[] = { { "config", required_argument, NULL, 'c' },
		{ 0 } };
	static const char *const heads[] = { "key", "requests left", "jobs",
		"CPU s today", "held", NULL };
	struct view v = { .table = { .heads = heads, .right = " rrrr" } };
	const char *config = SETTINGS_DEFAULT_PATH;
	scope_desk d = { .keys = NULL };
	char path[320];
	struct err e = { 0 };

	for (int c; (c = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
		if (c != 'c')
			return cli_usage("quota: wrong option");
		config = optarg;
	}
	if (optind + 1 < argc)
		return cli_usage("quota: one key at a time");
	int status = desk_open(config, &d);
	if (status != 0)
		return status;
	snprintf(path, sizeof(path), "%s/" QUOTA_FILE, d.settings.state);
	int rc = quota_open_readonly(path, &v.quota, &e);
	if (rc == 0)
		rc = print_all(&d, optind < argc ? argv[optind] : NULL, &v, &e);
	table_free(&v.table);
	quota_close(v.quota);
	return rc == 0 ? CLI_PASSED : cli_fail(CLI_FAILED, &e);
}
