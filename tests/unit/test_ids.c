/* I-43: the slots' ids belong to nobody else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sandbox/ids.h"

static char dir[] = "/tmp/judgebox-test-XXXXXX";

static void
put(const char *name, const char *text)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	unlink(path);
	if (text == NULL)
		return;
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void
who_has_an_id_of_a_slot_is_named(void **state)
{
	static const struct {
		const char *file, *text, *msg;
	} cases[] = {
		{ "passwd", "root:x:0:0::/:/bin/sh\n", "" },
		{ "passwd", "a:x:199999:0::/:\nb:x:200032:0::/:\n", "" },
		{ "passwd", "root:x:0:0::/:\nlow:x:200000:0::/:\n",
		    "ids 200000 to 200031 are the slots', and passwd:2 gives some of "
		    "them to 'low': choose another uid_base" },
		{ "passwd", "high:x:200031:0::/:\n",
		    "ids 200000 to 200031 are the slots', and passwd:1 gives some of "
		    "them to 'high': choose another uid_base" },
		{ "group", "team:x:200007:a,b\n",
		    "ids 200000 to 200031 are the slots', and group:1 gives some of "
		    "them to 'team': choose another uid_base" },
		{ "subuid", "alice:100000:65536\n", "" },
		{ "subuid", "alice:100000:65536\nbob:165536:65536\n",
		    "ids 200000 to 200031 are the slots', and subuid:2 gives some of "
		    "them to 'bob': choose another uid_base" },
		{ "subgid", "bob:165536:34464\n", "" },
		{ "subgid", "bob:165536:34465",
		    "ids 200000 to 200031 are the slots', and subgid:1 gives some of "
		    "them to 'bob': choose another uid_base" },
		{ "subgid", "bob:200010:0\n", "" },
		{ "subuid", "bob:18446744073709551615:1\n", "" },
		{ "subuid", "# a comment\n\nbob\n:\nbob:200000\nbob:x:y\n", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err e = { 0 };

		put(cases[i].file, cases[i].text);
		int r = ids_check(dir, 200000, 32, true, &e);
		assert_string_equal(e.msg, cases[i].msg);
		assert_int_equal(r, cases[i].msg[0] == '\0' ? 0 : -1);
		put(cases[i].file, NULL);
	}
}

static void
a_file_that_cannot_be_read_is_no_answer(void **state)
{
	struct err e = { 0 };
	char path[64];

	(void)state;
	snprintf(path, sizeof(path), "%s/passwd", dir);
	assert_int_equal(symlink("passwd", path), 0);
	assert_int_equal(ids_check(dir, 200000, 32, true, &e), -1);
	assert_non_null(strstr(e.msg, "passwd"));
	unlink(path);
}

/* In a namespace of our own the two files speak of the machine's ids. */
static void
what_is_lent_may_be_left_out(void **state)
{
	struct err e = { 0 };

	(void)state;
	put("subuid", "bob:200000:65536\n");
	assert_int_equal(ids_check(dir, 200000, 32, false, &e), 0);
	put("subuid", NULL);
	put("group", "team:x:200007:\n");
	assert_int_equal(ids_check(dir, 200000, 32, false, &e), -1);
	put("group", NULL);
}

static void
the_longest_range_of_an_account_is_found(void **state)
{
	static const struct {
		const char *text;
		unsigned first, count;
	} cases[] = {
		{ "ada:100000:65536\n", 100000, 65536 },
		{ "bob:100000:65536\nada:165536:70000", 165536, 70000 },
		{ "1000:300000:65536\nada:500000:10\n", 300000, 65536 },
		{ "ada:1:5\nada:500000:65536\nada:900000:7\n", 500000, 65536 },
		{ "adam:100000:65536\nad:1:9\n10000:1:9\n100:1:9\n", 0, 0 },
		{ "ada:4294967295:2\nada:1:18446744073709551615\n", 0, 0 },
		{ "# ada:1:5\nada\nada:\nada:5:\nada:x:5\nada:5:0\n", 0, 0 },
		{ "", 0, 0 },
	};
	char path[64];

	(void)state;
	snprintf(path, sizeof(path), "%s/subuid", dir);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ids_range r = { 0 };
		struct err e = { 0 };

		put("subuid", cases[i].text);
		assert_int_equal(
		    ids_lent(path, "ada", 1000, &r, &e), cases[i].count != 0 ? 0 : -1);
		assert_int_equal(r.first, cases[i].first);
		assert_int_equal(r.count, cases[i].count);
		assert_int_equal(
		    strstr(e.msg, "lends no ids to ada") != NULL, cases[i].count == 0);
		put("subuid", NULL);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_has_an_id_of_a_slot_is_named),
		cmocka_unit_test(a_file_that_cannot_be_read_is_no_answer),
		cmocka_unit_test(what_is_lent_may_be_left_out),
		cmocka_unit_test(the_longest_range_of_an_account_is_found),
	};

	if (mkdtemp(dir) == NULL)
		return 1;
	int failed = cmocka_run_group_tests_name("ids", tests, NULL, NULL);
	rmdir(dir);
	return failed;
}
