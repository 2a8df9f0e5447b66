/* What stands behind the '?' of an address: typed, strict, and refused by name. */
#include "unit.h"

#include <stdlib.h>

#include "api/query.h"
#include "base/when.h"

struct into {
	uint64_t limit;
	int64_t since;
	char user[8];
};

static const struct query_row table[] = {
	{ "limit", QUERY_NUMBER, offsetof(struct into, limit), 1, 200 },
	{ "since", QUERY_MOMENT, offsetof(struct into, since), 0, 0 },
	{ "user", QUERY_TEXT, offsetof(struct into, user), 0, 8 },
	{ NULL, QUERY_TEXT, 0, 0, 0 },
};

static void
good_ones_are_read(void **state)
{
	static const struct {
		const char *query;
		unsigned limit;
		int64_t since; /* seconds */
		const char *user;
	} cases[] = {
		{ "", 7, 0, "" },
		{ "limit=1", 1, 0, "" },
		{ "limit=200&user=ada", 200, 0, "ada" },
		{ "&&limit=5&", 5, 0, "" },
		{ "user=a%20b+c", 7, 0, "a b c" },
		{ "user=%C3%a9%26%3D", 7, 0, "\xc3\xa9&=" },
		{ "user=a=b", 7, 0, "a=b" },
		{ "user=1234567", 7, 0, "1234567" },
		{ "since=1970-01-02T00:00Z", 7, 86400, "" },
		{ "since=1970-01-02T01:00%2B01:00&limit=09", 9, 86400, "" },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct http_request rq = { .body_short = false };
		struct into in = { .limit = 7 };
		struct problem p = { .text = "" };

		snprintf(rq.query, sizeof(rq.query), "%s", cases[i].query);
		if (query_read(&rq, table, &in, &p) == -1)
			fail_msg("%s: %s", cases[i].query, p.text);
		CHECK_INT(cases[i].query, in.limit, cases[i].limit);
		CHECK_INT(cases[i].query, in.since / 1000000, cases[i].since);
		CHECK_STR(cases[i].query, in.user, cases[i].user);
	}
}

static void
bad_ones_are_refused_by_name(void **state)
{
	static const struct {
		const char *query, *path, *text;
	} cases[] = {
		{ "limit=0", "limit", "limit: a whole number from 1 to 200" },
		{ "limit=201", "limit", "limit: a whole number from 1 to 200" },
		{ "limit=-1", "limit", "limit: a whole number from 1 to 200" },
		{ "limit=+1", "limit", "limit: a whole number from 1 to 200" },
		{ "limit=1.0", "limit", "limit: a whole number from 1 to 200" },
		{ "limit=0x10", "limit", "limit: a whole number from 1 to 200" },
		{ "limit=99999999999999999999", "limit",
		    "limit: a whole number from 1 to 200" },
		{ "limit=1&limit=1", "limit", "limit: is there twice" },
		{ "user=a&limit=1&user=b", "user", "user: is there twice" },
		{ "limit", "limit", "limit: has no value" },
		{ "user=", "user", "user: has no value" },
		{ "user=12345678", "user", "user: at most 7 bytes" },
		{ "user=a%0ab", "user",
		    "user: must be UTF-8 without control characters" },
		{ "user=%7f", "user", "user: must be UTF-8 without control characters" },
		{ "user=%ff", "user", "user: must be UTF-8 without control characters" },
		{ "user=%c3", "user", "user: must be UTF-8 without control characters" },
		{ "user=a%00", "user",
		    "user: '%' must have two hexadecimal digits, not 00, behind it" },
		{ "user=%", "user",
		    "user: '%' must have two hexadecimal digits, not 00, behind it" },
		{ "user=%4", "user",
		    "user: '%' must have two hexadecimal digits, not 00, behind it" },
		{ "user=%g0", "user",
		    "user: '%' must have two hexadecimal digits, not 00, behind it" },
		{ "since=yesterday", "since",
		    "since: a time like 2026-11-21T09:30Z, 2h or 7d" },
		{ "since=1970-02-30", "since",
		    "since: a time like 2026-11-21T09:30Z, 2h or 7d" },
		{ "User=a", "",
		    "the query has a parameter that is not known here; there are: limit, "
		    "since, user" },
		{ "lim%69t=1", "",
		    "the query has a parameter that is not known here; there are: limit, "
		    "since, user" },
		{ "=1", "",
		    "the query has a parameter that is not known here; there are: limit, "
		    "since, user" },
		{ "limit=1;user=a", "limit", "limit: a whole number from 1 to 200" },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct http_request rq = { .body_short = false };
		struct into in = { .limit = 7 };
		struct problem p = { .text = "" };

		snprintf(rq.query, sizeof(rq.query), "%s", cases[i].query);
		if (query_read(&rq, table, &in, &p) == 0)
			fail_msg("%s: passed", cases[i].query);
		CHECK_INT(cases[i].query, p.code, PROBLEM_BAD_FIELD);
		CHECK_STR(cases[i].query, p.path, cases[i].path);
		CHECK_STR(cases[i].query, p.text, cases[i].text);
	}
}

/* Cut where it is too long: then nobody knows what it said. */
static void
a_cut_one_is_refused(void **state)
{
	struct http_request rq = { .body_short = false };
	struct into in = { .limit = 7 };
	struct problem p = { .text = "" };

	(void)state;
	memset(rq.query, '&', sizeof(rq.query) - 1);
	assert_int_equal(query_read(&rq, table, &in, &p), -1);
	CHECK_STR("long", p.text, "the query is longer than 1022 bytes");
	rq.query[sizeof(rq.query) - 2] = '\0';
	assert_int_equal(query_read(&rq, table, &in, &p), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_ones_are_read),
		cmocka_unit_test(bad_ones_are_refused_by_name),
		cmocka_unit_test(a_cut_one_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
