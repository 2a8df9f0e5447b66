/*
 * fields - typed members out of an object, driven by tables.  No coercion: a string is
 * never a number.  Every refusal names the path ("tests[3].limits.cpuMs"); a member that
 * no row names becomes a warning.
 *
 * All that fail return -1 with r->problem set.
 */
#ifndef API_FIELDS_H
#define API_FIELDS_H

#include <json-c/json.h>

#include "base/words.h"
#include "model/job.h"
#include "model/problem.h"
#include "model/site.h"

#define WARNINGS_MAX 16

/* Plain data; a typo in 256 tests must not make an answer of 256 lines. */
struct warnings {
	char text[WARNINGS_MAX][128];
	unsigned count, unsaid; /* unsaid: those beyond WARNINGS_MAX */
};

struct reading {
	const struct site *site;
	struct job *job;           /* filled */
	struct warnings *warnings; /* NULL: this dialect has nowhere to say them */
	struct problem *problem;
};

struct value {
	struct json_object *json; /* borrowed; NULL is JSON's null */
	const char *name;         /* of the member, borrowed */
	char path[sizeof(((struct problem *)0)->path)];
};

/* Takes the value into *at, whose type is the taker's own business. */
typedef int field_taker(struct reading *r, const struct value *v, void *at);

struct field {
	const char *name; /* NULL ends the table */
	field_taker *take;
	size_t offset; /* at is so far into the object that is filled */
};

int fields_read(
    struct reading *r, const struct value *object, const struct field *table, void *into);
/* Calls take for every element of an array of at most max, with the same at. */
int fields_each(struct reading *r, const struct value *array, size_t max,
    field_taker *take, void *at);
/* A member of an object; false if it has none of this name. */
bool fields_find(const struct value *object, const char *name, struct value *out);

field_taker field_bool;  /* bool */
field_taker field_real;  /* double, 0 or more */
field_taker field_words; /* struct words, from an array of strings; adds */
/* struct bytes; refused if it has a value already: two spellings exclude each other */
field_taker field_bytes, field_base64;
field_taker field_later; /* anything: its reader comes back for it */

/* The text is borrowed; it may hold NUL unless field_text gave it. */
int field_string(struct reading *r, const struct value *v, const char **s, size_t *len);
int field_text(struct reading *r, const struct value *v, size_t max, const char **s);
/* A whole number up to 2^53; 3.0 is one. */
int field_whole(struct reading *r, const struct value *v, uint64_t min, uint64_t *out);

int field_refuse(struct reading *r, const struct value *v, const char *fmt, ...)
    ERR_PRINTF(3, 4);
int field_refuse_as(struct reading *r, enum problem_code code, const struct value *v,
    const char *fmt, ...) ERR_PRINTF(4, 5);
/* missing_field, of the object v */
int field_missing(
    struct reading *r, const struct value *v, const char *name, const char *why);

#endif
