/* Plain data of the first floor: its tables must agree with themselves. */
#include "unit.h"

#include <ctype.h>
#include <stdlib.h>

#include "model/job.h"
#include "model/problem.h"
#include "model/result.h"
#include "model/site.h"

static void
limits_go_by_row(void **state)
{
	struct limits l = { 0 };
	unsigned rows = 0;

	(void)state;
	for (; limits_keys[rows].name != NULL; rows++) {
		assert_non_null(limits_json[rows]);
		limits_set(&l, rows, rows + 1);
		CHECK_INT(limits_json[rows], limits_get(&l, rows), rows + 1);
	}
	assert_null(limits_json[rows]);
	CHECK_INT(
	    "every member has a row", rows, sizeof(struct limits) / sizeof(uint64_t));
	assert_true(l.cpu_ms == 1 && l.wall_ms == 2 && l.memory_bytes == 3);
	assert_true(rows < 32); /* limits_asked counts them in an unsigned */
}

static void
floors_raise_what_is_below(void **state)
{
	struct limits l = { .cpu_ms = 5, .wall_ms = 5, .cpu_share = 0 };
	struct limits floor = {
		.cpu_ms = 4, .wall_ms = 6, .processes = 7, .cpu_share = 500
	};

	(void)state;
	limits_raise(&l, &floor);
	assert_true(l.cpu_ms == 5 && l.wall_ms == 6 && l.processes == 7);
	CHECK_INT("no throttle is no less", l.cpu_share, 0);
}

static void
first_excess_is_named(void **state)
{
	struct limits cap = { .wall_ms = 2000, .memory_bytes = 10 };
	struct limits want = { .cpu_ms = 999999, .wall_ms = 2000, .memory_bytes = 10 };
	struct err e = { 0 };
	unsigned row = 99;

	(void)state;
	CHECK_OK(limits_check(&want, &cap, &row, &e), e);
	CHECK_INT("untouched", row, 99);
	want.wall_ms++;
	want.memory_bytes++;
	assert_int_equal(limits_check(&want, &cap, &row, &e), -1);
	CHECK_STR("message", e.msg, "wallMs: 2001 asked, at most 2000 allowed");
	CHECK_INT("row", row, 1);
	CHECK_INT("code", e.code, ERR_OVER_LIMIT);
}

/* The numbers that the reference documents prescribe. */
static void
profiles_have_the_documents_numbers(void **state)
{
	static const struct {
		const char *name;
		uint64_t cpu, wall, memory_mb, processes, share, slack;
		bool fork;
	} rows[] = {
		{ "default", 3000, 10000, 256, 64, 0, 7000, true },
		{ "proctorx", 3000, 3500, 256, 64, 500, 500, true },
		{ "editor", 10000, 10000, 128, 64, 500, 0, true },
		{ "platform", 10000, 10000, 512, 40, 0, 0, true },
		{ "letscode", 5000, 5000, 512, 50, 500, 0, false },
	};
	struct site s;

	(void)state;
	site_defaults(&s);
	CHECK_INT("profiles", s.nprofiles, LENGTH(rows));
	for (unsigned i = 0; i < LENGTH(rows); i++) {
		const struct profile *p = site_profile(&s, rows[i].name);
		unsigned row;
		struct err e = { 0 };

		assert_ptr_equal(p, &s.profiles[i]);
		CHECK_INT(rows[i].name, p->run.cpu_ms, rows[i].cpu);
		CHECK_INT(rows[i].name, p->run.wall_ms, rows[i].wall);
		CHECK_INT(rows[i].name, p->run.memory_bytes, rows[i].memory_mb << 20);
		CHECK_INT(rows[i].name, p->run.processes, rows[i].processes);
		CHECK_INT(rows[i].name, p->run.cpu_share, rows[i].share);
		CHECK_INT(rows[i].name, p->slack_ms, rows[i].slack);
		CHECK_INT(rows[i].name, p->fork, rows[i].fork);
		CHECK_OK(limits_check(&p->run, &s.cap, &row, &e), e);
		CHECK_OK(limits_check(&p->compile, &s.compile_cap, &row, &e), e);
		for (row = 0; limits_keys[row].name != NULL; row++)
			assert_true(limits_get(&p->run, row) >= limits_keys[row].min &&
				    limits_get(&p->run, row) <= limits_keys[row].max);
	}
	assert_null(site_profile(&s, "vip"));
	assert_true(s.max_source_bytes == 102400 && s.max_tests == 256);
}

