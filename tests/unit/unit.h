/*
 * unit - what every unit test includes: cmocka and its needs, and assertions that name
 * the case of a table they belong to.
 */
#ifndef TESTS_UNIT_H
#define TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

#define CHECK_STR(what, got, want)                                                       \
	do {                                                                             \
		const char *got_ = (got), *want_ = (want);                               \
		if (strcmp(got_, want_) != 0)                                            \
			fail_msg(                                                        \
			    "%s: is \"%s\", should be \"%s\"", (what), got_, want_);     \
	} while (0)

#define CHECK_INT(what, got, want)                                                       \
	do {                                                                             \
		long long got_ = (long long)(got), want_ = (long long)(want);            \
		if (got_ != want_)                                                       \
			fail_msg("%s: is %lld, should be %lld", (what), got_, want_);    \
	} while (0)

/* For calls that must succeed: says why they did not. */
#define CHECK_OK(call, e)                                                                \
	do {                                                                             \
		if ((call) == -1)                                                        \
			fail_msg("%s: %s (%s)", #call, (e).msg, strerror((e).sys));      \
	} while (0)

#endif
