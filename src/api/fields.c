#include "api/fields.h"

#include <float.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "api/base64.h"

#define WHOLE_MAX (1ULL << 53) /* beyond it JavaScript's numbers are no longer whole */

static int ERR_PRINTF(4, 0) refuse(struct reading *r, enum problem_code code,
    const struct value *v, const char *fmt, va_list ap)
{
	char text[sizeof(r->problem->text)];

	vsnprintf(text, sizeof(text), fmt, ap);
	return problem_set(r->problem, code, v->path, "%s: %s", v->path, text);
}

int
field_refuse(struct reading *r, const struct value *v, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	refuse(r, PROBLEM_BAD_FIELD, v, fmt, ap);
	va_end(ap);
	return -1;
}

int
field_refuse_as(struct reading *r, enum problem_code code, const struct value *v,
    const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	refuse(r, code, v, fmt, ap);
	va_end(ap);
	return -1;
}

/* "files" and "[2]" are "files[2]", and with "name" "files[2].name".  Cuts what does not
 * fit: the beginning of a path is what helps. */
static struct value
value_below(const struct value *v, const char *name, struct json_object *json)
{
	struct value below = { .json = json, .name = name };
	size_t n = strlen(v->path);

	memcpy(below.path, v->path, n);
	if (n > 0 && *name != '[' && n + 1 < sizeof(below.path))
		below.path[n++] = '.';
	snprintf(below.path + n, sizeof(below.path) - n, "%s", name);
	return below;
}

int
field_missing(struct reading *r, const struct value *v, const char *name, const char *why)
{
	struct value missing = value_below(v, name, NULL);

	return field_refuse_as(r, PROBLEM_MISSING_FIELD, &missing, "%s", why);
}

bool
fields_find(const struct value *object, const char *name, struct value *out)
{
	struct json_object *json;

	if (!json_object_object_get_ex(object->json, name, &json))
		return false;
	*out = value_below(object, name, json);
	return true;
}

static void
warn_unknown(struct reading *r, const struct value *v)
{
	struct warnings *w = r->warnings;

	if (w == NULL)
		return;
	if (w->count == WARNINGS_MAX) {
		w->unsaid++;
		return;
	}
	snprintf(w->text[w->count++], sizeof(w->text[0]), "unknown member ignored: %s",
	    v->path);
}

static int
take_member(
    struct reading *r, const struct value *v, const struct field *table, void *into)
{
	for (const struct field *f = table; f->name != NULL; f++)
		if (strcmp(f->name, v->name) == 0)
			return f->take(r, v, (char *)into + f->offset);
	warn_unknown(r, v);
	return 0;
}

int
fields_read(
    struct reading *r, const struct value *object, const struct field *table, void *into)
{
	if (!json_object_is_type(object->json, json_type_object))
		return field_refuse(r, object, "must be an object");

	struct json_object_iterator at = json_object_iter_begin(object->json);
	struct json_object_iterator end = json_object_iter_end(object->json);
	for (; !json_object_iter_equal(&at, &end); json_object_iter_next(&at)) {
		struct value v = value_below(object, json_object_iter_peek_name(&at),
		    json_object_iter_peek_value(&at));

		if (take_member(r, &v, table, into) == -1)
			return -1;
	}
	return 0;
}

int
fields_each(
    struct reading *r, const struct value *array, size_t max, field_taker *take, void *at)
{
	if (!json_object_is_type(array->json, json_type_array))
		return field_refuse(r, array, "must be an array");

	size_t n = json_object_array_length(array->json);
	if (n > max)
		return field_refuse(r, array, "%zu elements, at most %zu", n, max);
	for (size_t i = 0; i < n; i++) {
		char index[32];

		snprintf(index, sizeof(index), "[%zu]", i);
		struct value v =
		    value_below(array, index, json_object_array_get_idx(array->json, i));
		if (take(r, &v, at) == -1)
			return -1;
	}
	return 0;
}

