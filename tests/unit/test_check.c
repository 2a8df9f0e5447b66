/* When is an output right, and where is it wrong first? */
#include "unit.h"

#include <stdlib.h>

#include "base/buf.h"
#include "judge/judge.h"

static const struct {
	const char *what;
	enum compare_mode mode;
	const char *expected, *actual;
	unsigned line; /* 0: they agree */
	const char *shown_expected, *shown_actual;
} cases[] = {
	{ "exact", COMPARE_EXACT, "a\n", "a\n", 0, "", "" },
	{ "exact, both empty", COMPARE_EXACT, "", "", 0, "", "" },
	{ "exact, newline missing", COMPARE_EXACT, "a\n", "a", 1, "a\n", "a" },
	{ "exact, nothing printed", COMPARE_EXACT, "a\n", "", 1, "a\n", "" },
	{ "exact, second line", COMPARE_EXACT, "a\nb\nc\n", "a\nB\nc\n", 2, "b\n",
	    "B\n" },
	{ "exact, carriage return", COMPARE_EXACT, "a\n", "a\r\n", 1, "a\n", "a\r\n" },

	{ "trim, newline missing", COMPARE_TRIM, "3\n", "3", 0, "", "" },
	{ "trim, both ends", COMPARE_TRIM, "\n 3", "\t3 \r\n\n", 0, "", "" },
	{ "trim, blanks alone", COMPARE_TRIM, "", " \n", 0, "", "" },
	{ "trim, inside counts", COMPARE_TRIM, "1 2", "1  2", 1, "1 2", "1  2" },
	{ "trim, blank before newline counts", COMPARE_TRIM, "1\n2", "1 \n2", 1, "1",
	    "1 " },
	{ "trim, no-break space", COMPARE_TRIM, "x", "\u00a0x\u00a0", 0, "", "" },
	{ "trim, byte order mark", COMPARE_TRIM, "x", "\ufeffx\ufeff", 0, "", "" },
	{ "trim, line separators", COMPARE_TRIM, "x", "\u2028x\u2029", 0, "", "" },
	{ "trim, ogham, quads and thin spaces", COMPARE_TRIM, "x",
	    "\u1680\u2000\u2005\u200ax\u202f\u205f\u3000", 0, "", "" },
	{ "trim, zero width space is none", COMPARE_TRIM, "x", "x\u200b", 1, "x",
	    "x\u200b" },
	{ "trim, next line is none", COMPARE_TRIM, "x", "x\xc2\x85", 1, "x",
	    "x\xc2\x85" },
	{ "trim, mongolian separator is none", COMPARE_TRIM, "x", "x\u180e", 1, "x",
	    "x\u180e" },
	{ "trim, half a space is none", COMPARE_TRIM, "x", "x\xe2\x80", 1, "x",
	    "x\xe2\x80" },
	{ "trim, a lone continuation is none", COMPARE_TRIM, "x", "\x80x", 1, "x",
	    "\x80x" },
	{ "trim, line missing", COMPARE_TRIM, "1\n2\n3\n", "1\n2\n", 3, "3", "" },
	{ "trim, line too many", COMPARE_TRIM, "1\n", "1\n2\n", 2, "", "2" },
	{ "trim, cut within a line", COMPARE_TRIM, "10\n20", "10\n2", 2, "20", "2" },
	{ "trim, empty line between", COMPARE_TRIM, "1\n2", "1\n\n2", 2, "2", "" },

	{ "lines, blanks at ends", COMPARE_LINES, "1 2 \n3\n\n", "1 2\r\n3\t", 0, "",
	    "" },
	{ "lines, blanks at starts count", COMPARE_LINES, "1\n2", "1\n 2", 2, "2", " 2" },
	{ "lines, empty line between counts", COMPARE_LINES, "1\n2\n", "1\n\n2\n", 2, "2",
	    "" },
	{ "lines, missing", COMPARE_LINES, "1\n2\n", "1\n", 2, "2", "" },
	{ "lines, missing after an empty one", COMPARE_LINES, "1\n\n 2\n", "1\n", 3, " 2",
	    "" },
	{ "trim, missing after an empty one", COMPARE_TRIM, "1", "1\n\n\n2", 4, "", "2" },
	{ "lines, too many", COMPARE_LINES, "1\n", "1\n2\n", 2, "", "2" },

	{ "tokens, any white space", COMPARE_TOKENS, "1 2\n3", "\t1\v2\f3\r\n", 0, "",
	    "" },
	{ "tokens, case counts", COMPARE_TOKENS, "Yes", "yes", 1, "Yes", "yes" },
	{ "tokens, missing", COMPARE_TOKENS, "1\n2 3", "1 2", 2, "2 3", "" },
	{ "tokens, too many", COMPARE_TOKENS, "1 2", "1\n2\n3", 3, "", "3" },
	{ "tokens, one off", COMPARE_TOKENS, "x\nx y", "x y", 2, "x y", "y" },
	{ "tokens, glued", COMPARE_TOKENS, "1 2", "12", 1, "1 2", "12" },
	{ "nocase", COMPARE_TOKENS_NOCASE, "YES no", "yes NO", 0, "", "" },
	{ "nocase, of ASCII alone", COMPARE_TOKENS_NOCASE, "\u00c4", "\u00e4", 1,
	    "\u00c4", "\u00e4" },
	{ "nocase, @ is not `", COMPARE_TOKENS_NOCASE, "@", "`", 1, "@", "`" },
	{ "nocase, prefix", COMPARE_TOKENS_NOCASE, "yes", "ye", 1, "yes", "ye" },

	{ "unordered", COMPARE_UNORDERED_LINES, "a\nb\nc\n", "c\na\nb", 0, "", "" },
	{ "unordered, blanks at ends", COMPARE_UNORDERED_LINES, "a \nb", "b\t\na\r\n\n",
	    0, "", "" },
	{ "unordered, as often", COMPARE_UNORDERED_LINES, "a\na\nb", "a\nb\nb", 3, "",
	    "b" },
	{ "unordered, missing", COMPARE_UNORDERED_LINES, "a\nz\na\nb", "b\na\na", 2, "z",
	    "" },
	{ "unordered, missing twin", COMPARE_UNORDERED_LINES, "x\na\na", "a\nx", 2, "a",
	    "" },
	{ "unordered, stranger", COMPARE_UNORDERED_LINES, "a\nb", "a\nq\nb", 2, "", "q" },
	{ "unordered, prefix is a stranger", COMPARE_UNORDERED_LINES, "ab", "a", 1, "",
	    "a" },
	{ "unordered, nothing", COMPARE_UNORDERED_LINES, "", "\n\n", 0, "", "" },

	{ "float, near", COMPARE_FLOAT, "1.0", "1.0000009", 0, "", "" },
	{ "float, far", COMPARE_FLOAT, "1.0", "1.01", 1, "1.0", "1.01" },
	{ "float, relative suffices", COMPARE_FLOAT, "1000000", "1000000.5", 0, "", "" },
	{ "float, absolute suffices", COMPARE_FLOAT, "0", "-0.0000001", 0, "", "" },
	{ "float, spellings", COMPARE_FLOAT, "0.5 5 +5 50e-1", ".5 5. 5E0 5", 0, "", "" },
	{ "float, words beside", COMPARE_FLOAT, "x= 1", "x= 1.0", 0, "", "" },
	{ "float, words exactly", COMPARE_FLOAT, "Case 1", "case 1", 1, "Case 1",
	    "case 1" },
	{ "float, nan is a word", COMPARE_FLOAT, "nan", "nan", 0, "", "" },
	{ "float, nan is no number", COMPARE_FLOAT, "1", "nan", 1, "1", "nan" },
	{ "float, inf is no number", COMPARE_FLOAT, "1", "inf", 1, "1", "inf" },
	{ "float, hex is no number", COMPARE_FLOAT, "16", "0x10", 1, "16", "0x10" },
	{ "float, overflow is no number", COMPARE_FLOAT, "1", "1e99999", 1, "1",
	    "1e99999" },
	{ "float, what overflows is a word", COMPARE_FLOAT, "1e99999", "5", 1, "1e99999",
	    "5" },
	{ "float, half an exponent", COMPARE_FLOAT, "1", "1e", 1, "1", "1e" },
	{ "float, a dot alone", COMPARE_FLOAT, "0", ".", 1, "0", "." },
	{ "float, a sign alone", COMPARE_FLOAT, "0", "-", 1, "0", "-" },
	{ "float, unit glued on", COMPARE_FLOAT, "1", "1s", 1, "1", "1s" },
	{ "float, long digits", COMPARE_FLOAT, "1",
	    "1."
	    "00000000000000000000000000000000000000000000000000000000000000000000000001",
	    0, "", "" },
	{ "float, too few", COMPARE_FLOAT, "1 2", "1", 1, "1 2", "" },
};

