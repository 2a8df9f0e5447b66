#include "app/export.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

/* --- JSON lines --- */

struct json {
	struct db *db;
	struct buf out;
	struct writer w;
};

static void
write_int(struct writer *w, const char *key, int64_t n)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, n);
	write_raw(w, key, text, strlen(text));
}

static int
json_test(void *ctx, const struct run_test *t, struct err *e)
{
	struct writer *w = ctx;
	char hex[SHA256_HEX];

	(void)e;
	write_open(w, NULL, '{');
	if (t->i >= 0)
		write_int(w, "index", t->i);
	else
		write_bool(w, "compile", true);
	write_text(w, "verdict", t->verdict);
	write_int(w, "code", t->exit_code);
	write_int(w, "signal", t->signal);
	if (t->fired[0] != '\0')
		write_text(w, "limit", t->fired);
	write_int(w, "cpuUs", t->cpu_us);
	write_int(w, "wallUs", t->wall_us);
	write_int(w, "queueUs", t->queue_us);
	write_int(w, "memoryBytes", t->memory_bytes);
	write_int(w, "oomKills", t->oom_kills);
	if (t->has_input) {
		sha256_hex(&t->input, hex);
		write_text(w, "inputSha256", hex);
		write_int(w, "inputBytes", t->input_bytes);
	}
	write_int(w, "stdoutBytes", t->stdout_bytes);
	write_int(w, "stderrBytes", t->stderr_bytes);
	if (t->compared)
		write_bool(w, "passed", t->passed);
	if (t->hidden)
		write_bool(w, "hidden", true);
	write_close(w, '}');
	return 0;
}

static int
json_text(void *ctx, const char *kind, int64_t index, const char *name, const void *data,
    size_t len, struct err *e)
{
	struct writer *w = ctx;

	(void)e;
	write_open(w, NULL, '{');
	write_text(w, "kind", kind);
	write_int(w, "index", index);
	if (name[0] != '\0')
		write_text(w, "name", name);
	write_bytes(w, "text", data, len);
	if (!utf8_valid(data, len))
		write_base64(w, "textBase64", data, len);
	write_close(w, '}');
	return 0;
}

static void
json_job(struct writer *w, const struct run_row *r)
{
	char when[WHEN_TEXT], hex[SHA256_HEX];
	const struct {
		const char *name, *value;
	} texts[] = { { "requestId", r->request }, { "key", r->key }, { "user", r->user },
		{ "address", r->address }, { "dialect", r->dialect },
		{ "language", r->language }, { "version", r->compiler },
		{ "profile", r->profile }, { "kernel", r->kernel },
		{ "verdict", r->verdict }, { "error", r->error } };

	when_text(r->at, when);
	sha256_hex(&r->source, hex);
	write_text(w, "time", when);
	write_text(w, "jobId", r->id);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (texts[i].value[0] != '\0')
			write_text(w, texts[i].name, texts[i].value);
	write_int(w, "status", r->status);
	write_int(w, "total", r->tests);
	write_int(w, "compared", r->compared);
	write_int(w, "passed", r->passed);
	write_int(w, "tookUs", r->took_us);
	write_int(w, "queueUs", r->queue_us);
	write_int(w, "maxCpuUs", r->cpu_us);
	write_int(w, "maxMemoryBytes", r->memory_bytes);
	write_text(w, "sourceSha256", hex);
	write_int(w, "sourceBytes", r->source_bytes);
	write_int(w, "files", r->files);
	write_raw(w, "limits", r->limits, strlen(r->limits));
	if (r->compiled)
		write_bool(w, "cached", r->cached);
}

