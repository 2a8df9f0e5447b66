/* The native dialect's way in: every refusal with its path, and what a job holds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api_stub.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define PY(more) "{\"language\":\"python\",\"code\":\"1\"," more "}"

static const struct {
	const char *body;
	int status;
	const char *code, *path, *error;
} refusals[] = {
	/* the body as a whole */
	{ "", 400, "bad_json", NULL, "the body is empty" },
	{ " ", 400, "bad_json", NULL, "the body ends too early" },
	{ "null", 400, "bad_json", NULL, "the body must be a JSON object" },
	{ "[]", 400, "bad_json", NULL, "the body must be a JSON object" },
	{ "\"text\"", 400, "bad_json", NULL, "the body must be a JSON object" },
	{ "7", 400, "bad_json", NULL, "the body must be a JSON object" },
	{ "{} {}", 400, "bad_json", NULL,
	    "the body is not JSON: unexpected character, at byte 3" },
	{ "{},", 400, "bad_json", NULL,
	    "the body is not JSON: unexpected character, at byte 2" },
	{ "{\"a\":1,}", 400, "bad_json", NULL,
	    "the body is not JSON: unexpected character, at byte 7" },
	{ "{\"a\":[1,]}", 400, "bad_json", NULL,
	    "the body is not JSON: unexpected character, at byte 8" },
	{ "{\"a\" 1}", 400, "bad_json", NULL,
	    "the body is not JSON: object property name separator ':' expected, at byte "
	    "5" },
	{ "{\"a\":1]", 400, "bad_json", NULL,
	    "the body is not JSON: object value separator ',' expected, at byte 6" },
	{ "{\"a\":01}", 400, "bad_json", NULL,
	    "the body is not JSON: a number that begins with a zero, at byte 6" },
	{ "{\"a\":1,\"a\":1}", 400, "bad_json", NULL,
	    "the body is not JSON: member \"a\" is given twice" },
	{ "{\"language\":\"py\xff\"}", 400, "bad_json", NULL,
	    "the body is not JSON: not UTF-8, at byte 15" },
	{ "{}", 400, "missing_field", "language", "language: required" },
	/* language */
	{ "{\"language\":7}", 400, "bad_field", "language",
	    "language: must be a string" },
	{ "{\"language\":null}", 400, "bad_field", "language",
	    "language: must be a string" },
	{ "{\"language\":\"\"}", 400, "unsupported_language", "language",
	    "language: no language ''" },
	{ "{\"language\":\"py\\u0000thon\"}", 400, "unsupported_language", "language",
	    "language: no language 'py'" },
	{ "{\"language\":\"0123456789abcdef0123456789abcdef\"}", 400,
	    "unsupported_language", "language",
	    "language: no language '0123456789abcdef0123456789abcdef'" },
	{ "{\"language\":\"pascal\"}", 400, "unsupported_language", "language",
	    "language: no language is called 'pascal'" },
	/* types */
	{ "{\"language\":\"python\",\"code\":7}", 400, "bad_field", "code",
	    "code: must be a string" },
	{ PY("\"tests\":{}"), 400, "bad_field", "tests", "tests: must be an array" },
	{ PY("\"tests\":[7]"), 400, "bad_field", "tests[0]",
	    "tests[0]: must be an object" },
	{ PY("\"tests\":[{},null]"), 400, "bad_field", "tests[1]",
	    "tests[1]: must be an object" },
	{ PY("\"tests\":[{\"input\":5}]"), 400, "bad_field", "tests[0].input",
	    "tests[0].input: must be a string" },
	{ PY("\"tests\":[{\"expected\":null}]"), 400, "bad_field", "tests[0].expected",
	    "tests[0].expected: must be a string" },
	{ PY("\"tests\":[{\"inputBase64\":\"YQ\"}]"), 400, "bad_field",
	    "tests[0].inputBase64",
	    "tests[0].inputBase64: must be base64, with its padding" },
	{ PY("\"tests\":[{\"input\":\"\",\"inputBase64\":\"\"}]"), 400, "bad_field",
	    "tests[0].inputBase64",
	    "tests[0].inputBase64: text and base64 are given, only one may be" },
	{ PY("\"tests\":[{\"expectedBase64\":\"\",\"expected\":\"\"}]"), 400, "bad_field",
	    "tests[0].expected",
	    "tests[0].expected: text and base64 are given, only one may be" },
	{ PY("\"tests\":[{\"id\":true}]"), 400, "bad_field", "tests[0].id",
	    "tests[0].id: must be a string or a number" },
	{ PY("\"tests\":[{\"id\":99999999999999999999999}]"), 400, "bad_field",
	    "tests[0].id", "tests[0].id: too large a number; use a string" },
	{ PY("\"tests\":[{\"id\":-99999999999999999999999}]"), 400, "bad_field",
	    "tests[0].id", "tests[0].id: too large a number; use a string" },
	{ PY("\"tests\":[{\"input\":\"\\\\\\\"-9e\",\"id\":-9223372036854775809 } ]"),
	    400, "bad_field", "tests[0].id",
	    "tests[0].id: too large a number; use a string" },
	{ PY("\"limits\":{\"cpuMs\":99999999999999999999999 }"), 400, "bad_field",
	    "limits.cpuMs", "limits.cpuMs: must be a whole number, 0 or more" },
	{ PY("\"limits\":{\"cpuMs\":18446744073709551616}, 7"), 400, "bad_json", NULL,
	    "the body is not JSON: quoted object property name expected" },
	{ PY("\"tests\":[{\"hidden\":1}]"), 400, "bad_field", "tests[0].hidden",
	    "tests[0].hidden: must be true or false" },
	{ PY("\"tests\":[{\"args\":\"-v\"}]"), 400, "bad_field", "tests[0].args",
	    "tests[0].args: must be an array" },
	{ PY("\"tests\":[{\"args\":[\"a\",7]}]"), 400, "bad_field", "tests[0].args[1]",
	    "tests[0].args[1]: must be a string" },
	{ PY("\"args\":[\"a\\u0000b\"]"), 400, "bad_field", "args[0]",
	    "args[0]: must not hold a NUL" },
	{ PY("\"compileArgs\":[[]]"), 400, "bad_field", "compileArgs[0]",
	    "compileArgs[0]: must be a string" },
	{ PY("\"stopOnFailure\":\"true\""), 400, "bad_field", "stopOnFailure",
	    "stopOnFailure: must be true or false" },
	/* numbers */
	{ PY("\"limits\":[]"), 400, "bad_field", "limits", "limits: must be an object" },
	{ PY("\"limits\":{\"cpuMs\":\"100\"}"), 400, "bad_field", "limits.cpuMs",
	    "limits.cpuMs: must be a number" },
	{ PY("\"limits\":{\"cpuMs\":true}"), 400, "bad_field", "limits.cpuMs",
	    "limits.cpuMs: must be a number" },
	{ PY("\"limits\":{\"cpuMs\":-1}"), 400, "bad_field", "limits.cpuMs",
	    "limits.cpuMs: must be a whole number, 0 or more" },
	{ PY("\"limits\":{\"cpuMs\":1.5}"), 400, "bad_field", "limits.cpuMs",
	    "limits.cpuMs: must be a whole number, 0 or more" },
	{ PY("\"limits\":{\"cpuMs\":1e400}"), 400, "bad_field", "limits.cpuMs",
	    "limits.cpuMs: must be a whole number, 0 or more" },
	{ PY("\"limits\":{\"cpuMs\":-1e400}"), 400, "bad_field", "limits.cpuMs",
	    "limits.cpuMs: must be a whole number, 0 or more" },
	{ PY("\"limits\":{\"cpuMs\":18446744073709551617}"), 400, "bad_field",
	    "limits.cpuMs", "limits.cpuMs: must be a whole number, 0 or more" },
	{ PY("\"limits\":{\"cpuMs\":0}"), 400, "bad_field", "limits.cpuMs",
	    "limits.cpuMs: at least 1" },
	{ PY("\"limits\":{\"stackBytes\":1}"), 400, "bad_field", "limits.stackBytes",
	    "limits.stackBytes: at least 65536" },
	{ PY("\"limits\":{\"processes\":5000}"), 400, "limit_too_high",
	    "limits.processes", "limits.processes: 5000 asked, at most 256 allowed" },
	{ PY("\"tests\":[{},{\"limits\":{\"wallMs\":1e9}}]"), 400, "limit_too_high",
	    "tests[1].limits.wallMs",
	    "tests[1].limits.wallMs: 1000000000 asked, at most 60000 allowed" },
	{ PY("\"timeLimitMs\":\"3000\""), 400, "bad_field", "timeLimitMs",
	    "timeLimitMs: must be a number" },
	{ PY("\"timeLimitMs\":0"), 400, "bad_field", "timeLimitMs",
	    "timeLimitMs: must be a whole number, 1 or more" },
	{ PY("\"timeLimitMs\":600001"), 400, "limit_too_high", "timeLimitMs",
	    "timeLimitMs: 600001 asked, at most 30000 allowed" },
	{ PY("\"memoryMb\":0.5"), 400, "bad_field", "memoryMb",
	    "memoryMb: must be a whole number, 1 or more" },
	{ PY("\"memoryMb\":9007199254740992"), 400, "limit_too_high", "memoryMb",
	    "memoryMb: 9007199254740992 asked, at most 512 allowed" },
	{ PY("\"timeLimitMs\":5,\"limits\":{\"cpuMs\":5}"), 400, "bad_field",
	    "timeLimitMs", "timeLimitMs: its other spelling is given too" },
	{ PY("\"limits\":{\"wallMs\":9,\"cpuMs\":5},\"timeLimitMs\":5"), 400, "bad_field",
	    "timeLimitMs", "timeLimitMs: its other spelling is given too" },
	{ PY("\"memoryMb\":1,\"limits\":{\"memoryBytes\":1048576}"), 400, "bad_field",
	    "limits.memoryBytes", "limits.memoryBytes: its other spelling is given too" },
	{ PY("\"limits\":{\"memoryBytes\":1048576},\"memoryMb\":1"), 400, "bad_field",
	    "memoryMb", "memoryMb: its other spelling is given too" },
	{ PY("\"cpus\":true"), 400, "bad_field", "cpus", "cpus: must be a number" },
	{ PY("\"cpus\":\"\""), 400, "bad_field", "cpus",
	    "cpus: must be a number, or the text of one" },
	{ PY("\"cpus\":\".5\""), 400, "bad_field", "cpus",
	    "cpus: must be a number, or the text of one" },
	{ PY("\"cpus\":\"1.\""), 400, "bad_field", "cpus",
	    "cpus: must be a number, or the text of one" },
	{ PY("\"cpus\":\"-1\""), 400, "bad_field", "cpus",
	    "cpus: must be a number, or the text of one" },
	{ PY("\"cpus\":\"0.5 \""), 400, "bad_field", "cpus",
	    "cpus: must be a number, or the text of one" },
	{ PY("\"cpus\":\"1e1\""), 400, "bad_field", "cpus",
	    "cpus: must be a number, or the text of one" },
	{ PY("\"cpus\":\"nan\""), 400, "bad_field", "cpus",
	    "cpus: must be a number, or the text of one" },
	{ PY("\"cpus\":\"0.0\""), 400, "bad_field", "cpus",
	    "cpus: must be 0.001 or more" },
	{ PY("\"cpus\":\"999999999999999\""), 400, "limit_too_high", "cpus",
	    "cpus: 999999999999999 asked, at most 64 allowed" },
	{ PY("\"cpus\":0"), 400, "bad_field", "cpus", "cpus: must be 0.001 or more" },
	{ PY("\"cpus\":-1"), 400, "bad_field", "cpus",
	    "cpus: must be a number, 0 or more" },
	{ PY("\"cpus\":1e400"), 400, "bad_field", "cpus",
	    "cpus: must be a number, 0 or more" },
	{ PY("\"cpus\":64.5"), 400, "limit_too_high", "cpus",
	    "cpus: 64.5 asked, at most 64 allowed" },
	{ PY("\"cpus\":1e300"), 400, "limit_too_high", "cpus",
	    "cpus: 1e+300 asked, at most 64 allowed" },
	/* profile, user */
	{ PY("\"profile\":\"fast\""), 400, "unknown_profile", "profile",
	    "profile: no profile is called 'fast'" },
	{ PY("\"profile\":7"), 400, "bad_field", "profile", "profile: must be a string" },
	{ PY("\"profile\":\"default\\u0000\""), 400, "bad_field", "profile",
	    "profile: must not hold a NUL" },
	{ PY("\"user\":7"), 400, "bad_field", "user", "user: must be a string" },
	/* compare */
	{ PY("\"compare\":7"), 400, "bad_field", "compare",
	    "compare: must be an object" },
	{ PY("\"compare\":\"same\""), 400, "bad_field", "compare",
	    "compare: no way to compare is called 'same'" },
	{ PY("\"compare\":{}"), 400, "missing_field", "compare.type",
	    "compare.type: required" },
	{ PY("\"compare\":{\"type\":\"float\",\"abs\":\"1\"}"), 400, "bad_field",
	    "compare.abs", "compare.abs: must be a number" },
	{ PY("\"compare\":{\"type\":\"float\",\"rel\":-1}"), 400, "bad_field",
	    "compare.rel", "compare.rel: must be a number, 0 or more" },
	{ PY("\"compare\":{\"type\":\"trim\",\"rel\":1}"), 400, "bad_field",
	    "compare.rel", "compare.rel: belongs to type float alone" },
	/* files; what base/path.h says of a name is its own business */
	{ PY("\"files\":{}"), 400, "bad_field", "files", "files: must be an array" },
	{ PY("\"files\":[{\"content\":\"\"}]"), 400, "missing_field", "files[0].name",
	    "files[0].name: required" },
	{ PY("\"files\":[{\"name\":\"a\"}]"), 400, "missing_field", "files[0].content",
	    "files[0].content: required, or base64" },
	{ PY("\"files\":[{\"name\":\"a\",\"content\":\"\",\"base64\":\"\"}]"), 400,
	    "bad_field", "files[0].base64",
	    "files[0].base64: text and base64 are given, only one may be" },
	{ PY("\"files\":[{\"name\":\"../a\",\"content\":\"\"}]"), 400, "bad_file_name",
	    "files[0].name", "files[0].name: " },
	{ PY("\"files\":[{\"name\":\"/etc/x\",\"content\":\"\"}]"), 400, "bad_file_name",
	    "files[0].name", "files[0].name: " },
	{ PY("\"files\":[{\"name\":\"a\\u0000\",\"content\":\"\"}]"), 400,
	    "bad_file_name", "files[0].name", "files[0].name: " },
	{ PY("\"files\":[{\"name\":\"a\",\"content\":\"\"},{\"name\":\"a\",\"content\":"
	     "\"\"}]"),
	    400, "bad_file_name", "files[1]",
	    "files[1]: a file before it is named a too" },
	{ PY("\"entry\":\"a\""), 400, "bad_field", "entry",
	    "entry: code is the main file, entry goes without it" },
	{ "{\"language\":\"python\",\"files\":[{\"name\":\"a\",\"content\":\"\"}]}", 400,
	    "missing_field", "entry",
	    "entry: required, to say which of files is the main one" },
	{ "{\"language\":\"python\",\"files\":[{\"name\":\"a\",\"content\":\"\"}],"
	  "\"entry\":\"b\"}",
	    400, "bad_field", "entry", "entry: none of files is named b" },
	{ "{\"language\":\"python\",\"entry\":7}", 400, "bad_field", "entry",
	    "entry: must be a string" },
};