static struct bytes
bytes_of(const char *s)
{
	struct bytes b = { 0 };

	bytes_set(&b, s, strlen(s));
	return b;
}

static void
check_shown(const char *what, const struct bytes *got, const char *want)
{
	assert_true(got->len <= 200);
	CHECK_STR(what, got->data, want); /* bytes_set terminates */
}

static void
texts_are_compared(void **state)
{
	(void)state;
	for (unsigned i = 0; i < LENGTH(cases); i++) {
		struct compare how = { cases[i].mode, 1e-6, 1e-6 };
		struct bytes e = bytes_of(cases[i].expected),
			     a = bytes_of(cases[i].actual);
		struct diff d = { 0 };
		bool same = judge_check(&how, &e, &a, &d);

		CHECK_INT(cases[i].what, same, cases[i].line == 0);
		CHECK_INT(cases[i].what, d.line, cases[i].line);
		assert_int_equal(judge_check(&how, &e, &a, NULL), same);
		if (!same) {
			check_shown(cases[i].what, &d.expected, cases[i].shown_expected);
			check_shown(cases[i].what, &d.actual, cases[i].shown_actual);
		}
		free(d.expected.data);
		free(d.actual.data);
		free(e.data);
		free(a.data);
	}
}

static void
tolerances_are_or(void **state)
{
	static const struct {
		const char *what, *actual;
		double abs, rel;
		bool same;
	} tried[] = {
		{ "absolute alone", "1000.5", 0.5, 0, true },
		{ "absolute alone, beyond", "1000.6", 0.5, 0, false },
		{ "relative alone", "1001", 0, 1e-3, true },
		{ "relative alone, beyond", "1001.5", 0, 1e-3, false },
		{ "none, same number", "1e3", 0, 0, true },
		{ "none, next number", "1000.0000000001", 0, 0, false },
	};

	(void)state;
	for (unsigned i = 0; i < LENGTH(tried); i++) {
		struct compare how = { COMPARE_FLOAT, tried[i].abs, tried[i].rel };
		struct bytes e = bytes_of("1000"), a = bytes_of(tried[i].actual);

		CHECK_INT(tried[i].what, judge_check(&how, &e, &a, NULL), tried[i].same);
		free(e.data);
		free(a.data);
	}
}

