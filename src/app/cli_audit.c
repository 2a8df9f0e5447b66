/* judgebox audit: who tried what, and whether the trail is whole. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/cli_store.h"
#include "app/settings.h"
#include "app/table.h"
#include "base/num.h"
#include "store/action.h"
#include "store/evidence.h"
#include "store/flag.h"
#include "store/trail.h"

#define NEWEST  20
#define FILTERS "since until user key kind "

static struct trail_filter
filter_of(const struct cli_pick *p)
{
	return (struct trail_filter){ .since = p->since,
		.until = p->until,
		.key = p->key,
		.user = p->user,
		.kind = p->kind };
}

/* --- printing --- */

static void
describe(const struct audit_entry *a, struct buf *out)
{
	if (a->call[0] != '\0')
		buf_str(out, a->call);
	if (a->number >= 0)
		buf_fmt(out, " (%" PRId64 ")", a->number);
	if (a->detail[0] != '\0')
		buf_fmt(out, "%s%s", out->len > 0 ? " " : "", a->detail);
	if (a->by[0] != '\0')
		buf_fmt(out, "%sby %s", out->len > 0 ? ", " : "", a->by);
}

static int
list_entry(void *ctx, const struct audit_entry *a, struct err *e)
{
	char when[WHEN_TEXT], n[24], job[9];
	scope_buf what = { 0 };

	(void)e;
	when_text(a->at, when);
	snprintf(n, sizeof(n), "%" PRId64, a->n);
	snprintf(job, sizeof(job), "%s", a->job);
	describe(a, &what);
	table_row(ctx,
	    strcmp(a->kind, "security_violation") == 0 ||
		    strcmp(a->kind, "user_flagged") == 0
		? TINT_BAD
		: TINT_NONE,
	    (const char *[]){
		n, when, a->kind, a->key, a->user, a->language, job, buf_cstr(&what) });
	return 0;
}

static int
json_entry(void *ctx, const struct audit_entry *a, struct err *e)
{
	struct buf *out = ctx;

	(void)e;
	audit_line(a, true, out);
	cli_line(out);
	return 0;
}

static int
csv_entry(void *ctx, const struct audit_entry *a, struct err *e)
{
	char when[WHEN_TEXT], hex[SHA256_HEX];

	(void)ctx, (void)e;
	when_text(a->at, when);
	cli_csv_int(stdout, a->n, false);
	cli_csv(stdout, when, false);
#define X(name) cli_csv(stdout, a->name, false);
	AUDIT_TEXTS(X)
#undef X
	cli_csv_int(stdout, a->number, false);
	cli_csv_int(stdout, a->test, false);
	sha256_hex(&a->hash, hex);
	cli_csv(stdout, hex, true);
	return 0;
}

static int export(struct db *d, const struct cli_pick *p, unsigned newest, struct err *e)
{
	const struct trail_filter f = filter_of(p);
	scope_buf out = { 0 };

	if (p->format != CLI_CSV)
		return trail_list(d, &f, newest, json_entry, &out, cli_rest, e);
	fputs("n,time,"
#define X(name) #name ","
	    AUDIT_TEXTS(X)
#undef X
		"number,test,hash\r\n",
	    stdout);
	return trail_list(d, &f, newest, csv_entry, NULL, cli_rest, e);
}

/* --- the verbs --- */

static int
flag_row(void *ctx, const char *key, const char *user, int64_t since, struct err *e)
{
	char when[WHEN_TEXT];

	(void)e;
	when_text(since, when);
	table_row(ctx, TINT_BAD, (const char *[]){ when, key, user });
	return 0;
}

/* A flag lasts as long as the configuration says; --since says otherwise. */
static int
print_flagged(struct db *d, const struct cli_pick *p, struct err *e)
{
	static const char *const heads[] = { "flagged", "key", "user", NULL };
	struct table t = { .heads = heads, .tinted = 2 };
	int64_t now = when_now();
	int rc = flag_list(
	    d, p->since != 0 ? now - p->since : p->flag_us, now, flag_row, &t, e);

	if (rc == 0)
		table_print(&t, stdout);
	table_free(&t);
	return rc;
}

static int
do_list(struct db *d, const struct cli_pick *p, const char *arg, struct err *e)
{
	static const char *const heads[] = { "n", "time", "kind", "key", "user",
		"language", "job", "what", NULL };
	struct table t = { .heads = heads, .right = "r       ", .tinted = 2 };
	const struct trail_filter f = filter_of(p);
	unsigned newest = p->limit != 0 ? p->limit : NEWEST;

	(void)arg;
	if (p->flagged)
		return print_flagged(d, p, e);
	if (p->format != CLI_TABLE)
		return export(d, p, newest, e);
	int rc = trail_list(d, &f, newest, list_entry, &t, NULL, e);
	if (rc == 0)
		table_print(&t, stdout);
	table_free(&t);
	return rc;
}

static int
do_export(struct db *d, const struct cli_pick *p, const char *arg, struct err *e)
{
	(void)arg;
	return export(d, p, p->limit, e);
}