static void
expect_problem(const struct stub *s, const char *what, int status, const char *code,
    const char *path, const char *error)
{
	scope_buf want = { 0 };
	const char *body = s->rs.body.data;

	buf_fmt(&want, "\",\"code\":\"%s\",", code);
	if (path != NULL)
		buf_fmt(&want, "\"path\":\"%s\",", path);
	buf_str(&want, "\"requestId\":\"req-1\"}");
	if (s->rs.status != status || strstr(body, buf_cstr(&want)) == NULL)
		fail_msg("%s: %d %s", what, s->rs.status, body);
	for (const char *a = body + strlen("{\"error\":\""), *b = error; *b != '\0';
	     a++, b++) {
		a += *a == '\\'; /* the sentence is quoted */
		if (*a != *b)
			fail_msg("%s: %s, wanted '%s'", what, body, error);
	}
}

static void
test_refusals(void **state)
{
	struct stub s;

	(void)state;
	stub_start(&s);
	for (size_t i = 0; i < COUNT(refusals); i++) {
		const char *body = refusals[i].body;

		assert_true(stub_ask(&s, "POST", "/api/run", body, strlen(body)));
		expect_problem(&s, body, refusals[i].status, refusals[i].code,
		    refusals[i].path, refusals[i].error);
	}
	assert_int_equal(stub_judge.runs, 0);
	stub_end(&s);
}

