/*
 * The native dialect, POST /api/run: from JSON to struct job.  One row of a table is one
 * member.  native_encode.c is the way back.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/dialect.h"
#include "api/native.h"
#include "base/quote.h"
#include "base/scope.h"

#define FILES_MAX 511 /* beside the main one: what fits one bundle to the helper */

/* --- limits --- */

enum {
#define X(member, json, kind, lo, hi, help) ROW_##member,
	LIMITS_ROWS(X)
#undef X
};

/* Refuses only what no configuration could allow: caps are judge_admit's business.
 * shift: the client counts in units of so many bits. */
static int
set_limit(struct reading *r, const struct value *v, struct limits_asked *asked,
    unsigned row, uint64_t n, unsigned shift)
{
	const struct conf_key *key = &limits_keys[row];
	uint64_t cap = limits_get(&r->site->cap, row);

	if (asked->given & 1u << row)
		return field_refuse(r, v, "its other spelling is given too");
	if (n > key->max >> shift)
		return field_refuse_as(r, PROBLEM_LIMIT_TOO_HIGH, v,
		    "%" PRIu64 " asked, at most %" PRIu64 " allowed", n,
		    (cap > 0 ? cap : key->max) >> shift);
	if (n << shift < key->min)
		return field_refuse(r, v, "at least %" PRIu64, key->min);
	limits_set(&asked->value, row, n << shift);
	asked->given |= 1u << row;
	return 0;
}

static int
take_limit(struct reading *r, const struct value *v, void *at)
{
	unsigned row = 0;
	uint64_t n = 0;

	if (field_whole(r, v, 0, &n) == -1)
		return -1;
	while (strcmp(limits_json[row], v->name) != 0)
		row++;
	return set_limit(r, v, at, row, n, 0);
}

static const struct field limit_fields[] = {
	{ "cpuMs", take_limit, 0 },
	{ "wallMs", take_limit, 0 },
	{ "memoryBytes", take_limit, 0 },
	{ "processes", take_limit, 0 },
	{ "outputBytes", take_limit, 0 },
	{ "fileBytes", take_limit, 0 },
	{ "stackBytes", take_limit, 0 },
	{ "openFiles", take_limit, 0 },
	{ NULL, NULL, 0 },
};

static int
take_limits(struct reading *r, const struct value *v, void *at)
{
	return fields_read(r, v, limit_fields, at);
}

static int
take_memory_mb(struct reading *r, const struct value *v, void *at)
{
	struct limits_asked *asked = at;
	uint64_t mb = 0;

	if (field_whole(r, v, 1, &mb) == -1)
		return -1;
	asked->short_form |= 1u << ROW_memory_bytes;
	return set_limit(r, v, asked, ROW_memory_bytes, mb, 20);
}

/* As a number, or as the text of one: clients of the reference send "0.5", too. */
static int
read_cpus(struct reading *r, const struct value *v, double *cpus)
{
	static const char digits[] = "0123456789";
	const char *s = NULL;

	if (!json_object_is_type(v->json, json_type_string))
		return field_real(r, v, cpus);
	if (field_text(r, v, 15, &s) == -1)
		return -1;
	size_t whole = strspn(s, digits), point = s[whole] == '.';
	size_t rest = point ? strspn(s + whole + 1, digits) : 0;
	if (whole == 0 || point > rest || s[whole + point + rest] != '\0')
		return field_refuse(r, v, "must be a number, or the text of one");
	*cpus = strtod(s, NULL);
	return 0;
}

/* A fraction of processors; 0 would lift a throttle that the profile put on. */
static int
take_cpus(struct reading *r, const struct value *v, void *at)
{
	struct limits_asked *asked = at;
	uint64_t most = limits_keys[ROW_cpu_share].max, cap = r->site->cap.cpu_share;
	double cpus = 0;

	if (read_cpus(r, v, &cpus) == -1)
		return -1;
	if (cpus < 0.001)
		return field_refuse(r, v, "must be 0.001 or more");
	if (cpus > (double)most / 1000)
		return field_refuse_as(r, PROBLEM_LIMIT_TOO_HIGH, v,
		    "%.15g asked, at most %.15g allowed", cpus,
		    (double)(cap > 0 ? cap : most) / 1000);
	asked->short_form |= 1u << ROW_cpu_share;
	return set_limit(r, v, asked, ROW_cpu_share, (uint64_t)(cpus * 1000 + 0.5), 0);
}