static int
json_row(void *ctx, const struct run_row *r, struct err *e)
{
	struct json *j = ctx;

	j->w = (struct writer){ .out = &j->out };
	write_open(&j->w, NULL, '{');
	json_job(&j->w, r);
	write_open(&j->w, "tests", '[');
	if (runs_tests(j->db, r->n, json_test, &j->w, e) == -1)
		return -1;
	write_close(&j->w, ']');
	write_open(&j->w, "texts", '[');
	if (runs_texts(j->db, r->n, json_text, &j->w, e) == -1)
		return -1;
	write_close(&j->w, ']');
	write_close(&j->w, '}');
	cli_line(&j->out);
	return 0;
}

static int
export_row(void *ctx, const struct run_row *r, struct err *e)
{
	return json_row(ctx, r, e) == -1 ? -1 : cli_enough();
}

/* --- CSV --- */

static const char csv_job_head[] =
    "time,job,request,key,user,address,dialect,language,version,profile,verdict,status,"
    "tests,compared,passed,took_us,queue_us,max_cpu_us,max_memory_bytes,source_sha256,"
    "source_bytes";
static const char csv_test_head[] =
    ",test,test_verdict,exit_code,signal,cpu_us,wall_us,test_queue_us,memory_bytes,"
    "input_sha256,input_bytes,stdout_bytes,stderr_bytes,test_passed";

static void
csv_job(const struct run_row *r, bool last)
{
	char when[WHEN_TEXT], hex[SHA256_HEX];
	const char *const texts[] = { r->id, r->request, r->key, r->user, r->address,
		r->dialect, r->language, r->compiler, r->profile, r->verdict };
	const int64_t numbers[] = { r->status, r->tests, r->compared, r->passed,
		r->took_us, r->queue_us, r->cpu_us, r->memory_bytes };

	when_text(r->at, when);
	cli_csv(stdout, when, false);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		cli_csv(stdout, texts[i], false);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		cli_csv_int(stdout, numbers[i], false);
	sha256_hex(&r->source, hex);
	cli_csv(stdout, hex, false);
	cli_csv_int(stdout, r->source_bytes, last);
}

static int
csv_test(void *ctx, const struct run_test *t, struct err *e)
{
	char hex[SHA256_HEX] = "";
	const int64_t numbers[] = { t->exit_code, t->signal, t->cpu_us, t->wall_us,
		t->queue_us, t->memory_bytes };

	(void)e;
	csv_job(ctx, false);
	if (t->i >= 0)
		cli_csv_int(stdout, t->i, false);
	else
		cli_csv(stdout, "compile", false);
	cli_csv(stdout, t->verdict, false);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		cli_csv_int(stdout, numbers[i], false);
	if (t->has_input)
		sha256_hex(&t->input, hex);
	cli_csv(stdout, hex, false);
	cli_csv_int(stdout, t->input_bytes, false);
	cli_csv_int(stdout, t->stdout_bytes, false);
	cli_csv_int(stdout, t->stderr_bytes, false);
	cli_csv(stdout, t->compared ? (t->passed ? "1" : "0") : "", true);
	return 0;
}

static int
csv_row(void *ctx, const struct run_row *r, struct err *e)
{
	struct run_row copy = *r;

	(void)e;
	if (ctx == NULL) {
		csv_job(r, true);
		return cli_enough();
	}
	return runs_tests(ctx, r->n, csv_test, &copy, e) == -1 ? -1 : cli_enough();
}

int
export_jobs(struct db *d, const struct cli_pick *p, struct err *e)
{
	const struct runs_filter f = cli_runs_filter(p);
	struct json j = { .db = d };

	if (p->format != CLI_CSV) {
		int rc = runs_list(d, &f, p->limit, export_row, &j, cli_rest, e);
		buf_free(&j.out);
		return rc;
	}
	printf("%s%s\r\n", csv_job_head, p->tests ? csv_test_head : "");
	return runs_list(d, &f, p->limit, csv_row, p->tests ? d : NULL, cli_rest, e);
}

int
export_one(struct db *d, const char *id, struct err *e)
{
	struct json j = { .db = d };
	int rc = runs_find(d, id, json_row, &j, e);

	buf_free(&j.out);
	return rc;
}
