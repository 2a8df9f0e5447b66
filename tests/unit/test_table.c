/* Tables on a terminal: aligned by characters, harmless whatever a program printed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "app/table.h"

static void
columns_are_aligned(void **state)
{
	static const char *const heads[] = { "name", "ms", "", NULL };
	struct table t = { .heads = heads, .right = " r ", .tinted = 0 };
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	table_row(&t, TINT_GOOD, (const char *[]){ "\xc3\xa9t\xc3\xa9", "1", "" });
	table_row(&t, TINT_BAD, (const char *[]){ "a longer one", "12345", "note" });
	table_row(&t, TINT_BAD, (const char *[]){ "x\033[31m\n", "1", "" });
	table_row(&t, TINT_BAD,
	    (const char *[]){ "\xc2\x9b"
			      "31m\x9b\xff",
		"1", "" });
	table_print(&t, out);
	fclose(out);
	assert_string_equal(text, "name             ms  \n"
				  "\xc3\xa9t\xc3\xa9               1  \n"
				  "a longer one  12345  note\n"
				  "x?[31m?           1  \n"
				  "??31m??           1  \n");
	free(text);
	table_free(&t);
}

static void
an_empty_last_column_is_left_out(void **state)
{
	static const char *const heads[] = { "a", "", NULL };
	struct table t = { .heads = heads };
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	table_row(&t, TINT_NONE, (const char *[]){ "b", "" });
	table_print(&t, out);
	fclose(out);
	assert_string_equal(text, "a\nb\n");
	free(text);
	table_free(&t);
}

static const struct {
	const char *what, *in;
	size_t max;
	const char *wanted;
} quotes[] = {
	{ "plain", "abc", 10, "\"abc\"" },
	{ "empty", "", 10, "\"\"" },
	{ "control characters", "a\n\t\r\033\x7f\"\\", 20,
	    "\"a\\n\\t\\r\\x1b\\x7f\\\"\\\\\"" },
	{ "control characters of two bytes",
	    "\xc2\x9b"
	    "2J\xc2\x80\xc2\x9f\xc2\xa0",
	    20, "\"\\xc2\\x9b2J\\xc2\\x80\\xc2\\x9f\xc2\xa0\"" },
	{ "no UTF-8",
	    "\x9b"
	    "2J\xff\xe2\x82",
	    20, "\"\\x9b2J\\xff\\xe2\\x82\"" },
	{ "cut", "abcdef", 3, "\"abc\u2026\"" },
	{ "cut between characters", "a\xc3\xa9z", 3, "\"a\xc3\xa9\u2026\"" },
	{ "cut within a character", "ab\xc3\xa9z", 3, "\"ab\u2026\"" },
	{ "cut within a long one", "a\xf0\x9f\x98\x80z", 4, "\"a\u2026\"" },
};

static void
quotes_what_a_program_said(void **state)
{
	char out[100];

	(void)state;
	for (size_t i = 0; i < sizeof(quotes) / sizeof(quotes[0]); i++) {
		table_quote(
		    out, sizeof(out), quotes[i].in, strlen(quotes[i].in), quotes[i].max);
		if (strcmp(out, quotes[i].wanted) != 0)
			fail_msg("%s: %s", quotes[i].what, out);
	}
}

static void
shows_no_escape_sequence(void **state)
{
	static const char in[] = "a\tb\n\033[2J\xc2\x9b"
				 "2J\x9b\xc3\xa9\xe2\x82\x7f\0\xc2";
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	table_show(out, in, sizeof(in) - 1);
	fclose(out);
	assert_string_equal(text, "a\tb\n\\x1b[2J\\xc2\\x9b2J\\x9b\xc3\xa9\\xe2\\x82"
				  "\\x7f\\x00\\xc2");
	free(text);
}

/* Ten thousand escapes into 64 bytes. */
static void
never_writes_past_its_buffer(void **state)
{
	char out[64], in[10000];

	(void)state;
	memset(in, 1, sizeof(in));
	for (size_t size = 16; size <= sizeof(out); size++) {
		memset(out, 'Z', sizeof(out));
		table_quote(out, size, in, sizeof(in), sizeof(in));
		assert_true(strlen(out) < size);
		for (size_t i = size; i < sizeof(out); i++)
			assert_int_equal(out[i], 'Z');
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_are_aligned),
		cmocka_unit_test(an_empty_last_column_is_left_out),
		cmocka_unit_test(quotes_what_a_program_said),
		cmocka_unit_test(shows_no_escape_sequence),
		cmocka_unit_test(never_writes_past_its_buffer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
