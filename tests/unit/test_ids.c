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
		int r = ids_check(dir, 200000, 32, &e);
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
	assert_int_equal(ids_check(dir, 200000, 32, &e), -1);
	assert_non_null(strstr(e.msg, "passwd"));
	unlink(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_has_an_id_of_a_slot_is_named),
		cmocka_unit_test(a_file_that_cannot_be_read_is_no_answer),
	};

	if (mkdtemp(dir) == NULL)
		return 1;
	int failed = cmocka_run_group_tests_name("ids", tests, NULL, NULL);
	rmdir(dir);
	return failed;
}
