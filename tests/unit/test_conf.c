/* Configuration: every mistake is found, and said with its line. */
#include "unit.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/conf.h"
#include "base/fd.h"
#include "base/scope.h"

struct sample {
	uint64_t count, size, time, share;
	bool flag;
	char text[8];
	struct words words;
};

static const struct conf_key keys[] = {
	CONF_ROW(UINT, struct sample, count, 1, 100, ""),
	CONF_ROW(BYTES, struct sample, size, 0, 1 << 30, ""),
	CONF_ROW(MSEC, struct sample, time, 0, 60000, ""),
	CONF_ROW(MILLI, struct sample, share, 0, 64000, ""),
	CONF_ROW(BOOL, struct sample, flag, 0, 0, ""),
	CONF_ROW(TEXT, struct sample, text, 0, 0, ""),
	CONF_ROW(WORDS, struct sample, words, 0, 0, ""),
	{ .name = "inner", .kind = CONF_GROUP },
	{ .name = "other", .kind = CONF_SKIP },
	{ .name = NULL },
};

/* Reads a text as a file; *path is where it was. */
static int
read_text(
    const char *text, const char *group, struct sample *s, char path[64], struct err *e)
{
	scope_conf c = NULL;
	char name[64] = "/tmp/judgebox-test-XXXXXX";
	struct err why = { 0 };
	scope_fd fd = mkstemp(name);

	assert_int_not_equal(fd, -1);
	CHECK_OK(fd_write_all(fd, text, strlen(text), &why), why);
	memcpy(path, name, sizeof(name));
	int r = conf_open(name, &c, e);
	unlink(name);
	return r == -1 ? -1 : conf_read(c, group, keys, s, e);
}

static void
values_are_read_with_units(void **state)
{
	struct sample s = { .count = 9 };
	struct err e = { 0 };
	char path[64];

	(void)state;
	CHECK_OK(read_text("size = \"64M\"; time = \"3s\"; share = 0.5; flag = true;"
			   "text = \"1234567\"; words = [ \"a\", \"b\" ];"
			   "inner = { x = 1; }; other = 3.5;",
		     NULL, &s, path, &e),
	    e);
	assert_true(s.size == 64 << 20 && s.time == 3000 && s.share == 500 && s.flag);
	CHECK_STR("text", s.text, "1234567");
	assert_true(s.words.count == 2 && words_has(&s.words, "b"));
	CHECK_INT("what is not named stays", s.count, 9);
	CHECK_OK(
	    read_text("size = 5; time = 6; share = 2; words = ();", NULL, &s, path, &e),
	    e);
	assert_true(s.size == 5 && s.time == 6 && s.share == 2000 && s.words.count == 0);
}

static void
groups_are_read_by_path(void **state)
{
	struct sample s = { 0 };
	struct err e = { 0 };
	char path[64];

	(void)state;
	CHECK_OK(read_text("a = { b = { count = 7; }; };", "a.b", &s, path, &e), e);
	CHECK_INT("count", s.count, 7);
	CHECK_OK(read_text("a = { b = { count = 8; }; };", "a.c", &s, path, &e), e);
	CHECK_INT("an absent group changes nothing", s.count, 7);
	assert_int_equal(read_text("a = 3;", "a", &s, path, &e), -1);
	CHECK_STR("message", e.msg + strlen(path), ":1: a: must be a group { … }");
}

static void
mistakes_are_named_with_their_line(void **state)
{
	static const struct {
		const char *text, *msg;
	} cases[] = {
		{ "\n\ncolour = 1;", ":3: unknown key 'colour'" },
		{ "count = 0;", ":1: count: 0 is outside 1..100" },
		{ "count = 101;", ":1: count: 101 is outside 1..100" },
		{ "\ncount = -1;", ":2: count: must not be negative" },
		{ "count = 1.5;", ":1: count: must be a whole number" },
		{ "count = \"5\";", ":1: count: must be a number" },
		{ "count = true;", ":1: count: must be a number" },
		{ "count = 9999999999L;", ":1: count: 9999999999 is outside 1..100" },
		{ "size = \"1X\";", ":1: size: '1X' has an unknown unit" },
		{ "size = \"2G\";", ":1: size: 2147483648 is outside 0..1073741824" },
		{ "share = -0.5;", ":1: share: must not be negative" },
		{ "share = 1e300;", ":1: share: must be from 0 to 64" },
		{ "share = 64.5;", ":1: share: must be from 0 to 64" },
		{ "share = 18446744073709552L;", ":1: share: must be from 0 to 64" },
		{ "# 4294967297\n// 4294967297\n/* 4294967297\n*/ count = 4294967297;",
		    ":4: 4294967297 is too large a number without an L behind it" },
		{ "text = \"a\\\"\n4294967297\"; size = 0x100000000;",
		    ":2: 0x100000000 is too large a number without an L behind it" },
		{ "count = 99999999999999999999;",
		    ":1: 99999999999999999999 is too large a number without an L behind "
		    "it" },
		{ "flag = 1;", ":1: flag: must be true or false" },
		{ "text = 1;", ":1: text: must be a string" },
		{ "text = \"12345678\";", ":1: text: longer than 7 bytes" },
		{ "words = \"a\";", ":1: words: must be a list of strings" },
		{ "words = [ 1 ];", ":1: words: must be a list of strings" },
		{ "inner = 1;", ":1: inner: must be a group { … }" },
		{ "count = ;", ":1: syntax error" },
		{ "count = 1; count = 2;", ":1: duplicate setting name" },
	};

	(void)state;
	for (unsigned i = 0; i < LENGTH(cases); i++) {
		struct sample s = { 0 };
		struct err e = { 0 };
		char path[64];

		CHECK_INT(
		    cases[i].text, read_text(cases[i].text, NULL, &s, path, &e), -1);
		assert_memory_equal(e.msg, path, strlen(path));
		CHECK_STR(cases[i].text, e.msg + strlen(path), cases[i].msg);
		CHECK_INT("code", e.code, ERR_BAD_INPUT);
		assert_true(s.count == 0 && s.size == 0 && s.words.count == 0);
	}
}

static void
a_file_must_be_there(void **state)
{
	struct conf *c = NULL;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(conf_open("/nonexistent/x.conf", &c, &e), -1);
	CHECK_STR("message", e.msg, "read /nonexistent/x.conf");
	assert_null(c);
}

static void
members_have_names(void **state)
{
	char name[] = "/tmp/judgebox-test-XXXXXX";
	scope_conf c = NULL;
	struct words names = { 0 };
	struct err e = { 0 };

	(void)state;
	scope_fd fd = mkstemp(name);
	CHECK_OK(fd_write_all(fd, "p = {\na = {};\nb = {};\n};", 24, &e), e);
	CHECK_OK(conf_open(name, &c, &e), e);
	unlink(name);
	CHECK_OK(conf_names(c, "p", &names, &e), e);
	assert_true(names.count == 2 && words_has(&names, "a") && words_has(&names, "b"));
	CHECK_OK(conf_names(c, "q", &names, &e), e);
	CHECK_INT("an absent group has none", names.count, 0);
	conf_fault(c, "p.b", &e, "rule %d", 5);
	CHECK_STR("fault", e.msg + strlen(name), ":3: rule 5");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_read_with_units),
		cmocka_unit_test(groups_are_read_by_path),
		cmocka_unit_test(mistakes_are_named_with_their_line),
		cmocka_unit_test(a_file_must_be_there),
		cmocka_unit_test(members_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
