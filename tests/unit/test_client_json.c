/* What the command line writes and reads of the contract. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "api/client_json.h"

static void
fill(struct bytes *b, const char *text)
{
	bytes_set(b, text, strlen(text));
}

static struct buf
encoded(struct job *job)
{
	struct buf out = { 0 };

	client_encode(job, &out);
	buf_cstr(&out);
	job_free(job);
	return out;
}

static struct job *
simple_job(const char *code)
{
	struct job *job = job_new();
	struct job_file *f = job_add_file(job);

	strcpy(job->language, "python");
	strcpy(f->name, "a.py");
	fill(&f->content, code);
	return job;
}

static void
writes_a_plain_request(void **state)
{
	struct job *job = simple_job("print(\"\xc3\xa9\")\n");

	(void)state;
	fill(&job_add_test(job)->input, "1\n");
	scope_buf out = encoded(job);
	assert_string_equal(out.data, "{\"language\":\"python\",\"code\":\"print("
				      "\\\"\xc3\xa9\\\")\\n\",\"compare\":\"trim\","
				      "\"tests\":[{\"input\":\"1\\n\"}]}");
}

static void
writes_everything_asked(void **state)
{
	struct job *job = simple_job("");
	struct err e = { 0 };

	(void)state;
	strcpy(job->profile, "editor");
	words_add(&job->args, "-x", &e);
	words_add(&job->compile_args, "-O3", &e);
	job->limits.value.cpu_ms = 500;
	job->limits.value.cpu_share = 1500;
	job->limits.given = 1U | 1U << 8;
	job->compare.mode = COMPARE_TOKENS;
	job->stop_on_failure = true;
	struct job_test *t = job_add_test(job);
	fill(&t->id, "first");
	bytes_set(&t->input, "\xff\0", 2);
	fill(&t->expected, "");
	t->has_expected = true;
	scope_buf out = encoded(job);
	assert_string_equal(out.data,
	    "{\"language\":\"python\",\"profile\":\"editor\",\"code\":\"\",\"args\":[\"-"
	    "x\"],"
	    "\"compileArgs\":[\"-O3\"],\"limits\":{\"cpuMs\":500},\"cpus\":1.5,"
	    "\"compare\":\"tokens\",\"stopOnFailure\":true,"
	    "\"tests\":[{\"id\":\"first\",\"inputBase64\":\"/wA=\",\"expected\":\"\"}]}");
}

/* Where the service looks for it; in "limits" it would be an unknown member. */
static void
writes_a_share_beside_the_limits(void **state)
{
	struct job *job = simple_job("");

	(void)state;
	job->limits.value.cpu_share = 500;
	job->limits.given = 1U << 8;
	scope_buf out = encoded(job);
	assert_string_equal(out.data,
	    "{\"language\":\"python\",\"code\":\"\",\"cpus\":0.5,"
	    "\"compare\":\"trim\",\"tests\":[]}");
}

/* A source in another encoding must arrive as it is. */
static void
writes_a_source_that_is_not_utf8(void **state)
{
	(void)state;
	scope_buf out = encoded(simple_job("#\xe9"));
	assert_string_equal(out.data,
	    "{\"language\":\"python\",\"entry\":\"a.py\",\"files\":[{\"name\":\"a.py\","
	    "\"base64\":\"I+k=\"}],\"compare\":\"trim\",\"tests\":[]}");
}

static struct buf
text(const char *s)
{
	struct buf b = { 0 };

	buf_str(&b, s);
	return b;
}

