/*
 * POST /api/test: {code, language, input} to {success, output, executionTime,
 * memoryUsed, exitCode}: a program tried on one input, nothing kept.  Milliseconds on
 * the clock and bytes.  What did not end well is a 200 with success false, error and
 * verdict; a refusal has success false and error.
 */
#include <stdio.h>
#include <string.h>

#include "api/ending.h"
#include "api/native.h"

static const char *const verdicts[VERDICT_MAX_] = {
	[VERDICT_OK] = "Accepted",
	[VERDICT_ACCEPTED] = "Accepted",
	[VERDICT_WRONG_ANSWER] = "Wrong Answer",
	[VERDICT_RUNTIME_ERROR] = "Runtime Error",
	[VERDICT_TIME_LIMIT] = "Time Limit Exceeded",
	[VERDICT_MEMORY_LIMIT] = "Memory Limit Exceeded",
	[VERDICT_OUTPUT_LIMIT] = "Runtime Error", /* it has no word for this one */
	[VERDICT_SECURITY_VIOLATION] = "Security Violation",
	[VERDICT_INTERNAL_ERROR] = "System Error",
	[VERDICT_SKIPPED] = "System Error",
	[VERDICT_COMPILE_ERROR] = "Compilation Error",
};

static bool
is_blank(const struct bytes *b)
{
	for (size_t i = 0; i < b->len; i++)
		if (strchr(" \t\r\n\f\v", b->data[i]) == NULL || b->data[i] == '\0')
			return false;
	return true;
}

static int
take_input(struct reading *r, const struct value *v, void *at)
{
	return field_bytes(r, v, &job_add_test(at)->input);
}

static const struct field fields[] = {
	{ "language", native_take_language, 0 },
	{ "code", native_take_code, 0 },
	{ "input", take_input, 0 },
	{ NULL, NULL, 0 },
};

static int
test_decode(struct reading *r, const struct value *body)
{
	struct job *job = r->job;

	if (fields_read(r, body, fields, job) == -1 || native_need(r, body, true) == -1)
		return -1;
	if (is_blank(&job->files[0].content))
		return problem_set(
		    r->problem, PROBLEM_BAD_FIELD, "code", "Code cannot be empty");
	snprintf(job->profile, sizeof(job->profile), "letscode");
	return 0;
}

static void
write_failure(struct writer *w, const struct judged *j, const struct test_result *t)
{
	scope_buf errors = { 0 };

	ending_complaint(t, ending_limits(j->job, j->result), &errors);
	write_bytes(w, "error", errors.data, errors.len);
	write_text(w, "verdict", verdicts[t->verdict]);
}

static int
test_encode(const struct judged *j, struct writer *w)
{
	const struct test_result *t = ending_run(j->result);
	struct ending end = ending_of(t);
	bool success = t->verdict == VERDICT_OK;

	write_open(w, NULL, '{');
	write_bool(w, "success", success);
	write_bytes(w, "output", t->out.kept.data, t->out.kept.len);
	if (!success)
		write_failure(w, j, t);
	write_uint(w, "executionTime", ending_ms(t->outcome.wall_us));
	write_uint(w, "memoryUsed", t->outcome.memory_bytes);
	if (end.ran)
		write_uint(w, "exitCode", (uint64_t)end.code);
	write_close(w, '}');
	return 200;
}

static void
test_refuse(const struct problem *p, const char *request_id, struct writer *w)
{
	(void)request_id;
	write_open(w, NULL, '{');
	write_bool(w, "success", false);
	write_text(w, "error", p->text);
	write_close(w, '}');
}

const struct dialect dialect_test = {
	.name = "test",
	.decode = test_decode,
	.encode = test_encode,
	.refuse = test_refuse,
};
