/* judgebox run: a file through the service, and what came of it, readable. */
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/cli.h"
#include "app/table.h"
#include "base/num.h"

#define NOTE_BYTES 40 /* of a program's text in one cell */

struct options {
	const char *url;
	bool json;
	struct job *job; /* owned */
};

/* --- the request --- */

/* A limit by its name in the contract, with the units of the configuration. */
static int
take_limit(struct limits_asked *l, const char *text, struct err *e)
{
	const char *eq = strchr(text, '=');
	uint64_t n = 0;

	for (unsigned i = 0; eq != NULL && limits_json[i] != NULL; i++) {
		if (strlen(limits_json[i]) != (size_t)(eq - text) ||
		    strncmp(limits_json[i], text, (size_t)(eq - text)) != 0)
			continue;
		if (limits_keys[i].kind == CONF_MILLI) {
			char *end = NULL;
			double d = strtod(eq + 1, &end);
			if (end == eq + 1 || *end != '\0' || !(d >= 0 && d <= 64))
				return err_set(e, ERR_BAD_INPUT,
				    "%s: not a number of processors", text);
			n = (uint64_t)lrint(d * 1000);
		} else if (num_parse(eq + 1,
			       limits_keys[i].kind == CONF_BYTES  ? NUM_BYTES
			       : limits_keys[i].kind == CONF_MSEC ? NUM_MSEC
								  : NUM_PLAIN,
			       &n, e) == -1) {
			return err_wrap(e, "%s", limits_json[i]);
		}
		limits_set(&l->value, i, n);
		l->given |= 1U << i;
		return 0;
	}
	return err_set(e, ERR_BAD_INPUT, "--limit %.60s: no such limit", text);
}

/* "text:WORDS" is the text itself, "-" standard input, else a file's name. */
static int
take_content(const char *from, struct bytes *out, struct err *e)
{
	if (strncmp(from, "text:", 5) == 0) {
		bytes_set(out, from + 5, strlen(from + 5));
		return 0;
	}
	return cli_read_file(from, out, e);
}

static int
add_test(
    struct job *job, const char *name, const char *in, const char *out, struct err *e)
{
	struct job_test *t = job_add_test(job);

	if (name != NULL)
		bytes_set(&t->id, name, strlen(name));
	if (take_content(in, &t->input, e) == -1)
		return -1;
	t->has_expected = strcmp(out, "-") != 0;
	return t->has_expected ? take_content(out, &t->expected, e) : 0;
}

static int
is_input(const struct dirent *d)
{
	size_t n = strlen(d->d_name);

	return n > 3 && strcmp(d->d_name + n - 3, ".in") == 0;
}

/* 2.in before 10.in */
static int
add_tests(struct job *job, const char *dir, struct err *e)
{
	struct dirent **list = NULL;
	char in[1100], out[1100];
	int rc = 0, n = scandir(dir, &list, is_input, versionsort);

	if (n == -1)
		return err_sys(e, "%s", dir);
	if (n == 0)
		rc = err_set(e, ERR_BAD_INPUT, "%s: no file NAME.in", dir);
	for (int i = 0; i < n; i++) {
		int stem = (int)strlen(list[i]->d_name) - 3;
		snprintf(in, sizeof(in), "%.800s/%s", dir, list[i]->d_name);
		snprintf(out, sizeof(out), "%.800s/%.*s.out", dir, stem, list[i]->d_name);
		list[i]->d_name[stem] = '\0';
		if (rc == 0)
			rc = add_test(job, list[i]->d_name, in,
			    access(out, F_OK) == 0 ? out : "-", e);
		free(list[i]);
	}
	free(list);
	return rc;
}

/* The file as the job's main one. */
static int
add_source(struct job *job, const char *path, struct err *e)
{
	const char *slash = strrchr(path, '/');
	struct job_file *f = job_add_file(job);

	snprintf(f->name, sizeof(f->name), "%s", slash != NULL ? slash + 1 : path);
	return cli_read_file(path, &f->content, e);
}

/* ".cc": of the language's own file name, listed, or an alias with a dot before it. */
static bool
fits(const struct client_language *l, const char *dotted)
{
	const char *dot = strrchr(l->file_name, '.');

	return (dot != NULL && strcmp(dot, dotted) == 0) ||
	       words_has(&l->extensions, dotted) || words_has(&l->aliases, dotted + 1);
}

static int
guess_language(const char *url, const char *file, struct job *job)
{
	__attribute__((
	    cleanup(client_languages_free))) struct client_languages all = { 0 };
	struct client_answer a = { 0 };
	struct err e = { 0 };
	const char *dot = strrchr(file, '.');
	int status = 0;

	if (dot == NULL)
		return cli_usage("'%s' has no extension: say --language", file);
	if (client_call(url, "/api/languages", NULL, 30, &a, &e) == -1)
		return cli_fail(CLI_NO_SERVICE, &e);
	if (a.status != 200)
		status = cli_refused(&a);
	else if (client_read_languages(&a.body, &all, &e) == -1)
		status = cli_fail(CLI_NO_SERVICE, &e);
	buf_free(&a.body);
	for (unsigned i = 0; i < all.count && job->language[0] == '\0'; i++)
		if (fits(&all.list[i], dot))
			snprintf(
			    job->language, sizeof(job->language), "%s", all.list[i].id);
	if (status == 0 && job->language[0] == '\0')
		return cli_usage(
		    "no language of the service has files '%s': say --language", dot);
	return status;
}

