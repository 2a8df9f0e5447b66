/*
 * query - typed parameters out of the part of an address behind the '?', driven by
 * tables. Strict: one that is not in the table, or comes twice, or has no value, is
 * refused, and the refusal names it.
 */
#ifndef API_QUERY_H
#define API_QUERY_H

#include <stddef.h>
#include <stdint.h>

#include "http/message.h"
#include "model/problem.h"

enum query_kind {
	QUERY_TEXT,   /* char[most]: UTF-8 without control characters */
	QUERY_NUMBER, /* uint64_t, at most `most` */
	QUERY_MOMENT, /* int64_t, microseconds since 1970, as base/when.h reads them */
};

struct query_row {
	const char *name; /* NULL ends the table */
	enum query_kind kind;
	size_t offset; /* into the object that is filled */
	uint64_t least, most;
};

/* What is absent stays as it is. */
int query_read(const struct http_request *rq, const struct query_row *table, void *into,
    struct problem *p);

#endif
