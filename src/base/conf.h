/*
 * conf - fills plain structs from libconfig files, driven by tables.
 *
 * The one door to libconfig(3).  A key that no row names is an error, and every error
 * begins with "file:line: ".  Values set by an earlier file stay unless named again.
 */
#ifndef BASE_CONF_H
#define BASE_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/words.h"

enum conf_kind {
	CONF_UINT,  /* uint64_t */
	CONF_BYTES, /* uint64_t; a number or "64M" */
	CONF_MSEC,  /* uint64_t; a number or "3s" */
	CONF_MILLI, /* uint64_t, thousandths; 0.5 becomes 500 */
	CONF_BOOL,  /* bool */
	CONF_TEXT,  /* char[size], always terminated */
	CONF_WORDS, /* struct words; a list of strings replaces the words there were */
	CONF_GROUP, /* allowed here, read by a call of its own */
	CONF_SKIP,  /* allowed here, somebody else's to read */
};

struct conf_key {
	const char *name; /* NULL ends the table */
	enum conf_kind kind;
	size_t offset, size;
	uint64_t min, max; /* of numbers */
	const char *help;
};

#define CONF_ROW(kind_, type, member, lo, hi, help_)                                     \
	{                                                                                \
		.name = #member, .kind = CONF_##kind_, .offset = offsetof(type, member), \
		.size = sizeof(((type *)0)->member), .min = (lo), .max = (hi),           \
		.help = (help_)                                                          \
	}

struct conf;

int conf_open(const char *path, struct conf **out, struct err *e);
void conf_close(struct conf *c);

/* Reads the group at `path` ("profiles.editor"; NULL is the whole file) into *obj.
 * A group that is absent changes nothing. */
int conf_read(const struct conf *c, const char *path, const struct conf_key *keys,
    void *obj, struct err *e);

/* The names of the members of a group; an absent group has none. */
int conf_names(
    const struct conf *c, const char *path, struct words *names, struct err *e);

/* For a rule the table cannot say: sets *e to "file:line: text", line of `path`. */
int conf_fault(const struct conf *c, const char *path, struct err *e, const char *fmt,
    ...) ERR_PRINTF(4, 5);

#define scope_conf __attribute__((cleanup(conf_scope_))) struct conf *
static inline void
conf_scope_(struct conf **c)
{
	conf_close(*c);
}

#endif