int
field_string(struct reading *r, const struct value *v, const char **s, size_t *len)
{
	if (!json_object_is_type(v->json, json_type_string))
		return field_refuse(r, v, "must be a string");
	*s = json_object_get_string(v->json);
	*len = (size_t)json_object_get_string_len(v->json);
	return 0;
}

int
field_text(struct reading *r, const struct value *v, size_t max, const char **s)
{
	const char *text = NULL;
	size_t len = 0;

	if (field_string(r, v, &text, &len) == -1)
		return -1;
	if (memchr(text, '\0', len) != NULL)
		return field_refuse(r, v, "must not hold a NUL");
	if (len > max)
		return field_refuse(r, v, "%zu bytes, at most %zu", len, max);
	*s = text;
	return 0;
}

int
field_bool(struct reading *r, const struct value *v, void *at)
{
	if (!json_object_is_type(v->json, json_type_boolean))
		return field_refuse(r, v, "must be true or false");
	*(bool *)at = json_object_get_boolean(v->json);
	return 0;
}

/* json-c saturates what does not fit 64 bits, which is beyond WHOLE_MAX all the same. */
static int
whole_of(struct json_object *json, uint64_t *out)
{
	if (json_object_is_type(json, json_type_int)) {
		if (json_object_get_int64(json) < 0)
			return -1;
		*out = json_object_get_uint64(json);
	} else {
		double d = json_object_get_double(json);

		if (!(d >= 0 && d <= (double)WHOLE_MAX) || d != (double)(uint64_t)d)
			return -1;
		*out = (uint64_t)d;
	}
	return *out <= WHOLE_MAX ? 0 : -1;
}

static bool
is_number(const struct value *v)
{
	return json_object_is_type(v->json, json_type_int) ||
	       json_object_is_type(v->json, json_type_double);
}

int
field_whole(struct reading *r, const struct value *v, uint64_t min, uint64_t *out)
{
	uint64_t n = 0;

	if (!is_number(v))
		return field_refuse(r, v, "must be a number");
	if (whole_of(v->json, &n) == -1 || n < min)
		return field_refuse(
		    r, v, "must be a whole number, %" PRIu64 " or more", min);
	*out = n;
	return 0;
}

int
field_real(struct reading *r, const struct value *v, void *at)
{
	if (!is_number(v))
		return field_refuse(r, v, "must be a number");

	double d = json_object_get_double(v->json);
	if (!(d >= 0 && d <= DBL_MAX))
		return field_refuse(r, v, "must be a number, 0 or more");
	*(double *)at = d;
	return 0;
}

static int
take_word(struct reading *r, const struct value *v, void *at)
{
	const char *s = NULL;
	struct err e;

	if (field_text(r, v, WORDS_BYTES, &s) == -1)
		return -1;
	if (words_add(at, s, &e) == -1)
		return field_refuse(r, v, "%s", e.msg);
	return 0;
}

int
field_words(struct reading *r, const struct value *v, void *at)
{
	return fields_each(r, v, WORDS_MAX, take_word, at);
}

static int
refuse_second(struct reading *r, const struct value *v, const struct bytes *b)
{
	if (b->data == NULL)
		return 0;
	return field_refuse(r, v, "text and base64 are given, only one may be");
}

int
field_bytes(struct reading *r, const struct value *v, void *at)
{
	const char *s = NULL;
	size_t len = 0;

	if (field_string(r, v, &s, &len) == -1 || refuse_second(r, v, at) == -1)
		return -1;
	bytes_set(at, s, len);
	return 0;
}

int
field_base64(struct reading *r, const struct value *v, void *at)
{
	const char *s = NULL;
	size_t len = 0;

	if (field_string(r, v, &s, &len) == -1 || refuse_second(r, v, at) == -1)
		return -1;
	if (!base64_decode(s, len, at))
		return field_refuse(r, v, "must be base64, with its padding");
	return 0;
}

int
field_later(struct reading *r, const struct value *v, void *at)
{
	(void)r;
	(void)v;
	(void)at;
	return 0;
}
