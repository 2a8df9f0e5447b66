/*
 * POST /api/execute: {code, language} to {output}, or to {error} with status 500 if the
 * program failed or wrote anything to stderr: its clients read data.error whenever the
 * status is not 2xx and know no other way to show stderr.
 *
 * On purpose unlike the reference: warnings of a compiler that succeeded do not count,
 * and an unsupported language is the client's mistake, so 400.
 */
#include <stdio.h>
#include <string.h>

#include "api/ending.h"
#include "api/native.h"

static const struct {
	const char *asked, *id;
} languages[] = {
	/* these exactly, in lower case; its test collections say python3 */
	{ "javascript", "javascript" },
	{ "python", "python" },
	{ "python3", "python" },
	{ "cpp", "cpp" },
	{ "java", "java" },
};

static int
take_language(struct reading *r, const struct value *v, void *at)
{
	struct job *job = at;
	const char *s = NULL;

	if (field_text(r, v, SIZE_MAX, &s) == -1)
		return -1;
	for (size_t i = 0; i < sizeof(languages) / sizeof(languages[0]); i++) {
		if (strcmp(languages[i].asked, s) != 0)
			continue;
		snprintf(job->language, sizeof(job->language), "%s", languages[i].id);
		snprintf(job->asked_language, sizeof(job->asked_language), "%s", s);
		return 0;
	}
	return problem_set(
	    r->problem, PROBLEM_UNSUPPORTED_LANGUAGE, "language", "Unsupported language");
}

static const struct field fields[] = {
	{ "language", take_language, 0 },
	{ "code", native_take_code, 0 },
	{ NULL, NULL, 0 },
};

static int
execute_decode(struct reading *r, const struct value *body)
{
	if (fields_read(r, body, fields, r->job) == -1 ||
	    native_need(r, body, true) == -1)
		return -1;
	snprintf(r->job->profile, sizeof(r->job->profile), "platform");
	return 0;
}

static int
execute_encode(const struct judged *j, struct writer *w)
{
	const struct test_result *t = ending_run(j->result);
	scope_buf errors = { 0 };

	ending_complaint(t, ending_limits(j->job, j->result), &errors);
	write_open(w, NULL, '{');
	if (errors.len == 0)
		write_bytes(w, "output", t->out.kept.data, t->out.kept.len);
	else
		write_bytes(w, "error", errors.data, errors.len);
	write_close(w, '}');
	return errors.len == 0 ? 200 : 500;
}

static void
execute_refuse(const struct problem *p, const char *request_id, struct writer *w)
{
	(void)request_id;
	write_open(w, NULL, '{');
	write_text(w, "error",
	    p->code == PROBLEM_UNSUPPORTED_LANGUAGE ? "Unsupported language" : p->text);
	write_close(w, '}');
}

const struct dialect dialect_execute = {
	.name = "execute",
	.decode = execute_decode,
	.encode = execute_encode,
	.refuse = execute_refuse,
};