static int
take_time_limit(struct reading *r, const struct value *v, void *at)
{
	struct job *job = at;
	const struct conf_key *key = &limits_keys[ROW_cpu_ms];
	uint64_t ms = 0;

	if (field_whole(r, v, 1, &ms) == -1)
		return -1;
	if (ms > key->max)
		return field_refuse_as(r, PROBLEM_LIMIT_TOO_HIGH, v,
		    "%" PRIu64 " asked, at most %" PRIu64 " allowed", ms,
		    r->site->cap.cpu_ms > 0 ? r->site->cap.cpu_ms : key->max);
	job->time_limit_ms = ms;
	job->has_time_limit = true;
	return 0;
}

/* --- tests --- */

/*
 * Kept as JSON, to be echoed: 7 stays 7, "7" stays "7", 1.10 stays 1.10.  What json-c
 * cannot hold it cuts to the ends of its range without a word: that is refused.
 */
static int
take_id(struct reading *r, const struct value *v, void *at)
{
	scope_buf text = { 0 };

	switch (json_object_get_type(v->json)) {
	case json_type_string:
		quote_add(&text, json_object_get_string(v->json),
		    (size_t)json_object_get_string_len(v->json));
		break;
	case json_type_int:
		if (json_object_get_int64(v->json) == INT64_MIN ||
		    json_object_get_uint64(v->json) == UINT64_MAX)
			return field_refuse(r, v, "too large a number; use a string");
		/* fall through */
	case json_type_double:
		buf_str(&text,
		    json_object_to_json_string_ext(v->json, JSON_C_TO_STRING_PLAIN));
		break;
	default:
		return field_refuse(r, v, "must be a string or a number");
	}
	bytes_set(at, text.data, text.len);
	return 0;
}

static int
take_test_args(struct reading *r, const struct value *v, void *at)
{
	struct words **args = at;

	if (json_object_is_type(v->json, json_type_array) &&
	    json_object_array_length(v->json) == 0)
		return 0;
	*args = calloc(1, sizeof(**args));
	if (*args == NULL)
		return problem_set(r->problem, PROBLEM_INTERNAL, NULL, "out of memory");
	return field_words(r, v, *args);
}

static const struct field test_fields[] = {
	{ "input", field_bytes, offsetof(struct job_test, input) },
	{ "inputBase64", field_base64, offsetof(struct job_test, input) },
	{ "expected", field_bytes, offsetof(struct job_test, expected) },
	{ "expectedBase64", field_base64, offsetof(struct job_test, expected) },
	{ "id", take_id, offsetof(struct job_test, id) },
	{ "args", take_test_args, offsetof(struct job_test, args) },
	{ "limits", take_limits, offsetof(struct job_test, limits) },
	{ "hidden", field_bool, offsetof(struct job_test, hidden) },
	{ NULL, NULL, 0 },
};

static int
take_test(struct reading *r, const struct value *v, void *at)
{
	struct job_test *t = job_add_test(at);

	if (fields_read(r, v, test_fields, t) == -1)
		return -1;
	t->has_expected = t->expected.data != NULL;
	return 0;
}

static int
take_tests(struct reading *r, const struct value *v, void *at)
{
	size_t n = json_object_is_type(v->json, json_type_array)
		       ? json_object_array_length(v->json)
		       : 0;

	if (n > r->site->max_tests)
		return field_refuse_as(r, PROBLEM_TOO_MANY_TESTS, v,
		    "%zu tests, at most %" PRIu64, n, r->site->max_tests);
	return fields_each(r, v, n, take_test, at);
}

/* --- sources --- */

static int
take_file_name(struct reading *r, const struct value *v, void *at)
{
	const char *s = NULL;
	size_t len = 0;
	struct err e;

	if (field_string(r, v, &s, &len) == -1)
		return -1;
	if (path_check_name(s, len, &e) == -1)
		return field_refuse_as(r, PROBLEM_BAD_FILE_NAME, v, "%s", e.msg);
	memcpy(at, s, len + 1);
	return 0;
}

