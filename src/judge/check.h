/*
 * check - inside of judge_check: one function per mode, which says where the texts part.
 */
#ifndef JUDGE_CHECK_H
#define JUDGE_CHECK_H

#include "judge/text.h"

/* Where two texts part: a place in each, at which the lines to be shown are found. */
struct parting {
	struct text expected, actual; /* whole texts as they were compared */
	const char *in_expected;      /* NULL: nothing of it is to be shown */
	const char *in_actual;
};

/* True if the texts agree, else in_expected and in_actual are filled. */
bool check_unordered(struct parting *p);
/* token agrees with token? */
bool check_float(struct text expected, struct text actual, const struct compare *how);

#endif