static void
test_content_types(void **state)
{
	static const struct {
		const char *type;
		int status;
	} cases[] = {
		{ "application/json", 200 },
		{ "Application/JSON; charset=UTF-8", 200 },
		{ "application/json;charset=\"utf-8\"", 200 },
		{ "application/json ; charset=utf-8 ", 200 },
		{ "application/json;", 200 },
		{ "", 415 },
		{ "text/plain", 415 },
		{ "application/jsonp", 415 },
		{ "application/json5", 415 },
		{ "application/json; charset=latin1", 415 },
		{ "application/json; charset=utf-8; x=y", 415 },
		{ "application/json; profile=x", 415 },
		{ "application/x-www-form-urlencoded", 415 },
	};
	static const char body[] = PY("\"tests\":[]");
	struct stub s;

	(void)state;
	stub_start(&s);
	for (size_t i = 0; i < COUNT(cases); i++) {
		snprintf(
		    s.rq.content_type, sizeof(s.rq.content_type), "%s", cases[i].type);
		stub_ask(&s, "POST", "/api/run", body, sizeof(body) - 1);
		if (s.rs.status != cases[i].status)
			fail_msg("'%s': %d", cases[i].type, s.rs.status);
		if (s.rs.status == 415)
			assert_non_null(strstr(s.rs.body.data, "\"code\":\"not_json\""));
	}
	stub_end(&s);
}

