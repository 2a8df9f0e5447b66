/* judgebox languages: what the service can judge, and whether it does. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "app/cli.h"
#include "app/settings.h"
#include "app/table.h"
#include "lang/lang.h"

static int
fetch(const char *url, struct client_languages *all)
{
	struct client_answer a = { 0 };
	struct err e = { 0 };
	int status = 0;

	if (client_call(url, "/api/languages", NULL, 30, &a, &e) == -1)
		return cli_fail(CLI_NO_SERVICE, &e);
	if (a.status != 200)
		status = cli_refused(&a);
	else if (client_read_languages(&a.body, all, &e) == -1)
		status = cli_fail(CLI_NO_SERVICE, &e);
	buf_free(&a.body);
	return status;
}

static int
list(const char *url)
{
	static const char *const heads[] = { "id", "name", "version", "file", "also",
		NULL };
	__attribute__((
	    cleanup(client_languages_free))) struct client_languages all = { 0 };
	struct table t = { .heads = heads, .tinted = TABLE_COLUMNS };
	int status = fetch(url, &all);

	if (status != 0)
		return status;
	for (unsigned i = 0; i < all.count; i++) {
		const struct client_language *l = &all.list[i];
		scope_buf also = { 0 };

		for (const char *s = words_next(&l->aliases, NULL); s != NULL;
		     s = words_next(&l->aliases, s))
			buf_fmt(&also, "%s%s", also.len > 0 ? ", " : "", s);
		table_row(&t, TINT_NONE,
		    (const char *[]){ l->id, l->name,
			l->version[0] != '\0' ? l->version : "?", l->file_name,
			buf_cstr(&also) });
	}
	table_print(&t, stdout);
	table_free(&t);
	return 0;
}

/* --- the self-test --- */

#define ECHOED "one line\n\n\ttwo \xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80, no end of line"

/*
 * What every language must do.  The echo is compared byte for byte; the endless loop
 * gets half a second of CPU, in which every language has started.
 */
static const struct trial {
	const char *name;
	size_t offset; /* of its program in struct lang_selftest; "" there: not for it */
	const char *input, *expected; /* NULL: nothing to compare with */
	const char *verdict;
	uint64_t cpu_ms; /* 0: the profile's */
} trials[] = {
#define PROGRAM(member) #member, offsetof(struct lang_selftest, member)
	{ PROGRAM(hello), "", "hello\n", "accepted", 0 },
	{ PROGRAM(echo), ECHOED, ECHOED, "accepted", 0 },
	{ PROGRAM(compile_error), "", NULL, "compile_error", 0 },
	{ PROGRAM(runtime_error), "", NULL, "runtime_error", 0 },
	{ PROGRAM(time_limit), "", NULL, "time_limit", 500 },
	{ PROGRAM(threads), "", "threads\n", "accepted", 0 },
#undef PROGRAM
};
#define TRIALS (sizeof(trials) / sizeof(trials[0]))

static void
encode_trial(const struct lang *l, const struct trial *t, struct buf *out)
{
	const char *code = (const char *)&l->selftest + t->offset;
	struct job *job = job_new();

	snprintf(job->language, sizeof(job->language), "%s", l->id);
	bytes_set(&job_add_file(job)->content, code, strlen(code));
	struct job_test *test = job_add_test(job);
	bytes_set(&test->input, t->input, strlen(t->input));
	if (t->expected != NULL) {
		bytes_set(&test->expected, t->expected, strlen(t->expected));
		test->has_expected = true;
		job->compare.mode = t->input[0] != '\0' ? COMPARE_EXACT : COMPARE_TRIM;
	}
	if (t->cpu_ms != 0) {
		job->limits.value.cpu_ms = t->cpu_ms;
		job->limits.given = 1; /* the first row */
	}
	client_encode(job, out);
	job_free(job);
}

/* Why a trial failed, for below the table. */
static void
explain(const struct lang *l, const struct trial *t, const struct client_result *r,
    struct buf *out)
{
	const struct client_test *test = r->ntests > 0 ? &r->tests[0] : &r->compile;
	char text[700];

	buf_fmt(out, "%s, %s: %s instead of %s", l->id, t->name, r->verdict, t->verdict);
	table_quote(text, sizeof(text), test->out.data, test->out.len, 120);
	buf_fmt(out, ", status %d %s, stdout %s", test->code, test->signal, text);
	table_quote(text, sizeof(text), test->err.data, test->err.len, 300);
	buf_fmt(out, ", stderr %s\n", text);
}