static void
large_integers_differ(void **state)
{
	struct compare how = { COMPARE_FLOAT, 0, 0 };
	struct bytes e = bytes_of("9007199254740992"), a = bytes_of("9007199254740993");

	(void)state;
	assert_false(judge_check(&how, &e, &a, NULL));
	free(e.data);
	free(a.data);
}

static void
nul_bytes_are_bytes(void **state)
{
	struct compare how = { COMPARE_TRIM, 0, 0 };
	struct bytes e = { 0 }, a = { 0 };

	(void)state;
	bytes_set(&e, "a\0b", 3);
	bytes_set(&a, "a\0c", 3);
	assert_false(judge_check(&how, &e, &a, NULL));
	free(e.data);
	free(a.data);
}

/* No output at all has no bytes, not even a pointer. */
static void
nothing_is_a_text_too(void **state)
{
	struct bytes none = { NULL, 0 }, e = bytes_of("1\n");

	(void)state;
	for (int mode = COMPARE_TRIM; mode <= COMPARE_FLOAT; mode++) {
		struct compare how = { (enum compare_mode)mode, 0, 0 };
		struct diff d = { 0 };

		assert_true(judge_check(&how, &none, &none, NULL));
		assert_false(judge_check(&how, &e, &none, &d));
		CHECK_INT("line", d.line, 1);
		free(d.expected.data);
		free(d.actual.data);
	}
	free(e.data);
}

/* Of a long line the part that differs is shown, and no character is cut in two. */
static void
long_lines_are_shown_around_the_difference(void **state)
{
	struct compare how = { COMPARE_TRIM, 0, 0 };
	struct bytes e, a;
	struct diff d = { 0 };
	scope_buf text = { 0 };

	(void)state;
	for (unsigned i = 0; i < 500; i++)
		buf_str(&text, "\u00e9");
	e = bytes_of(buf_cstr(&text));
	memcpy(text.data + 700, "\u00e8", 2);
	a = bytes_of(buf_cstr(&text));
	assert_false(judge_check(&how, &e, &a, &d));
	CHECK_INT("expected", d.expected.len, 200);
	CHECK_INT("actual", d.actual.len, 200);
	assert_int_equal((unsigned char)d.actual.data[0], 0xc3);
	assert_int_equal((unsigned char)d.actual.data[199], 0xa9);
	assert_non_null(strstr(d.actual.data, "\u00e8"));
	free(d.expected.data);
	free(d.actual.data);
	free(e.data);
	free(a.data);
}

