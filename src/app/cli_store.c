#include "app/cli_store.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/settings.h"
#include "base/num.h"
#include "store/keys.h"

#define WAIT_MS   5000
#define LIMIT_MAX 1000000

enum {
	OPT_CONFIG,
	OPT_STORE,
	OPT_SINCE,
	OPT_UNTIL,
	OPT_USER,
	OPT_KEY,
	OPT_KIND,
	OPT_LANGUAGE,
	OPT_VERDICT,
	OPT_BY,
	OPT_EXPECT,
	OPT_LIMIT,
	OPT_JSON,
	OPT_CSV,
	OPT_FLAGGED,
	OPT_KEYS,
	OPT_TESTS,
	OPT_YES
};

static const struct option longs[] = {
	{ "config", required_argument, NULL, OPT_CONFIG },
	{ "store", required_argument, NULL, OPT_STORE },
	{ "since", required_argument, NULL, OPT_SINCE },
	{ "until", required_argument, NULL, OPT_UNTIL },
	{ "user", required_argument, NULL, OPT_USER },
	{ "key", required_argument, NULL, OPT_KEY },
	{ "kind", required_argument, NULL, OPT_KIND },
	{ "language", required_argument, NULL, OPT_LANGUAGE },
	{ "verdict", required_argument, NULL, OPT_VERDICT },
	{ "by", required_argument, NULL, OPT_BY },
	{ "expect", required_argument, NULL, OPT_EXPECT },
	{ "limit", required_argument, NULL, OPT_LIMIT },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "csv", no_argument, NULL, OPT_CSV },
	{ "flagged", no_argument, NULL, OPT_FLAGGED },
	{ "keys", no_argument, NULL, OPT_KEYS },
	{ "tests", no_argument, NULL, OPT_TESTS },
	{ "yes", no_argument, NULL, OPT_YES },
	{ 0 },
};

static bool
takes_it(const char *takes, const char *name)
{
	size_t len = strlen(name);

	for (const char *s = takes; (s = strstr(s, name)) != NULL; s += len)
		if ((s == takes || s[-1] == ' ') && s[len] == ' ')
			return true;
	return strcmp(name, "config") == 0 || strcmp(name, "store") == 0;
}

static int
take_limit(struct cli_pick *p, struct err *e)
{
	uint64_t n = 0;

	if (num_parse(optarg, NUM_PLAIN, &n, e) == -1)
		return err_wrap(e, "--limit");
	if (n == 0 || n > LIMIT_MAX)
		return err_set(
		    e, ERR_BAD_INPUT, "--limit %s: from 1 to %d", optarg, LIMIT_MAX);
	p->limit = (unsigned)n;
	return 0;
}

static int
take_option(struct cli_pick *p, int c, const char **config, struct err *e)
{
	const char **const texts[] = { [OPT_CONFIG] = config,
		[OPT_USER] = &p->user,
		[OPT_KEY] = &p->key,
		[OPT_KIND] = &p->kind,
		[OPT_LANGUAGE] = &p->language,
		[OPT_VERDICT] = &p->verdict,
		[OPT_BY] = &p->by,
		[OPT_EXPECT] = &p->expect,
		[OPT_YES] = NULL };
	bool *const flags[] = { [OPT_FLAGGED] = &p->flagged,
		[OPT_KEYS] = &p->keys,
		[OPT_TESTS] = &p->tests,
		[OPT_YES] = &p->yes };

	switch (c) {
	case OPT_STORE:
		if (strlen(optarg) >= sizeof(p->store))
			return err_set(e, ERR_BAD_INPUT, "--store: too long");
		snprintf(p->store, sizeof(p->store), "%s", optarg);
		return 0;
	case OPT_SINCE:
		return when_parse(optarg, when_now(), &p->since, e);
	case OPT_UNTIL:
		return when_parse(optarg, when_now(), &p->until, e);
	case OPT_LIMIT:
		return take_limit(p, e);
	case OPT_JSON:
	case OPT_CSV:
		p->format = c == OPT_JSON ? CLI_JSON : CLI_CSV;
		return 0;
	default:
		if (texts[c] != NULL)
			*texts[c] = optarg;
		else
			*flags[c] = true;
		return 0;
	}
}

/* Returns an exit status to end with, or -1 to go on. */
static int
read_command(int argc, char **argv, const struct cli_verb *v, const char **config,
    struct cli_pick *out)
{
	struct err e = { 0 };
	int which = 0;

	for (int c; (c = getopt_long(argc, argv, "", longs, &which)) != -1;) {
		if (c == '?')
			return CLI_USAGE;
		if (!takes_it(v->takes, longs[which].name))
			return cli_usage(
			    "%s has no option --%s", argv[0], longs[which].name);
		if (take_option(out, c, config, &e) == -1)
			return cli_fail(CLI_USAGE, &e);
	}
	if (argc - optind != (v->argument != NULL))
		return cli_usage("%s wants %s", v->name,
		    v->argument != NULL ? v->argument : "no further word");
	if (v->check != NULL && v->check(out, argv[optind], &e) == -1)
		return cli_fail(CLI_USAGE, &e);
	return -1;
}