static void
test_body_caps(void **state)
{
	static const char body[] = PY("\"tests\":[]");
	struct stub s;

	(void)state;
	stub_start(&s);
	s.rq.body_too_large = true;
	stub_ask(&s, "POST", "/api/run", "", 0);
	expect_problem(&s, "announced", 413, "body_too_large", NULL,
	    "the body is larger than 1048576 bytes");
	s.rq.body_too_large = false;
	s.rq.body_short = true;
	stub_ask(&s, "POST", "/api/run", body, sizeof(body) - 1);
	expect_problem(&s, "short", 400, "bad_json", NULL,
	    "the body ended before its announced length");
	s.rq.body_short = false;
	s.site.max_body_bytes = sizeof(body) - 2;
	stub_ask(&s, "POST", "/api/run", body, sizeof(body) - 1);
	expect_problem(
	    &s, "one more", 413, "body_too_large", NULL, "the body is larger than");
	s.site.max_body_bytes++;
	stub_ask(&s, "POST", "/api/run", body, sizeof(body) - 1);
	assert_int_equal(s.rs.status, 200);
	stub_end(&s);
}

static void
test_many(void **state)
{
	scope_buf nested = { 0 }, tests = { 0 }, user = { 0 }, files = { 0 };
	struct stub s;

	(void)state;
	stub_start(&s);
	for (unsigned i = 0; i < 100000; i++)
		buf_str(&nested, "[");
	stub_ask(&s, "POST", "/api/run", nested.data, nested.len);
	expect_problem(&s, "nested", 400, "bad_json", NULL,
	    "the body is not JSON: nested more than 8 deep, at byte 8");

	buf_str(&tests, "{\"language\":\"python\",\"tests\":[{}");
	for (unsigned i = 1; i < 257; i++)
		buf_str(&tests, ",{}");
	buf_str(&tests, "]}");
	stub_ask(&s, "POST", "/api/run", tests.data, tests.len);
	expect_problem(
	    &s, "tests", 400, "too_many_tests", "tests", "tests: 257 tests, at most 256");

	buf_str(&user, "{\"language\":\"python\",\"user\":\"");
	for (unsigned i = 0; i < 129; i++)
		buf_str(&user, "u");
	buf_str(&user, "\"}");
	stub_ask(&s, "POST", "/api/run", user.data, user.len);
	expect_problem(
	    &s, "user", 400, "bad_field", "user", "user: 129 bytes, at most 128");

	buf_str(&files, "{\"language\":\"python\",\"code\":\"\",\"files\":[0");
	for (unsigned i = 1; i < 512; i++)
		buf_str(&files, ",0");
	buf_str(&files, "]}");
	stub_ask(&s, "POST", "/api/run", files.data, files.len);
	expect_problem(
	    &s, "files", 400, "bad_field", "files", "files: 512 elements, at most 511");
	stub_end(&s);
}

