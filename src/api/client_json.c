#include "api/client_json.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/json.h"
#include "api/native.h"
#include "base/utf8.h"
#include "api/write.h"

#define DEPTH_MAX 16

/* --- requests --- */

static void
write_either(struct writer *w, const char *key, const char *key64, const struct bytes *b)
{
	if (utf8_valid(b->data, b->len))
		write_bytes(w, key, b->data, b->len);
	else
		write_base64(w, key64, b->data, b->len);
}

static void
write_words(struct writer *w, const char *key, const struct words *list)
{
	if (list->count == 0)
		return;
	write_open(w, key, '[');
	for (const char *s = words_next(list, NULL); s != NULL; s = words_next(list, s))
		write_text(w, NULL, s);
	write_close(w, ']');
}

static bool
is_share(unsigned row)
{
	return limits_keys[row].kind == CONF_MILLI;
}

static void
write_limits(struct writer *w, const struct limits_asked *l)
{
	bool open = false;

	for (unsigned i = 0; limits_json[i] != NULL; i++) {
		if ((l->given & 1U << i) == 0 || is_share(i))
			continue;
		if (!open)
			write_open(w, "limits", '{');
		open = true;
		write_uint(w, limits_json[i], limits_get(&l->value, i));
	}
	if (open)
		write_close(w, '}');
}

/* The contract has it beside "limits", not in it, and for the whole job alone. */
static void
write_share(struct writer *w, const struct limits_asked *l)
{
	for (unsigned i = 0; limits_json[i] != NULL; i++)
		if ((l->given & 1U << i) != 0 && is_share(i))
			write_milli(w, limits_json[i], limits_get(&l->value, i));
}

/* The main file as "code", so that it gets the name its language wants; a source that is
 * not UTF-8 has to travel as a file under its own. */
static void
write_files(struct writer *w, const struct job *job)
{
	bool plain = utf8_valid(job->files[0].content.data, job->files[0].content.len);

	if (plain)
		write_bytes(
		    w, "code", job->files[0].content.data, job->files[0].content.len);
	else
		write_text(w, "entry", job->files[0].name);
	if (plain && job->nfiles == 1)
		return;
	write_open(w, "files", '[');
	for (unsigned i = plain; i < job->nfiles; i++) {
		write_open(w, NULL, '{');
		write_text(w, "name", job->files[i].name);
		write_either(w, "content", "base64", &job->files[i].content);
		write_close(w, '}');
	}
	write_close(w, ']');
}

static void
write_test(struct writer *w, const struct job_test *t)
{
	write_open(w, NULL, '{');
	if (t->id.len > 0)
		write_bytes(w, "id", t->id.data, t->id.len);
	write_either(w, "input", "inputBase64", &t->input);
	if (t->has_expected)
		write_either(w, "expected", "expectedBase64", &t->expected);
	write_limits(w, &t->limits);
	write_close(w, '}');
}

void
client_encode(const struct job *job, struct buf *out)
{
	struct writer w = { .out = out };

	write_open(&w, NULL, '{');
	write_text(&w, "language", job->language);
	if (job->profile[0] != '\0')
		write_text(&w, "profile", job->profile);
	write_files(&w, job);
	write_words(&w, "args", &job->args);
	write_words(&w, "compileArgs", &job->compile_args);
	write_limits(&w, &job->limits);
	write_share(&w, &job->limits);
	write_text(&w, "compare", native_modes[job->compare.mode]);
	if (job->stop_on_failure)
		write_bool(&w, "stopOnFailure", true);
	write_open(&w, "tests", '[');
	for (unsigned i = 0; i < job->ntests; i++)
		write_test(&w, &job->tests[i]);
	write_close(&w, ']');
	write_close(&w, '}');
}

int
client_compare_mode(const char *name)
{
	for (int i = 0; native_modes[i] != NULL; i++)
		if (strcmp(native_modes[i], name) == 0)
			return i;
	return -1;
}

/* --- answers --- */

static int
parse(const struct buf *body, struct json_object **out, struct err *e)
{
	struct json_tokener *t = json_tokener_new_ex(DEPTH_MAX);
	if (t == NULL)
		return err_sys(e, "json_tokener_new");

	struct json_object *o = NULL;
	if (body->len > 0 && body->len < INT32_MAX)
		o = json_tokener_parse_ex(t, body->data, (int)body->len);
	json_tokener_free(t);
	if (!json_object_is_type(o, json_type_object)) {
		json_object_put(o);
		return err_set(
		    e, ERR_PROTO, "the answer is not a JSON object: is this a judgebox?");
	}
	*out = o;
	return 0;
}

static struct json_object *
member(struct json_object *o, const char *name, enum json_type type)
{
	struct json_object *v = NULL;

	if (!json_object_is_type(o, json_type_object) ||
	    !json_object_object_get_ex(o, name, &v) || !json_object_is_type(v, type))
		return NULL;
	return v;
}

static void
get_text(struct json_object *o, const char *name, char *out, size_t size)
{
	struct json_object *v = member(o, name, json_type_string);

	snprintf(out, size, "%s", v != NULL ? json_object_get_string(v) : "");
}

static void
get_bytes(struct json_object *o, const char *name, struct bytes *out)
{
	struct json_object *v = member(o, name, json_type_string);

	if (v != NULL)
		bytes_set(out, json_object_get_string(v),
		    (size_t)json_object_get_string_len(v));
}

static double
get_number(struct json_object *o, const char *name)
{
	struct json_object *v = NULL;

	if (!json_object_object_get_ex(o, name, &v) ||
	    (!json_object_is_type(v, json_type_int) &&
		!json_object_is_type(v, json_type_double)))
		return 0;
	return json_object_get_double(v);
}

