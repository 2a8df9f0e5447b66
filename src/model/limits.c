#include "model/limits.h"

#include <inttypes.h>
#include <string.h>

#define FILES_LEAST 8

const struct conf_key limits_keys[] = {
#define X(member, json, kind, lo, hi, help)                                              \
	CONF_ROW(kind, struct limits, member, lo, hi, help),
	LIMITS_ROWS(X)
#undef X
	    { .name = NULL },
};

const char *const limits_json[] = {
#define X(member, json, kind, lo, hi, help) json,
	LIMITS_ROWS(X)
#undef X
	    NULL,
};

uint64_t
limits_get(const struct limits *l, unsigned row)
{
	uint64_t v;

	memcpy(&v, (const char *)l + limits_keys[row].offset, sizeof(v));
	return v;
}

void
limits_set(struct limits *l, unsigned row, uint64_t value)
{
	memcpy((char *)l + limits_keys[row].offset, &value, sizeof(value));
}

void
limits_raise(struct limits *l, const struct limits *floor)
{
	for (unsigned i = 0; limits_keys[i].name != NULL; i++)
		if (limits_keys[i].offset != offsetof(struct limits, cpu_share) &&
		    limits_get(l, i) < limits_get(floor, i))
			limits_set(l, i, limits_get(floor, i));
}

void
limits_share_files(struct limits *l, uint64_t all)
{
	uint64_t each = all / (l->processes > 0 ? l->processes : 1);

	if (l->open_files > each)
		l->open_files = each > FILES_LEAST ? each : FILES_LEAST;
}

int
limits_check(
    const struct limits *want, const struct limits *cap, unsigned *row, struct err *e)
{
	for (unsigned i = 0; limits_keys[i].name != NULL; i++) {
		uint64_t w = limits_get(want, i), c = limits_get(cap, i);

		if (c == 0 || w <= c)
			continue;
		*row = i;
		return err_set(e, ERR_OVER_LIMIT,
		    "%s: %" PRIu64 " asked, at most %" PRIu64 " allowed", limits_json[i],
		    w, c);
	}
	return 0;
}