static int
show_entry(void *ctx, const struct audit_entry *a, struct err *e)
{
	char when[WHEN_TEXT], hex[SHA256_HEX];

	(void)ctx, (void)e;
	when_text(a->at, when);
	printf("%-9s %" PRId64 "\n%-9s %s\n", "n", a->n, "time", when);
#define X(name)                                                                          \
	if (a->name[0] != '\0')                                                          \
		printf("%-9s %s\n", #name, a->name);
	AUDIT_TEXTS(X)
#undef X
	if (a->number >= 0)
		printf("%-9s %" PRId64 "\n", "number", a->number);
	if (a->test >= 0)
		printf("%-9s %" PRId64 "\n", "test", a->test + 1);
	sha256_hex(&a->previous, hex);
	printf("%-9s %s\n", "previous", hex);
	sha256_hex(&a->hash, hex);
	printf("%-9s %s\n", "hash", hex);
	return 0;
}

static int
show_evidence(void *ctx, const char *name, const void *data, size_t len, struct err *e)
{
	(void)ctx, (void)e;
	printf("--- evidence %s\n", name);
	cli_print_safe(data, len);
	return 0;
}

static int
check_show(struct cli_pick *p, const char *arg, struct err *e)
{
	uint64_t n = 0;

	if (num_parse(arg, NUM_PLAIN, &n, e) == -1)
		return err_wrap(e, "number of a record");
	p->number = (int64_t)n;
	return 0;
}

static int
do_show(struct db *d, const struct cli_pick *p, const char *arg, struct err *e)
{
	scope_buf out = { 0 };

	(void)arg;
	int rc = p->format == CLI_JSON ? trail_find(d, p->number, json_entry, &out, e)
				       : trail_find(d, p->number, show_entry, NULL, e);
	if (rc == 0)
		return err_set(e, ERR_BAD_INPUT,
		    "no record %" PRId64 "; it may be too old", p->number);
	if (rc == -1 || p->format == CLI_JSON)
		return rc == -1 ? -1 : 0;
	return evidence_list(d, p->number, show_evidence, NULL, e);
}

/* "12:ab34…", as the service logs it. */
static int
parse_head(const char *text, int64_t *n, struct sha256 *hash, struct err *e)
{
	char number[24];
	const char *colon = strchr(text, ':');
	uint64_t value = 0;
	size_t digits = colon != NULL ? (size_t)(colon - text) : 0;

	if (digits == 0 || digits >= sizeof(number) || strlen(colon + 1) != 64 ||
	    strspn(colon + 1, "0123456789abcdef") != 64)
		return err_set(e, ERR_BAD_INPUT,
		    "--expect wants NUMBER:HASH, as the service logged it");
	snprintf(number, sizeof(number), "%.*s", (int)digits, text);
	if (num_parse(number, NUM_PLAIN, &value, e) == -1)
		return err_wrap(e, "--expect");
	for (unsigned i = 0; i < SHA256_BYTES; i++)
		sscanf(colon + 1 + 2 * (size_t)i, "%2hhx", &hash->byte[i]);
	*n = (int64_t)value;
	return 0;
}

static int
check_verify(struct cli_pick *p, const char *arg, struct err *e)
{
	(void)arg;
	return p->expect != NULL ? parse_head(p->expect, &p->number, &p->hash, e) : 0;
}

static int
do_verify(struct db *d, const struct cli_pick *p, const char *arg, struct err *e)
{
	int64_t count = 0, head = 0;
	struct sha256 hash;
	char hex[SHA256_HEX];

	(void)arg;
	if (trail_verify(d, p->number, &p->hash, &count, e) == -1) {
		tint_put(stdout, TINT_BAD, "the audit trail is broken");
		putchar('\n');
		return -1;
	}
	if (audit_head(d, &head, &hash, e) == -1)
		return -1;
	sha256_hex(&hash, hex);
	tint_put(stdout, TINT_GOOD, "whole");
	printf(": %" PRId64 " records, head %" PRId64 ":%s\n", count, head, hex);
	return 0;
}

static int
check_clear(struct cli_pick *p, const char *arg, struct err *e)
{
	(void)arg;
	if (p->user != NULL)
		return 0;
	return err_set(e, ERR_BAD_INPUT, "clear wants --user, and --key if there is one");
}

static int
do_clear(struct db *d, const struct cli_pick *p, const char *arg, struct err *e)
{
	(void)d, (void)arg;
	return action_record(p->store, "flag_cleared", p->key, p->user, NULL, e);
}

static const struct cli_verb verbs[] = {
	{ "list", FILTERS "limit json csv flagged ", NULL, NULL, CLI_LOG_READ, do_list },
	{ "show", "json ", "the NUMBER of a record", check_show, CLI_LOG_READ, do_show },
	{ "export", FILTERS "limit json csv ", NULL, NULL, CLI_LOG_READ, do_export },
	{ "verify", "expect ", NULL, check_verify, CLI_LOG_READ, do_verify },
	{ "clear", "user key ", NULL, check_clear, CLI_LOG_CHANGE, do_clear },
	{ .name = NULL },
};

int
cmd_audit(int argc, char **argv)
{
	return cli_verbs("audit", verbs, argc, argv);
}
