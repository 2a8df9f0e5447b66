/*
 * POST /api/editor/run: {language, code} to {output: {stdout, stderr, exitCode},
 * durationMs, memoryUsed}.  An editor's Run button: no tests, no input.
 *
 * The reference leaves open: memoryUsed is KiB here; a program that failed, did not
 * compile or ran too long is a 200 with its exit code (124 for time) and the reason in
 * stderr; a refusal is {"error": sentence}.
 */
#include <stdio.h>

#include "api/ending.h"
#include "api/native.h"

#define CODE_BELOW 102400 /* "code size < 100 KB": one less than the native dialect */

static const struct field fields[] = {
	{ "language", native_take_language, 0 },
	{ "code", native_take_code, 0 },
	{ NULL, NULL, 0 },
};

static int
editor_decode(struct reading *r, const struct value *body)
{
	struct job *job = r->job;

	if (fields_read(r, body, fields, job) == -1 || native_need(r, body, true) == -1)
		return -1;
	if (job->files[0].content.len >= CODE_BELOW)
		return problem_set(r->problem, PROBLEM_SOURCE_TOO_LARGE, "code",
		    "code must be smaller than %d bytes", CODE_BELOW);
	snprintf(job->profile, sizeof(job->profile), "editor");
	return 0;
}

static int
editor_encode(const struct judged *j, struct writer *w)
{
	const struct test_result *t = ending_run(j->result);
	const struct limits *limits = ending_limits(j->job, j->result);
	scope_buf errors = { 0 };

	ending_errors(t, limits, &errors);
	write_open(w, NULL, '{');
	if (t->verdict == VERDICT_INTERNAL_ERROR) {
		write_bytes(w, "error", errors.data, errors.len);
		write_close(w, '}');
		return 500;
	}
	write_open(w, "output", '{');
	write_bytes(w, "stdout", t->out.kept.data, t->out.kept.len);
	write_bytes(w, "stderr", errors.data, errors.len);
	write_uint(w, "exitCode", (uint64_t)ending_of(t).code);
	write_close(w, '}');
	write_uint(w, "durationMs", ending_ms(t->outcome.wall_us));
	write_uint(w, "memoryUsed", t->outcome.memory_bytes >> 10);
	write_close(w, '}');
	return 200;
}

static void
editor_refuse(const struct problem *p, const char *request_id, struct writer *w)
{
	(void)request_id;
	write_open(w, NULL, '{');
	write_text(w, "error", p->text);
	write_close(w, '}');
}

const struct dialect dialect_editor = {
	.name = "editor",
	.decode = editor_decode,
	.encode = editor_encode,
	.refuse = editor_refuse,
};