static bool
get_bool(struct json_object *o, const char *name)
{
	struct json_object *v = member(o, name, json_type_boolean);

	return v != NULL && json_object_get_boolean(v) != 0;
}

static void
get_words(struct json_object *o, const char *name, struct words *out)
{
	struct json_object *list = member(o, name, json_type_array);
	struct err full;

	for (size_t i = 0; list != NULL && i < json_object_array_length(list); i++) {
		struct json_object *v = json_object_array_get_idx(list, i);
		if (json_object_is_type(v, json_type_string) &&
		    words_add(out, json_object_get_string(v), &full) == -1)
			return;
	}
}

static void
read_test(struct json_object *o, struct client_test *t)
{
	struct json_object *diff = member(o, "diff", json_type_object);

	get_text(o, "verdict", t->verdict, sizeof(t->verdict));
	get_text(o, "id", t->id, sizeof(t->id));
	t->code = (int)get_number(o, "code");
	get_text(o, "signal", t->signal, sizeof(t->signal));
	t->time_ms = get_number(o, "timeMs");
	t->wall_ms = get_number(o, "wallMs");
	t->memory_bytes = get_number(o, "memoryBytes");
	get_bytes(o, "stdout", &t->out);
	get_bytes(o, "stderr", &t->err);
	t->compared = member(o, "passed", json_type_boolean) != NULL;
	t->passed = get_bool(o, "passed");
	if (diff == NULL)
		return;
	t->has_diff = true;
	t->line = (unsigned)get_number(diff, "line");
	get_bytes(diff, "expected", &t->expected);
	get_bytes(diff, "actual", &t->actual);
}

static void
read_warnings(struct json_object *o, struct bytes *out)
{
	struct json_object *list = member(o, "warnings", json_type_array);
	scope_buf text = { 0 };

	for (size_t i = 0; list != NULL && i < json_object_array_length(list); i++)
		buf_fmt(&text, "%s\n",
		    json_object_get_string(json_object_array_get_idx(list, i)));
	if (text.len > 0)
		bytes_set(out, text.data, text.len);
}

int
client_read_result(const struct buf *body, struct client_result *out, struct err *e)
{
	scope_json o = NULL;

	if (parse(body, &o, e) == -1)
		return -1;
	struct json_object *tests = member(o, "tests", json_type_array);
	struct json_object *compile = member(o, "compile", json_type_object);
	if (tests == NULL || member(o, "verdict", json_type_string) == NULL)
		return err_set(
		    e, ERR_PROTO, "the answer has no verdict: is this a judgebox?");

	struct client_result r = { 0 };
	get_text(o, "jobId", r.job_id, sizeof(r.job_id));
	get_text(o, "language", r.language, sizeof(r.language));
	get_text(o, "verdict", r.verdict, sizeof(r.verdict));
	r.passed = (unsigned)get_number(o, "passed");
	r.total = (unsigned)get_number(o, "total");
	r.compiled = compile != NULL;
	if (compile != NULL)
		read_test(compile, &r.compile);
	read_warnings(o, &r.warnings);
	size_t n = json_object_array_length(tests);
	r.tests = calloc(n + 1, sizeof(*r.tests));
	if (r.tests == NULL) {
		client_result_free(&r);
		return err_sys(e, "calloc");
	}
	for (; r.ntests < n; r.ntests++)
		read_test(json_object_array_get_idx(tests, r.ntests), &r.tests[r.ntests]);
	*out = r;
	return 0;
}

int
client_read_problem(const struct buf *body, struct client_problem *out, struct err *e)
{
	scope_json o = NULL;

	if (parse(body, &o, e) == -1)
		return -1;
	if (member(o, "error", json_type_string) == NULL)
		return err_set(
		    e, ERR_PROTO, "the answer has no error: is this a judgebox?");
	get_text(o, "error", out->text, sizeof(out->text));
	get_text(o, "code", out->code, sizeof(out->code));
	get_text(o, "path", out->path, sizeof(out->path));
	get_text(o, "requestId", out->request_id, sizeof(out->request_id));
	return 0;
}

int
client_read_languages(const struct buf *body, struct client_languages *out, struct err *e)
{
	scope_json o = NULL;

	if (parse(body, &o, e) == -1)
		return -1;
	struct json_object *list = member(o, "languages", json_type_array);
	if (list == NULL)
		return err_set(
		    e, ERR_PROTO, "the answer has no languages: is this a judgebox?");

	struct client_languages l = { 0 };
	size_t n = json_object_array_length(list);
	l.list = calloc(n + 1, sizeof(*l.list));
	if (l.list == NULL)
		return err_sys(e, "calloc");
	for (; l.count < n; l.count++) {
		struct json_object *v = json_object_array_get_idx(list, l.count);
		struct client_language *c = &l.list[l.count];

		get_text(v, "id", c->id, sizeof(c->id));
		get_text(v, "name", c->name, sizeof(c->name));
		get_text(v, "version", c->version, sizeof(c->version));
		get_text(v, "fileName", c->file_name, sizeof(c->file_name));
		get_words(v, "aliases", &c->aliases);
		get_words(v, "extensions", &c->extensions);
		c->compiled = get_bool(v, "compiled");
	}
	*out = l;
	return 0;
}

static void
test_free(struct client_test *t)
{
	free(t->out.data);
	free(t->err.data);
	free(t->expected.data);
	free(t->actual.data);
}

void
client_result_free(struct client_result *r)
{
	test_free(&r->compile);
	for (unsigned i = 0; i < r->ntests; i++)
		test_free(&r->tests[i]);
	free(r->tests);
	free(r->warnings.data);
	*r = (struct client_result){ 0 };
}

void
client_languages_free(struct client_languages *l)
{
	free(l->list);
	*l = (struct client_languages){ 0 };
}
