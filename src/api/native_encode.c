/* The native dialect's answers: struct result to JSON, members in the order of its
 * documentation. */
#include <stdio.h>

#include "api/ending.h"
#include "api/native.h"
#include "base/utf8.h"

/* The bytes of a program, and all that has to be said about them. */
static void
write_stream(struct writer *w, const char *name, const struct stream *s)
{
	char key[32];

	write_bytes(w, name, s->kept.data, s->kept.len);
	if (!utf8_valid(s->kept.data, s->kept.len)) {
		snprintf(key, sizeof(key), "%sBase64", name);
		write_base64(w, key, s->kept.data, s->kept.len);
	}
	if (!s->truncated)
		return;
	snprintf(key, sizeof(key), "%sTruncated", name);
	write_bool(w, key, true);
	snprintf(key, sizeof(key), "%sBytes", name);
	write_uint(w, key, s->total);
}

static void
write_ending(struct writer *w, const struct test_result *t)
{
	struct ending e = ending_of(t);

	if (e.ran)
		write_uint(w, "code", (uint64_t)e.code);
	else
		write_null(w, "code");
	if (e.signal[0] != '\0')
		write_text(w, "signal", e.signal);
	else
		write_null(w, "signal");
	write_bool(w, "killed", e.killed);
}

static void
write_memory(struct writer *w, const struct outcome *o)
{
	write_uint(w, "memoryBytes", o->memory_bytes);
	if (o->memory_from_rusage)
		write_text(w, "memorySource", "rusage");
}

static void
write_compile(struct writer *w, const struct result *r)
{
	write_open(w, "compile", '{');
	write_ending(w, &r->compile);
	write_stream(w, "stdout", &r->compile.out);
	write_stream(w, "stderr", &r->compile.err);
	write_milli(w, "timeMs", r->compile.outcome.cpu_us);
	write_memory(w, &r->compile.outcome);
	write_bool(w, "cached", r->cached);
	write_close(w, '}');
}

static void
write_diff(struct writer *w, const struct diff *d)
{
	write_open(w, "diff", '{');
	write_uint(w, "line", d->line);
	write_bytes(w, "expected", d->expected.data, d->expected.len);
	write_bytes(w, "actual", d->actual.data, d->actual.len);
	write_close(w, '}');
}

/* What the setter of a hidden test keeps to himself is written here and nowhere else. */
static void
write_open_part(
    struct writer *w, const struct job_test *asked, const struct test_result *t)
{
	write_bytes(w, "input", asked->input.data, asked->input.len);
	if (!utf8_valid(asked->input.data, asked->input.len))
		write_base64(w, "inputBase64", asked->input.data, asked->input.len);
	write_stream(w, "stdout", &t->out);
	write_stream(w, "stderr", &t->err);
}

static void
write_test(struct writer *w, unsigned i, const struct job_test *asked,
    const struct test_result *t)
{
	write_open(w, NULL, '{');
	write_uint(w, "index", i);
	if (asked->id.len > 0)
		write_raw(w, "id", asked->id.data, asked->id.len);
	if (asked->hidden)
		write_bool(w, "hidden", true);
	else
		write_open_part(w, asked, t);
	write_ending(w, t);
	write_text(w, "verdict", verdict_name(t->verdict));
	if (t->verdict == VERDICT_SECURITY_VIOLATION &&
	    t->outcome.violation_name[0] != '\0')
		write_text(w, "violation", t->outcome.violation_name);
	if (asked->has_expected)
		write_bool(w, "passed", t->passed);
	if (t->has_diff && !asked->hidden)
		write_diff(w, &t->diff);
	write_milli(w, "timeMs", t->outcome.cpu_us);
	write_milli(w, "wallMs", t->outcome.wall_us);
	write_memory(w, &t->outcome);
	write_close(w, '}');
}

void
native_write_limits(struct writer *w, const char *key, const struct limits *l)
{
	write_open(w, key, '{');
	for (unsigned i = 0; limits_json[i] != NULL; i++)
		if (limits_keys[i].kind != CONF_MILLI)
			write_uint(w, limits_json[i], limits_get(l, i));
		else if (limits_get(l, i) > 0)
			write_milli(w, limits_json[i], limits_get(l, i));
	write_close(w, '}');
}

static void
write_warnings(struct writer *w, const struct warnings *warnings)
{
	char text[64];

	if (warnings->count == 0)
		return;
	write_open(w, "warnings", '[');
	for (unsigned i = 0; i < warnings->count; i++)
		write_text(w, NULL, warnings->text[i]);
	if (warnings->unsaid > 0) {
		snprintf(text, sizeof(text), "%u more unknown members ignored",
		    warnings->unsaid);
		write_text(w, NULL, text);
	}
	write_close(w, ']');
}

int
native_encode(const struct judged *j, struct writer *w)
{
	const struct result *r = j->result;

	write_open(w, NULL, '{');
	write_text(w, "jobId", j->job->id);
	write_text(w, "language", j->job->asked_language);
	if (r->compiled)
		write_compile(w, r);
	write_open(w, "tests", '[');
	for (unsigned i = 0; i < r->ntests; i++)
		write_test(w, i, &j->job->tests[i], &r->tests[i]);
	write_close(w, ']');
	write_text(w, "verdict", verdict_name(r->verdict));
	write_uint(w, "passed", r->passed);
	write_uint(w, "total", j->job->ntests);
	write_milli(w, "maxTimeMs", r->max_cpu_us);
	write_uint(w, "maxMemoryBytes", r->max_memory_bytes);
	native_write_limits(w, "limits", &j->job->effective.run);
	write_milli(w, "queueMs", r->queue_us);
	write_uint(w, "queuePosition", r->queue_position);
	write_warnings(w, j->warnings);
	write_close(w, '}');
	return 200;
}

void
native_refuse(const struct problem *p, const char *request_id, struct writer *w)
{
	write_open(w, NULL, '{');
	write_text(w, "error", p->text);
	write_text(w, "code", problem_id(p->code));
	if (p->path[0] != '\0')
		write_text(w, "path", p->path);
	if (p->quota != NULL)
		write_text(w, "quota", p->quota);
	if (request_id[0] != '\0')
		write_text(w, "requestId", request_id);
	write_close(w, '}');
}