/* Returns 0 or the status to end with at once. */
static int
try_one(const char *url, const struct lang *l, const struct trial *t, bool *good,
    char verdict[32], struct buf *why)
{
	__attribute__((cleanup(client_result_free))) struct client_result r = { 0 };
	struct client_answer a = { 0 };
	scope_buf body = { 0 };
	struct err e = { 0 };
	int status = 0;

	encode_trial(l, t, &body);
	if (client_call(url, "/api/run", &body, CLI_WAIT_S, &a, &e) == -1)
		return cli_fail(CLI_NO_SERVICE, &e);
	if (a.status != 200)
		status = cli_refused(&a);
	else if (client_read_result(&a.body, &r, &e) == -1)
		status = cli_fail(CLI_NO_SERVICE, &e);
	buf_free(&a.body);
	if (status != 0)
		return status;
	*good = strcmp(r.verdict, t->verdict) == 0;
	snprintf(verdict, 32, "%s", *good ? "ok" : r.verdict);
	if (!*good)
		explain(l, t, &r, why);
	return 0;
}

static int
try_language(const char *url, const struct lang *l, struct table *table, bool *good,
    struct buf *why)
{
	char cells[TRIALS][32];
	const char *row[TRIALS + 1] = { l->id };
	bool all = true;

	for (size_t i = 0; i < TRIALS; i++) {
		const char *code = (const char *)&l->selftest + trials[i].offset;
		bool ok = true;
		row[i + 1] = cells[i];
		snprintf(cells[i], sizeof(cells[i]), "-");
		if (code[0] == '\0')
			continue;
		int status = try_one(url, l, &trials[i], &ok, cells[i], why);
		if (status != 0)
			return status;
		all = all && ok;
	}
	table_row(table, all ? TINT_GOOD : TINT_BAD, row);
	*good = *good && all;
	return 0;
}

static bool
is_asked(const struct lang *l, char **names)
{
	if (names[0] == NULL)
		return true;
	for (; *names != NULL; names++)
		if (strcmp(*names, l->id) == 0 || words_has(&l->aliases, *names))
			return true;
	return false;
}

static int
selftest(const char *url, const struct langs *langs, char **names)
{
	const char *heads[TRIALS + 2] = { "language" };
	struct table t = { .heads = heads };
	scope_buf why = { 0 };
	bool good = true;
	int status = 0;

	for (size_t i = 0; i < TRIALS; i++)
		heads[i + 1] = trials[i].name;
	for (unsigned i = 0; i < langs_count(langs) && status == 0; i++) {
		const struct lang *l = langs_at(langs, i);
		if (l->installed && is_asked(l, names))
			status = try_language(url, l, &t, &good, &why);
	}
	if (t.n > 0)
		table_print(&t, stdout);
	else if (status == 0)
		status = cli_usage("no such language is installed");
	fwrite(why.len > 0 ? why.data : "", 1, why.len, stdout);
	table_free(&t);
	return status != 0 ? status : good ? CLI_PASSED : CLI_FAILED;
}

int
cmd_languages(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "url", required_argument, NULL, 'u' },
		{ "key", required_argument, NULL, 'k' },
		{ "config", required_argument, NULL, 'c' },
		{ "selftest", no_argument, NULL, 's' },
		{ 0 },
	};
	const char *url = cli_default_url(), *config = SETTINGS_DEFAULT_PATH;
	struct langs *langs = NULL;
	struct settings s;
	struct err e = { 0 };
	bool test = false;

	for (int c; (c = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
		if (c == '?')
			return CLI_USAGE;
		test = test || c == 's';
		url = c == 'u' ? optarg : url;
		if (c == 'k')
			cli_use_key(optarg);
		config = c == 'c' ? optarg : config;
	}
	if (cli_find_key(&e) == -1)
		return cli_fail(CLI_USAGE, &e);
	if (!test)
		return optind == argc ? list(url)
				      : cli_usage("languages takes no argument");
	if (settings_load(config, &s, &e) == -1 ||
	    langs_load(s.languages, &langs, &e) == -1)
		return cli_fail(CLI_USAGE, &e);
	int status = selftest(url, langs, argv + optind);
	langs_free(langs);
	return status;
}