static const struct field file_fields[] = {
	{ "name", take_file_name, offsetof(struct job_file, name) },
	{ "content", field_bytes, offsetof(struct job_file, content) },
	{ "base64", field_base64, offsetof(struct job_file, content) },
	{ NULL, NULL, 0 },
};

static int
take_file(struct reading *r, const struct value *v, void *at)
{
	const struct job *job = at;
	struct job_file *file = job_add_file(at);

	if (fields_read(r, v, file_fields, file) == -1)
		return -1;
	if (file->name[0] == '\0')
		return field_missing(r, v, "name", "required");
	if (file->content.data == NULL)
		return field_missing(r, v, "content", "required, or base64");
	for (const struct job_file *f = job->files; f < file; f++)
		if (strcmp(f->name, file->name) == 0)
			return field_refuse_as(r, PROBLEM_BAD_FILE_NAME, v,
			    "a file before it is named %s too", f->name);
	return 0;
}

/* The file that entry names becomes the first one. */
static int
name_main(struct reading *r, const struct value *entry)
{
	struct job *job = r->job;
	const char *name = NULL;

	if (field_text(r, entry, PATH_NAME_MAX, &name) == -1)
		return -1;
	for (unsigned i = 0; i < job->nfiles; i++) {
		if (strcmp(job->files[i].name, name) != 0)
			continue;
		struct job_file first = job->files[0];
		job->files[0] = job->files[i];
		job->files[i] = first;
		job->main_named = true;
		return 0;
	}
	return field_refuse(r, entry, "none of files is named %s", name);
}

/* code and files come in any order, but the main file is the first. */
static int
take_sources(struct reading *r, const struct value *body)
{
	struct value code, files, entry;
	bool has_code = fields_find(body, "code", &code);
	bool has_entry = fields_find(body, "entry", &entry);

	if (has_code && native_take_code(r, &code, r->job) == -1)
		return -1;
	if (fields_find(body, "files", &files) &&
	    fields_each(r, &files, FILES_MAX, take_file, r->job) == -1)
		return -1;
	if (has_code && has_entry)
		return field_refuse(
		    r, &entry, "code is the main file, entry goes without it");
	if (has_entry)
		return name_main(r, &entry);
	if (!has_code && r->job->nfiles > 0)
		return field_missing(
		    r, body, "entry", "required, to say which of files is the main one");
	return 0;
}

/* --- compare --- */

const char *const native_modes[] = {
	[COMPARE_TRIM] = "trim",
	[COMPARE_EXACT] = "exact",
	[COMPARE_LINES] = "lines",
	[COMPARE_TOKENS] = "tokens",
	[COMPARE_TOKENS_NOCASE] = "tokens-nocase",
	[COMPARE_UNORDERED_LINES] = "unordered-lines",
	[COMPARE_FLOAT] = "float",
	NULL,
};

#define FLOAT_DEFAULT 1e-6 /* both, where the client names neither */

static int
take_mode(struct reading *r, const struct value *v, void *at)
{
	const char *s = NULL;

	if (field_text(r, v, 32, &s) == -1)
		return -1;
	for (unsigned i = 0; native_modes[i] != NULL; i++)
		if (strcmp(native_modes[i], s) == 0) {
			*(enum compare_mode *)at = (enum compare_mode)i;
			return 0;
		}
	return field_refuse(r, v, "no way to compare is called '%s'", s);
}

static const struct field compare_fields[] = {
	{ "type", take_mode, offsetof(struct compare, mode) },
	{ "abs", field_real, offsetof(struct compare, abs) },
	{ "rel", field_real, offsetof(struct compare, rel) },
	{ NULL, NULL, 0 },
};

static int
take_compare(struct reading *r, const struct value *v, void *at)
{
	struct compare *c = at;
	struct value member;
	bool is_text = json_object_is_type(v->json, json_type_string);
	bool tolerant;

	if (is_text ? take_mode(r, v, &c->mode) == -1
		    : fields_read(r, v, compare_fields, c) == -1)
		return -1;
	if (!is_text && !fields_find(v, "type", &member))
		return field_missing(r, v, "type", "required");
	tolerant = !is_text &&
		   (fields_find(v, "abs", &member) || fields_find(v, "rel", &member));
	if (tolerant && c->mode != COMPARE_FLOAT)
		return field_refuse(r, &member, "belongs to type float alone");
	if (!tolerant && c->mode == COMPARE_FLOAT)
		c->abs = c->rel = FLOAT_DEFAULT;
	return 0;
}