/* --- the answer --- */

/* The last line that says something: of a traceback, what was raised. */
static void
last_line(const struct bytes *b, char *out, size_t size)
{
	size_t end = b->len, begin;

	while (end > 0 && strchr(" \t\r\n", b->data[end - 1]) != NULL)
		end--;
	for (begin = end; begin > 0 && b->data[begin - 1] != '\n'; begin--)
		;
	snprintf(out, size, "%.*s", (int)(end - begin), end > 0 ? b->data + begin : "");
}

/* What to say beside a verdict. */
static void
note_of(const struct client_test *t, char *out, size_t size)
{
	char want[NOTE_BYTES * 4 + 16], got[NOTE_BYTES * 4 + 16], line[120];

	out[0] = '\0';
	if (t->has_diff) {
		table_quote(
		    want, sizeof(want), t->expected.data, t->expected.len, NOTE_BYTES);
		table_quote(got, sizeof(got), t->actual.data, t->actual.len, NOTE_BYTES);
		snprintf(
		    out, size, "line %u: %s expected, %s printed", t->line, want, got);
		return;
	}
	if (strcmp(t->verdict, "runtime_error") != 0)
		return;
	last_line(&t->err, line, sizeof(line));
	if (t->signal[0] != '\0')
		snprintf(
		    out, size, "%s%s%s", t->signal, line[0] != '\0' ? ": " : "", line);
	else
		snprintf(out, size, "exit status %d%s%s", t->code,
		    line[0] != '\0' ? ": " : "", line);
}

static void
format_memory(char out[24], double bytes)
{
	snprintf(out, 24, "%.1f", bytes / (1 << 20));
}

static void
print_tests(const struct client_result *r)
{
	static const char *const heads[] = { "test", "verdict", "CPU ms", "wall ms",
		"MiB", "", NULL };
	struct table t = { .heads = heads, .right = "  rrr ", .tinted = 1 };

	for (unsigned i = 0; i < r->ntests; i++) {
		const struct client_test *test = &r->tests[i];
		char name[80], cpu[24], wall[24], memory[24], note[600];

		snprintf(name, sizeof(name), "%u", i + 1);
		snprintf(cpu, sizeof(cpu), "%.1f", test->time_ms);
		snprintf(wall, sizeof(wall), "%.1f", test->wall_ms);
		format_memory(memory, test->memory_bytes);
		note_of(test, note, sizeof(note));
		table_row(&t, tint_of_verdict(test->verdict),
		    (const char *[]){ test->id[0] != '\0' ? test->id : name,
			test->verdict, cpu, wall, memory, note });
	}
	table_print(&t, stdout);
	table_free(&t);
}

static void
print_text(const char *title, const struct bytes *b)
{
	if (b->len > 0 && title != NULL)
		printf("%s:\n", title);
	cli_print_safe(b->data, b->len);
}

static void
print_compile(const struct client_result *r)
{
	bool failed = strcmp(r->verdict, "compile_error") == 0;
	char line[80], memory[24];

	if (!r->compiled)
		return;
	format_memory(memory, r->compile.memory_bytes);
	snprintf(line, sizeof(line), "compile: %s", failed ? "failed" : "ok");
	tint_put(stdout, failed ? TINT_BAD : TINT_GOOD, line);
	printf(", %.0f ms, %s MiB\n", r->compile.time_ms, memory);
	print_text(NULL, &r->compile.out);
	print_text(NULL, &r->compile.err);
}

/* Output of tests that nobody compared is what the run was for. */
static void
print_outputs(const struct client_result *r)
{
	char title[100];

	for (unsigned i = 0; i < r->ntests; i++) {
		const struct client_test *t = &r->tests[i];
		if (t->compared)
			continue;
		snprintf(title, sizeof(title), "test %u, stdout", i + 1);
		print_text(r->ntests > 1 ? title : "stdout", &t->out);
		snprintf(title, sizeof(title), "test %u, stderr", i + 1);
		print_text(r->ntests > 1 ? title : "stderr", &t->err);
	}
}

static int
print_result(const struct client_result *r)
{
	unsigned good = 0;
	char line[80];

	print_compile(r);
	if (r->ntests > 0)
		print_tests(r);
	print_outputs(r);
	for (unsigned i = 0; i < r->ntests; i++)
		good += tint_of_verdict(r->tests[i].verdict) == TINT_GOOD;
	bool all = tint_of_verdict(r->verdict) == TINT_GOOD && good == r->ntests;
	snprintf(line, sizeof(line), "%s: %u of %u passed", r->verdict, good, r->total);
	tint_put(stdout, all ? TINT_GOOD : TINT_BAD, line);
	putchar('\n');
	if (r->warnings.len > 0)
		fprintf(stderr, "judgebox: the service warns: %s", r->warnings.data);
	return all ? CLI_PASSED : CLI_FAILED;
}