/* Returns an exit status to end with, or -1 to go on. */
static int
find_store(const char *config, struct cli_pick *out)
{
	struct settings s;
	struct err e = { 0 };

	settings_defaults(&s);
	out->flag_us = (int64_t)s.flag_time * 1000;
	if (out->store[0] != '\0') {
		snprintf(out->state, sizeof(out->state), "%s", out->store);
		return -1;
	}
	if (settings_load(config, &s, &e) == -1)
		return cli_fail(CLI_USAGE, &e);
	snprintf(out->state, sizeof(out->state), "%s", s.state);
	if (s.store[0] == '\0' && !out->keys)
		return cli_usage("%s: store is \"\": there is no run log", config);
	snprintf(out->store, sizeof(out->store), "%s", s.store);
	out->flag_us = (int64_t)s.flag_time * 1000;
	return -1;
}

/* Prints why not, and returns NULL. */
static struct db *
open_log(const struct cli_pick *p, bool write)
{
	const struct db_options how = { .readonly = !write, .busy_ms = WAIT_MS };
	struct db *d = NULL;
	struct err e = { 0 };

	if (runs_open(p->store, &how, &d, &e) == 0)
		return d;
	if (e.sys == EACCES || e.sys == EPERM)
		fprintf(stderr,
		    "judgebox: the run log in %s is for root%s; you are not allowed to\n",
		    p->store, write ? "" : " and the group of the service");
	cli_fail(CLI_FAILED, &e);
	return NULL;
}

static bool
begins_formula(char c)
{
	return c != '\0' && strchr("=+-@\t\r", c) != NULL;
}

/* Where commas are decimal points, spreadsheets take cells apart at semicolons, quoted or
 * not. */
static void
put_cell(FILE *out, const char *text)
{
	for (char before = ';'; *text != '\0'; before = *text++) {
		if (strchr(";\t\r\n", before) != NULL && begins_formula(*text))
			putc('\'', out);
		if (*text == '"')
			putc('"', out);
		putc(*text, out);
	}
}

void
cli_csv(FILE *out, const char *text, bool last)
{
	bool quoted = begins_formula(text[0]) || strpbrk(text, ",;\"\t\r\n") != NULL;
	const char *quote = quoted ? "\"" : "";

	fputs(quote, out);
	put_cell(out, text);
	fprintf(out, "%s%s", quote, last ? "\r\n" : ",");
}

struct runs_filter
cli_runs_filter(const struct cli_pick *p)
{
	return (struct runs_filter){ .since = p->since,
		.until = p->until,
		.key = p->key,
		.user = p->user,
		.language = p->language,
		.verdict = p->verdict };
}

/* --- output --- */

#define HELD_MAX    ((size_t)512 << 20) /* the largest record, in the longest form */
#define HELD_ENOUGH ((size_t)1 << 20)

/* Pages that are not used take no memory.  Without the room it is a reader like any. */
static void
hold_output(void)
{
	char *room = malloc(HELD_MAX);

	if (room != NULL)
		setvbuf(stdout, room, _IOFBF, HELD_MAX);
}

int
cli_enough(void)
{
	return __fpending(stdout) >= HELD_ENOUGH;
}

int
cli_rest(struct err *e)
{
	return fflush(stdout) == 0 ? 0 : err_sys(e, "standard output");
}

int
cli_do_verb(const struct cli_verb *v, int argc, char **argv)
{
	const char *config = SETTINGS_DEFAULT_PATH;
	struct cli_pick p = { 0 };
	struct err e = { 0 };
	scope_db d = NULL;
	int status = read_command(argc, argv, v, &config, &p);

	if (status == -1)
		status = find_store(config, &p);
	if (status != -1)
		return status;
	runs_path(p.store, p.file);
	if (p.keys)
		snprintf(p.file, sizeof(p.file), "%s/" KEYS_FILE, p.state);
	if (v->opens != CLI_LOG_UNUSED) {
		d = open_log(&p, v->opens == CLI_LOG_CHANGE);
		if (d == NULL)
			return CLI_FAILED;
		hold_output();
	}
	if (v->run(d, &p, argv[optind], &e) == -1)
		return cli_fail(CLI_FAILED, &e);
	return CLI_PASSED;
}

int
cli_verbs(const char *command, const struct cli_verb *verbs, int argc, char **argv)
{
	scope_buf names = { 0 };

	for (const struct cli_verb *v = verbs; v->name != NULL; v++) {
		if (argc > 1 && strcmp(v->name, argv[1]) == 0)
			return cli_do_verb(v, argc - 1, argv + 1);
		buf_fmt(&names, "%s%s", names.len > 0 ? ", " : "", v->name);
	}
	if (argc < 2)
		return cli_usage("%s wants one of %s", command, buf_cstr(&names));
	return cli_usage("%s has no '%s'", command, argv[1]);
}

void
cli_csv_int(FILE *out, int64_t n, bool last)
{
	fprintf(out, "%" PRId64 "%s", n, last ? "\r\n" : ",");
}

void
cli_line(struct buf *b)
{
	buf_str(b, "\n");
	fwrite(b->data, 1, b->len, stdout);
	b->len = 0;
}
