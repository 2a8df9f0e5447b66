#include "base/num.h"

#include <string.h>

static const struct {
	enum num_unit unit;
	const char *suffix;
	uint64_t factor;
} suffixes[] = {
	{ NUM_PLAIN, "", 1 },
	{ NUM_BYTES, "", 1 },
	{ NUM_BYTES, "K", 1ULL << 10 },
	{ NUM_BYTES, "M", 1ULL << 20 },
	{ NUM_BYTES, "G", 1ULL << 30 },
	{ NUM_MSEC, "", 1 },
	{ NUM_MSEC, "ms", 1 },
	{ NUM_MSEC, "s", 1000 },
	{ NUM_MSEC, "m", 60000 },
	{ NUM_MSEC, "h", 3600000 },
	{ NUM_MSEC, "d", 86400000 },
};

static int
factor_of(const char *text, const char *suffix, enum num_unit unit, uint64_t *factor,
    struct err *e)
{
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		if (suffixes[i].unit != unit || strcmp(suffixes[i].suffix, suffix) != 0)
			continue;
		*factor = suffixes[i].factor;
		return 0;
	}
	return err_set(e, ERR_BAD_INPUT, "'%.40s' has an unknown unit", text);
}

int
num_parse(const char *text, enum num_unit unit, uint64_t *out, struct err *e)
{
	uint64_t n = 0, factor = 0;
	const char *s = text;

	if (*s < '0' || *s > '9') /* strtoull would take "-1" and " 1" */
		return err_set(e, ERR_BAD_INPUT, "'%.40s' is not a number", text);
	for (; *s >= '0' && *s <= '9'; s++)
		if (__builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(*s - '0'), &n))
			return err_set(e, ERR_BAD_INPUT, "'%.40s' is too large", text);
	if (factor_of(text, s, unit, &factor, e) == -1)
		return -1;
	if (__builtin_mul_overflow(n, factor, &n))
		return err_set(e, ERR_BAD_INPUT, "'%.40s' is too large", text);
	*out = n;
	return 0;
}