static void
reads_a_result(void **state)
{
	scope_buf body = text(
	    "{\"jobId\":\"j\",\"language\":\"cpp\",\"compile\":{\"code\":0,\"stdout\":"
	    "\"\","
	    "\"stderr\":\"w\",\"timeMs\":412,\"memoryBytes\":71303168},\"tests\":["
	    "{\"index\":0,\"id\":\"x\",\"stdout\":\"5\\u0000\",\"stderr\":\"\",\"code\":"
	    "139,"
	    "\"signal\":\"SIGSEGV\",\"verdict\":\"wrong_answer\",\"passed\":false,"
	    "\"timeMs\":1.5,"
	    "\"wallMs\":2,\"memoryBytes\":4,\"diff\":{\"line\":3,\"expected\":\"12\","
	    "\"actual\":\"13\"}},{\"verdict\":\"ok\",\"code\":null,\"signal\":null}],"
	    "\"verdict\":\"wrong_answer\",\"passed\":0,\"total\":2,\"warnings\":[\"a\","
	    "\"b\"]}");
	struct client_result r;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(client_read_result(&body, &r, &e), 0);
	assert_true(r.compiled);
	assert_int_equal(r.compile.time_ms, 412);
	assert_memory_equal(r.compile.err.data, "w", 1);
	assert_int_equal(r.ntests, 2);
	assert_int_equal(r.total, 2);
	assert_string_equal(r.tests[0].id, "x");
	assert_int_equal(r.tests[0].out.len, 2); /* the NUL is part of it */
	assert_string_equal(r.tests[0].signal, "SIGSEGV");
	assert_true(r.tests[0].compared && !r.tests[0].passed && r.tests[0].has_diff);
	assert_int_equal(r.tests[0].line, 3);
	assert_memory_equal(r.tests[0].actual.data, "13", 2);
	assert_false(r.tests[1].compared);
	assert_string_equal(r.tests[1].signal, "");
	assert_memory_equal(r.warnings.data, "a\nb\n", 5);
	client_result_free(&r);
}

/* Whatever else answers on that port is told from a judgebox, and nothing crashes. */
static const char *const foreign[] = { "", "<html>", "[]", "null", "{", "{}", "\"x\"",
	"{\"tests\":[]}", "{\"tests\":{},\"verdict\":\"ok\"}",
	"{\"tests\":[],\"verdict\":5}",
	"[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]" };

static void
refuses_other_services(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
		scope_buf body = text(foreign[i]);
		struct client_result r;
		struct client_problem p;
		struct client_languages l;
		struct err e = { 0 };

		assert_int_equal(client_read_result(&body, &r, &e), -1);
		assert_non_null(strstr(e.msg, "is this a judgebox?"));
		assert_int_equal(client_read_problem(&body, &p, &e), -1);
		assert_int_equal(client_read_languages(&body, &l, &e), -1);
	}
}

/* Members of the wrong type count as absent. */
static void
survives_odd_members(void **state)
{
	scope_buf body =
	    text("{\"tests\":[5,null,{\"stdout\":7,\"passed\":\"yes\",\"diff\":[]}],"
		 "\"verdict\":\"ok\",\"warnings\":[{}],\"compile\":3}");
	struct client_result r;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(client_read_result(&body, &r, &e), 0);
	assert_int_equal(r.ntests, 3);
	assert_false(r.compiled || r.tests[2].compared || r.tests[2].has_diff);
	client_result_free(&r);
}

static void
reads_problems_and_languages(void **state)
{
	scope_buf problem =
	    text("{\"error\":\"no\",\"code\":\"bad_field\",\"path\":\"tests[3]\","
		 "\"requestId\":\"r\"}");
	scope_buf languages = text(
	    "{\"languages\":[{\"id\":\"cpp\",\"name\":\"C++\",\"version\":null,"
	    "\"aliases\":[\"c++\",1],\"fileName\":\"main.cpp\",\"compiled\":true}]}");
	struct client_problem p;
	struct client_languages l;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(client_read_problem(&problem, &p, &e), 0);
	assert_string_equal(p.path, "tests[3]");
	assert_int_equal(client_read_languages(&languages, &l, &e), 0);
	assert_int_equal(l.count, 1);
	assert_string_equal(l.list[0].version, "");
	assert_true(l.list[0].compiled && words_has(&l.list[0].aliases, "c++"));
	client_languages_free(&l);
}

static void
knows_the_modes(void **state)
{
	(void)state;
	assert_int_equal(client_compare_mode("trim"), COMPARE_TRIM);
	assert_int_equal(client_compare_mode("unordered-lines"), COMPARE_UNORDERED_LINES);
	assert_int_equal(client_compare_mode("Trim"), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_a_plain_request),
		cmocka_unit_test(writes_everything_asked),
		cmocka_unit_test(writes_a_share_beside_the_limits),
		cmocka_unit_test(writes_a_source_that_is_not_utf8),
		cmocka_unit_test(reads_a_result),
		cmocka_unit_test(refuses_other_services),
		cmocka_unit_test(survives_odd_members),
		cmocka_unit_test(reads_problems_and_languages),
		cmocka_unit_test(knows_the_modes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