static void
test_editor_size(void **state)
{
	struct stub s;

	(void)state;
	stub_start(&s);
	for (unsigned len = 102399; len <= 102400; len++) {
		scope_buf body = { 0 };

		buf_str(&body, "{\"language\":\"python\",\"code\":\"");
		for (unsigned i = 0; i < len; i++)
			buf_str(&body, "x");
		buf_str(&body, "\"}");
		stub_ask(&s, "POST", "/api/editor/run", body.data, body.len);
		assert_int_equal(s.rs.status, len == 102399 ? 200 : 413);
	}
	assert_string_equal(
	    s.rs.body.data, "{\"error\":\"code must be smaller than 102400 bytes\"}");
	stub_end(&s);
}

/* --- what a job holds --- */

static void
look_at_everything(const struct job *job)
{
	const struct job_test *t = job->tests;

	assert_string_equal(job->asked_language, "python3");
	assert_string_equal(job->profile, "proctorx");
	assert_string_equal(job->user, "j\xc3\xb6rg");
	assert_true(job->stop_on_failure);
	assert_int_equal(job->nfiles, 2);
	assert_true(job->main_named);
	assert_string_equal(job->files[0].name, "start.py");
	assert_memory_equal(job->files[0].content.data, "print(5)\n", 9);
	assert_string_equal(job->files[1].name, "lib/util.py");
	assert_int_equal(job->ntests, 2);
	assert_int_equal(t[0].input.len, 3);
	assert_memory_equal(t[0].input.data, "a\0b", 3);
	assert_true(t[0].has_expected);
	assert_memory_equal(t[0].expected.data, "5", 2);
	assert_string_equal(t[0].id.data, "\"x\"");
	assert_int_equal(t[0].args->count, 2);
	assert_true(words_has(t[0].args, "-v") && words_has(t[0].args, ""));
	assert_int_equal(t[0].limits.given, 1);
	assert_int_equal(t[0].limits.value.cpu_ms, 100);
	assert_true(t[0].hidden);
	assert_int_equal(t[1].input.len, 2);
	assert_memory_equal(t[1].input.data, "\xff\xfe", 2);
	assert_false(t[1].has_expected);
	assert_null(t[1].args);
	assert_int_equal(job->args.count, 1);
	assert_true(words_has(&job->compile_args, "-O3"));
	assert_int_equal(job->compare.mode, COMPARE_FLOAT);
	assert_true(job->compare.abs == 1e-9 && job->compare.rel == 0);
	assert_int_equal(job->limits.given, 0x1fe);
	assert_int_equal(job->limits.short_form, 1u << 2 | 1u << 8);
	assert_int_equal(job->limits.value.wall_ms, 4000);
	assert_int_equal(job->limits.value.memory_bytes, 64 << 20);
	assert_int_equal(job->limits.value.processes, 8);
	assert_int_equal(job->limits.value.output_bytes, 1000);
	assert_int_equal(job->limits.value.file_bytes, 0);
	assert_int_equal(job->limits.value.stack_bytes, 65536);
	assert_int_equal(job->limits.value.open_files, 16);
	assert_int_equal(job->limits.value.cpu_share, 250);
	assert_true(job->has_time_limit);
	assert_int_equal(job->time_limit_ms, 3000);
}

