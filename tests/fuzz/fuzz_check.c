/*
 * Any two texts, any mode: the comparison ends, says the same each time, finds a text
 * equal to itself, and shows at most what it may of a difference.
 *
 * Input: a byte for the mode, then the expected text up to the first 0x1e, then the
 * other.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "judge/judge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool yes, const char *what)
{
	if (yes)
		return;
	fprintf(stderr, "%s\n", what);
	abort();
}

static bool
is_part(const struct bytes *part, const struct bytes *whole)
{
	return part->len == 0 ||
	       memmem(whole->data, whole->len, part->data, part->len) != NULL;
}

static void
try_texts(const struct compare *how, const struct bytes *e, const struct bytes *a)
{
	struct diff d = { 0 };
	bool same = judge_check(how, e, a, &d);

	require(judge_check(how, e, e, NULL) && judge_check(how, a, a, NULL),
	    "a text differs from itself");
	require(judge_check(how, e, a, NULL) == same, "a diff changes the verdict");
	if (how->mode != COMPARE_FLOAT) /* there expected sets the tolerance */
		require(judge_check(how, a, e, NULL) == same, "sides matter");
	require(same == (d.line == 0), "a difference has a line");
	require(d.expected.len <= 200 && d.actual.len <= 200, "too much is shown");
	require(is_part(&d.expected, e) && is_part(&d.actual, a), "shown is not there");
	require(same || d.expected.len != d.actual.len ||
		    memcmp(d.expected.data, d.actual.data, d.actual.len) != 0,
	    "shown is no difference");
	free(d.expected.data);
	free(d.actual.data);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct compare how = { .abs = 1e-6, .rel = 1e-6 };
	struct bytes e = { 0 }, a = { 0 };

	if (size == 0)
		return 0;
	how.mode = (enum compare_mode)(data[0] % (COMPARE_FLOAT + 1));
	data++;
	size--;
	const uint8_t *cut = memchr(data, 0x1e, size);
	size_t first = cut != NULL ? (size_t)(cut - data) : size;
	bytes_set(&e, data, first);
	bytes_set(&a, cut != NULL ? cut + 1 : data, cut != NULL ? size - first - 1 : 0);
	try_texts(&how, &e, &a);
	free(e.data);
	free(a.data);
	return 0;
}