static int
judge(const struct options *o)
{
	__attribute__((cleanup(client_result_free))) struct client_result r = { 0 };
	struct client_answer a = { 0 };
	scope_buf body = { 0 };
	struct err e = { 0 };
	int status;

	client_encode(o->job, &body);
	if (client_call(o->url, "/api/run", &body, CLI_WAIT_S, &a, &e) == -1)
		return cli_fail(CLI_NO_SERVICE, &e);
	if (o->json && a.body.len > 0)
		cli_print_safe(a.body.data, a.body.len);
	if (a.status != 200)
		status = cli_refused(&a);
	else if (client_read_result(&a.body, &r, &e) == -1)
		status = cli_fail(CLI_NO_SERVICE, &e);
	else if (o->json)
		status =
		    tint_of_verdict(r.verdict) == TINT_GOOD ? CLI_PASSED : CLI_FAILED;
	else
		status = print_result(&r);
	buf_free(&a.body);
	return status;
}

/* --- the command line --- */

static const struct option longs[] = {
	{ "test", required_argument, NULL, 't' },
	{ "tests", required_argument, NULL, 'T' },
	{ "language", required_argument, NULL, 'l' },
	{ "profile", required_argument, NULL, 'p' },
	{ "limit", required_argument, NULL, 'L' },
	{ "compare", required_argument, NULL, 'c' },
	{ "arg", required_argument, NULL, 'a' },
	{ "compile-arg", required_argument, NULL, 'C' },
	{ "stop", no_argument, NULL, 's' },
	{ "json", no_argument, NULL, 'j' },
	{ "url", required_argument, NULL, 'u' },
	{ "key", required_argument, NULL, 'k' },
	{ 0 },
};

static int
take_option(struct options *o, int c, int argc, char **argv, struct err *e)
{
	struct job *job = o->job;
	int mode;

	switch (c) {
	case 't': /* the second of its two arguments is getopt's next word */
		if (optind >= argc)
			return err_set(e, ERR_BAD_INPUT, "--test wants IN and OUT");
		return add_test(job, NULL, optarg, argv[optind++], e);
	case 'T':
		return add_tests(job, optarg, e);
	case 'l':
		snprintf(job->language, sizeof(job->language), "%s", optarg);
		return 0;
	case 'p':
		snprintf(job->profile, sizeof(job->profile), "%s", optarg);
		return 0;
	case 'L':
		return take_limit(&job->limits, optarg, e);
	case 'c':
		mode = client_compare_mode(optarg);
		if (mode == -1)
			return err_set(
			    e, ERR_BAD_INPUT, "--compare %.40s: no such mode", optarg);
		job->compare.mode = (enum compare_mode)mode;
		return 0;
	case 'a':
		return words_add(&job->args, optarg, e);
	case 'C':
		return words_add(&job->compile_args, optarg, e);
	case 's':
		job->stop_on_failure = true;
		return 0;
	case 'j':
		o->json = true;
		return 0;
	case 'k':
		cli_use_key(optarg);
		return 0;
	case 'u':
		o->url = optarg;
		return 0;
	default: /* getopt has said what is wrong */
		return err_set(e, ERR_BAD_INPUT, "see judgebox --help");
	}
}

static int
run(struct options *o, int argc, char **argv)
{
	struct err e = { 0 };
	const char *file = NULL;

	/* '-' first: words that are no options come as option 1, in their place, so that
	 * the second word of --test is never taken for one. */
	for (int c; (c = getopt_long(argc, argv, "-", longs, NULL)) != -1;) {
		if (c == 1 && file == NULL)
			file = optarg;
		else if (c == 1)
			return cli_usage(
			    "one FILE at a time: '%s' or '%s'?", file, optarg);
		else if (take_option(o, c, argc, argv, &e) == -1)
			return cli_fail(CLI_USAGE, &e);
	}
	if (file == NULL && optind < argc)
		file = argv[optind++]; /* after "--" */
	if (file == NULL || optind < argc)
		return cli_usage("run wants one FILE");
	if (add_source(o->job, file, &e) == -1 || cli_find_key(&e) == -1)
		return cli_fail(CLI_USAGE, &e);
	if (o->job->ntests == 0)
		job_add_test(o->job);
	if (o->job->language[0] == '\0') {
		int status = guess_language(o->url, file, o->job);
		if (status != 0)
			return status;
	}
	return judge(o);
}

int
cmd_run(int argc, char **argv)
{
	struct options o = { .url = cli_default_url(), .job = job_new() };
	int status = run(&o, argc, argv);

	job_free(o.job);
	return status;
}