static void
look_at_defaults(const struct job *job)
{
	assert_string_equal(job->profile, "default");
	assert_int_equal(job->nfiles, 1);
	assert_false(job->main_named);
	assert_int_equal(job->ntests, 1);
	assert_int_equal(job->limits.given, 0);
	assert_false(job->has_time_limit);
	assert_int_equal(job->compare.mode, COMPARE_TRIM);
	assert_false(job->stop_on_failure);
}

static void
look_at_proctorx(const struct job *job)
{
	assert_string_equal(job->profile, "proctorx");
	assert_int_equal(job->effective.run.wall_ms, 3500);
	assert_int_equal(job->effective.run.cpu_share, 500);
}

static void
look_at_half(const struct job *job)
{
	assert_int_equal(job->limits.value.cpu_share, 500);
}

static void
look_at_code_and_files(const struct job *job)
{
	assert_int_equal(job->nfiles, 2);
	assert_false(job->main_named);
	assert_memory_equal(job->files[0].content.data, "main", 4);
	assert_string_equal(job->files[1].name, "a");
}

static void
look_at_float(const struct job *job)
{
	assert_int_equal(job->compare.mode, COMPARE_FLOAT);
	assert_true(job->compare.abs == 1e-6 && job->compare.rel == 1e-6);
}