/* --- the request --- */

int
native_take_language(struct reading *r, const struct value *v, void *at)
{
	struct job *job = at;
	const char *s = NULL;
	size_t len = 0;

	if (field_string(r, v, &s, &len) == -1)
		return -1;
	if (len == 0 || len >= sizeof(job->language) || memchr(s, '\0', len) != NULL)
		return field_refuse_as(
		    r, PROBLEM_UNSUPPORTED_LANGUAGE, v, "no language '%.40s'", s);
	for (size_t i = 0; i < len; i++)
		job->language[i] =
		    (char)(s[i] >= 'A' && s[i] <= 'Z' ? s[i] | 0x20 : s[i]);
	memcpy(job->asked_language, job->language, sizeof(job->language));
	return 0;
}

int
native_take_code(struct reading *r, const struct value *v, void *at)
{
	return field_bytes(r, v, &job_add_file(at)->content);
}

int
native_need(struct reading *r, const struct value *body, bool code_too)
{
	if (r->job->language[0] == '\0')
		return field_missing(r, body, "language", "required");
	if (code_too && r->job->nfiles == 0)
		return field_missing(r, body, "code", "required");
	return 0;
}

static int
take_profile(struct reading *r, const struct value *v, void *at)
{
	const char *s = NULL;

	if (field_text(r, v, SIZE_MAX, &s) == -1)
		return -1;
	if (site_profile(r->site, s) == NULL)
		return field_refuse_as(
		    r, PROBLEM_UNKNOWN_PROFILE, v, "no profile is called '%.40s'", s);
	snprintf(at, PROFILE_NAME_MAX, "%s", s);
	return 0;
}

static int
take_user(struct reading *r, const struct value *v, void *at)
{
	const char *s = NULL;

	if (field_text(r, v, sizeof(r->job->user) - 1, &s) == -1)
		return -1;
	snprintf(at, sizeof(r->job->user), "%s", s);
	return 0;
}

static const struct field job_fields[] = {
	{ "language", native_take_language, 0 },
	{ "code", field_later, 0 },
	{ "files", field_later, 0 },
	{ "entry", field_later, 0 },
	{ "tests", take_tests, 0 },
	{ "args", field_words, offsetof(struct job, args) },
	{ "limits", take_limits, offsetof(struct job, limits) },
	{ "timeLimitMs", take_time_limit, 0 },
	{ "memoryMb", take_memory_mb, offsetof(struct job, limits) },
	{ "cpus", take_cpus, offsetof(struct job, limits) },
	{ "profile", take_profile, offsetof(struct job, profile) },
	{ "compare", take_compare, offsetof(struct job, compare) },
	{ "compileArgs", field_words, offsetof(struct job, compile_args) },
	{ "stopOnFailure", field_bool, offsetof(struct job, stop_on_failure) },
	{ "user", take_user, offsetof(struct job, user) },
	{ NULL, NULL, 0 },
};

/* Two spellings of one limit exclude each other; they come in any order. */
static int
check_time_limit(struct reading *r, const struct value *body)
{
	struct value v;

	if ((r->job->limits.given & 1u << ROW_cpu_ms) == 0 ||
	    !fields_find(body, "timeLimitMs", &v))
		return 0;
	return field_refuse(r, &v, "its other spelling is given too");
}

static int
native_decode(struct reading *r, const struct value *body)
{
	if (fields_read(r, body, job_fields, r->job) == -1 ||
	    check_time_limit(r, body) == -1)
		return -1;
	if (native_need(r, body, false) == -1)
		return -1;
	return take_sources(r, body);
}

const struct dialect dialect_native = {
	.name = "native",
	.decode = native_decode,
	.encode = native_encode,
	.refuse = native_refuse,
};

/* At the address of the service whose contract this one continues, with its limits. */
const struct dialect dialect_proctorx = {
	.name = "native",
	.profile = "proctorx",
	.decode = native_decode,
	.encode = native_encode,
	.refuse = native_refuse,
};
