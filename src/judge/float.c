/* Numbers by the grammar of the ICPC problem format: finite decimals, nothing else. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"
#include "judge/check.h"

static const char *
skip_digits(const char *s, const char *end)
{
	while (s < end && *s >= '0' && *s <= '9')
		s++;
	return s;
}

/* [+-]?(d*.d+|d+.|d+)([eE][+-]?d+)? */
static bool
is_decimal(struct text t)
{
	const char *s = t.at;

	if (s < t.end && (*s == '+' || *s == '-'))
		s++;
	const char *whole = s;
	s = skip_digits(s, t.end);
	size_t digits = (size_t)(s - whole);
	if (s < t.end && *s == '.') {
		const char *fraction = ++s;
		s = skip_digits(s, t.end);
		digits += (size_t)(s - fraction);
	}
	if (digits == 0)
		return false;
	if (s < t.end && (*s == 'e' || *s == 'E')) {
		if (++s < t.end && (*s == '+' || *s == '-'))
			s++;
		const char *exponent = s;
		s = skip_digits(s, t.end);
		if (s == exponent)
			return false;
	}
	return s == t.end;
}

/* long double, as the reference validator: 2^53 and 2^53 + 1 must differ. */
static bool
read_float(struct text t, long double *out)
{
	char small[64];
	size_t len = text_len(t);
	scope_free char *large = NULL;
	char *copy = small;

	if (!is_decimal(t))
		return false;
	if (len >= sizeof(small)) {
		large = malloc(len + 1);
		if (large == NULL)
			abort();
		copy = large;
	}
	memcpy(copy, t.at, len);
	copy[len] = '\0';
	*out = strtold(copy, NULL);
	return isfinite(*out);
}

bool
check_float(struct text expected, struct text actual, const struct compare *how)
{
	long double e, a;

	if (text_same(expected, actual))
		return true;
	if (!read_float(expected, &e) || !read_float(actual, &a))
		return false;
	long double apart = fabsl(a - e);
	return apart <= (long double)how->abs ||
	       apart <= (long double)how->rel * fabsl(e);
}