static void
problems_have_status_and_id(void **state)
{
	struct problem p;

	(void)state;
	assert_int_equal(problem_set(&p, PROBLEM_BAD_FIELD, "a[1]", "no %s", "good"), -1);
	CHECK_STR("text", p.text, "no good");
	CHECK_STR("path", p.path, "a[1]");
	CHECK_INT("retry", p.retry_after_s, 0);
	problem_set(&p, PROBLEM_DRAINING, NULL, "x");
	CHECK_STR("no path", p.path, "");
	CHECK_INT("status", problem_status(PROBLEM_DRAINING), 503);
	CHECK_STR("id", problem_id(PROBLEM_DRAINING), "draining");
	CHECK_INT("forged", problem_status((enum problem_code)99), 500);
	CHECK_STR("forged", problem_id((enum problem_code)99), "internal");
	for (int c = PROBLEM_NONE + 1; c < PROBLEM_MAX_; c++) {
		assert_true(problem_status((enum problem_code)c) >= 400);
		assert_non_null(problem_id((enum problem_code)c));
	}
}

static void
verdicts_have_names(void **state)
{
	(void)state;
	CHECK_STR("ok", verdict_name(VERDICT_OK), "ok");
	CHECK_STR("last", verdict_name(VERDICT_COMPILE_ERROR), "compile_error");
	for (int v = 0; v < VERDICT_MAX_; v++)
		assert_true(strlen(verdict_name((enum verdict)v)) >= 2);
}

static void
jobs_have_ids_of_their_own(void **state)
{
	struct job *a = job_new(), *b = job_new();

	(void)state;
	CHECK_INT("length", strlen(a->id), 36);
	for (unsigned i = 0; i < 36; i++)
		if (i == 8 || i == 13 || i == 18 || i == 23)
			assert_int_equal(a->id[i], '-');
		else
			assert_true(
			    isdigit(a->id[i]) || (a->id[i] >= 'a' && a->id[i] <= 'f'));
	assert_int_equal(a->id[14], '4');
	assert_non_null(strchr("89ab", a->id[19]));
	assert_string_not_equal(a->id, b->id);
	job_free(a);
	job_free(b);
	job_free(NULL);
}

static void
jobs_own_what_is_added(void **state)
{
	struct job *job = job_new();

	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		bytes_set(&job_add_test(job)->input, "in", 2);
		bytes_set(&job_add_file(job)->content, "a\0b", 3);
	}
	bytes_set(&job->tests[0].input, "", 0);
	bytes_set(&job->tests[99].id, "7", 1);
	job->tests[99].args = calloc(1, sizeof(struct words));
	assert_true(job->ntests == 100 && job->nfiles == 100);
	assert_true(job->tests[0].input.len == 0 && job->tests[0].input.data != NULL);
	assert_memory_equal(job->files[99].content.data, "a\0b", 4);
	job_free(job); /* the sanitizer's turn */
}

static void
results_release_everything(void **state)
{
	struct result r = { .ntests = 2, .tests = calloc(2, sizeof(struct test_result)) };

	(void)state;
	bytes_set(&r.compile.err.kept, "warning", 7);
	bytes_set(&r.tests[1].out.kept, "out", 3);
	bytes_set(&r.tests[1].diff.expected, "e", 1);
	bytes_set(&r.tests[1].diff.actual, "a", 1);
	test_result_clear(&r.tests[1]);
	assert_null(r.tests[1].out.kept.data);
	bytes_set(&r.tests[0].err.kept, "err", 3);
	result_free(&r);
	assert_true(r.tests == NULL && r.ntests == 0);
	result_free(&r);
	result_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(limits_go_by_row),
		cmocka_unit_test(floors_raise_what_is_below),
		cmocka_unit_test(first_excess_is_named),
		cmocka_unit_test(profiles_have_the_documents_numbers),
		cmocka_unit_test(problems_have_status_and_id),
		cmocka_unit_test(verdicts_have_names),
		cmocka_unit_test(jobs_have_ids_of_their_own),
		cmocka_unit_test(jobs_own_what_is_added),
		cmocka_unit_test(results_release_everything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