static void
look_at_tokens(const struct job *job)
{
	assert_int_equal(job->compare.mode, COMPARE_TOKENS_NOCASE);
}

static void
look_at_editor(const struct job *job)
{
	assert_string_equal(job->profile, "editor");
	assert_int_equal(job->tests[0].input.len, 0);
}

static void
look_at_execute(const struct job *job)
{
	assert_string_equal(job->profile, "platform");
	assert_string_equal(job->language, "python");
}

static void
look_at_test(const struct job *job)
{
	assert_string_equal(job->profile, "letscode");
	assert_int_equal(job->ntests, 1);
	assert_memory_equal(job->tests[0].input.data, "in", 2);
}

static void
test_jobs(void **state)
{
	static const struct {
		void (*look)(const struct job *);
		const char *path, *body;
	} cases[] = {
		{ look_at_everything, "/api/run",
		    "{\"files\":[{\"name\":\"lib/util.py\",\"content\":\"x = 1\\n\"},"
		    "{\"name\":\"start.py\",\"base64\":\"cHJpbnQoNSkK\"}],\"entry\":"
		    "\"start.py\","
		    "\"language\":\"Python3\",\"tests\":[{\"input\":\"a\\u0000b\",\"id\":"
		    "\"x\","
		    "\"expectedBase64\":\"NQ==\",\"args\":[\"-v\",\"\"],\"limits\":{"
		    "\"cpuMs\":1e2},"
		    "\"hidden\":true},{\"inputBase64\":\"//"
		    "4=\",\"args\":[]}],\"args\":[\"x y\"],"
		    "\"limits\":{\"wallMs\":4000.0,\"processes\":8,\"outputBytes\":1000,"
		    "\"fileBytes\":0,\"stackBytes\":65536,\"openFiles\":16},\"memoryMb\":"
		    "64,"
		    "\"cpus\":0.25,\"timeLimitMs\":3000,\"profile\":\"proctorx\","
		    "\"compare\":"
		    "{\"type\":\"float\",\"abs\":1e-9},\"compileArgs\":[\"-O3\"],"
		    "\"stopOnFailure\":true,\"user\":\"j\\u00f6rg\"}" },
		{ look_at_defaults, "/api/run", "{\"language\":\"PYTHON\"}" },
		{ look_at_defaults, "/run",
		    "{\"language\":\"python\",\"profile\":\"default\"}" },
		{ look_at_proctorx, "/run", "{\"language\":\"python\"}" },
		{ look_at_proctorx, "/run/", PY("\"profile\":\"proctorx\"") },
		{ look_at_half, "/run", PY("\"cpus\":\"0.5\"") },
		{ look_at_half, "/run", PY("\"cpus\":\"00.50\"") },
		{ look_at_half, "/api/run", PY("\"cpus\":0.5") },
		{ look_at_defaults, "/api/run",
		    "{\"language\":\"python\",\"files\":[],\"tests\":[]}" },
		{ look_at_code_and_files, "/run",
		    "{\"files\":[{\"name\":\"a\",\"content\":\"\"}],\"code\":\"main\","
		    "\"language\":\"python\"}" },
		{ look_at_float, "/run", PY("\"compare\":\"float\"") },
		{ look_at_float, "/run", PY("\"compare\":{\"type\":\"float\"}") },
		{ look_at_tokens, "/run",
		    PY("\"compare\":{\"type\":\"tokens-nocase\"}") },
		{ look_at_editor, "/api/editor/run", PY("\"input\":\"x\"") },
		{ look_at_execute, "/api/execute",
		    "{\"language\":\"python3\",\"code\":\"\"}" },
		{ look_at_test, "/api/test", PY("\"input\":\"in\"") },
	};
	struct stub s;

	(void)state;
	stub_start(&s);
	for (size_t i = 0; i < COUNT(cases); i++) {
		stub_judge.look = cases[i].look;
		stub_ask(&s, "POST", cases[i].path, cases[i].body, strlen(cases[i].body));
		if (s.rs.status != 200 || stub_judge.runs != i + 1)
			fail_msg("%s: %d %s", cases[i].body, s.rs.status, s.rs.body.data);
	}
	stub_end(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_content_types),
		cmocka_unit_test(test_body_caps),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_editor_size),
		cmocka_unit_test(test_jobs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