static void
a_cut_leaves_characters_whole(void **state)
{
	struct compare how = { COMPARE_TRIM, 0, 0 };
	struct bytes e = { 0 }, a = bytes_of("");
	struct diff d = { 0 };
	char text[300];

	(void)state;
	memset(text, 'a', 199);
	memcpy(text + 199, "\u20ac and more", 12);
	bytes_set(&e, text, 211);
	assert_false(judge_check(&how, &e, &a, &d));
	CHECK_INT("up to the euro", d.expected.len, 199);
	free(d.expected.data);
	free(d.actual.data);
	free(e.data);
	free(a.data);
}

/* The verdict ladder: every fact against every weaker one. */
/* I-32 */
static void
grades_follow_the_ladder(void **state)
{
	static const struct {
		const char *what;
		struct outcome o;
		bool overflow;
		enum verdict verdict;
	} tried[] = {
		{ "nothing", { .violation = -1 }, false, VERDICT_OK },
		{ "status 255", { .violation = -1, .exit_code = 255 }, false,
		    VERDICT_RUNTIME_ERROR },
		{ "signal", { .violation = -1, .signal = 11 }, false,
		    VERDICT_RUNTIME_ERROR },
		{ "cpu", { .violation = -1, .signal = 9, .fired = FIRED_CPU }, false,
		    VERDICT_TIME_LIMIT },
		{ "wall", { .violation = -1, .signal = 9, .fired = FIRED_WALL }, false,
		    VERDICT_TIME_LIMIT },
		{ "oom beside wall",
		    { .violation = -1, .signal = 9, .fired = FIRED_WALL, .oom_kills = 1 },
		    false, VERDICT_MEMORY_LIMIT },
		{ "oom of a child, status 0", { .violation = -1, .oom_kills = 1 }, false,
		    VERDICT_MEMORY_LIMIT },
		{ "too large to start",
		    { .violation = -1,
			.exit_code = 127,
			.exec_refused_for_memory = true },
		    false, VERDICT_MEMORY_LIMIT },
		{ "output killed beside oom",
		    { .violation = -1, .fired = FIRED_OUTPUT, .oom_kills = 1 }, false,
		    VERDICT_OUTPUT_LIMIT },
		{ "overflow beside time", { .violation = -1, .fired = FIRED_CPU }, true,
		    VERDICT_OUTPUT_LIMIT },
		{ "violation beside output",
		    { .violation = 0, .fired = FIRED_OUTPUT, .signal = 31 }, true,
		    VERDICT_SECURITY_VIOLATION },
		{ "cancelled", { .violation = -1, .fired = FIRED_CANCEL, .signal = 9 },
		    false, VERDICT_SKIPPED },
		{ "fault beside all",
		    { .violation = 101,
			.fired = FIRED_OUTPUT,
			.oom_kills = 1,
			.signal = 9,
			.fault = { .code = ERR_SYS } },
		    true, VERDICT_INTERNAL_ERROR },
	};

	(void)state;
	for (unsigned i = 0; i < LENGTH(tried); i++)
		CHECK_STR(tried[i].what,
		    verdict_name(judge_grade(&tried[i].o, tried[i].overflow)),
		    verdict_name(tried[i].verdict));
}

/* 16 MiB of short lines: finishes at once, or not at all if anything is quadratic. */
static void
large_outputs_take_linear_time(void **state)
{
	struct bytes e = { 0 }, a = { 0 };
	scope_buf text = { 0 };

	(void)state;
	for (unsigned i = 0; i < 2000000; i++)
		buf_str(&text, i % 2 == 0 ? "aaaaaa\n" : "b\n");
	bytes_set(&e, text.data, text.len);
	buf_str(&text, "end\n");
	bytes_set(&a, text.data, text.len);
	for (int mode = COMPARE_TRIM; mode <= COMPARE_FLOAT; mode++) {
		struct compare how = { (enum compare_mode)mode, 0, 0 };
		struct diff d = { 0 };

		assert_true(judge_check(&how, &a, &a, NULL));
		assert_false(judge_check(&how, &e, &a, &d));
		CHECK_INT("line", d.line, 2000001);
		free(d.expected.data);
		free(d.actual.data);
	}
	free(e.data);
	free(a.data);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_are_compared),
		cmocka_unit_test(tolerances_are_or),
		cmocka_unit_test(large_integers_differ),
		cmocka_unit_test(nul_bytes_are_bytes),
		cmocka_unit_test(nothing_is_a_text_too),
		cmocka_unit_test(long_lines_are_shown_around_the_difference),
		cmocka_unit_test(a_cut_leaves_characters_whole),
		cmocka_unit_test(grades_follow_the_ladder),
		cmocka_unit_test(large_outputs_take_linear_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
