/* A job over the bridge: order, limits, helpers that fail, clients that leave. */
#include "unit.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/quote.h"
#include "base/scope.h"
#include "base/utf8.h"
#include "fake_helper.h"
#include "judge/judge.h"

struct scene {
	struct fake *fake;
	struct job *job;
	struct lang lang;
	struct site site;
	struct result r;
	struct problem p;
	bool gone;
	int client_fd;
	struct box_door door;
	struct judge_line line;
};

static void
scene_open(struct scene *s, const char *const *programs)
{
	memset(s, 0, sizeof(*s));
	s->fake = fake_new();
	s->client_fd = -1;
	site_defaults(&s->site);
	snprintf(s->lang.id, sizeof(s->lang.id), "fake");
	s->lang.installed = true;
	s->job = job_new();
	snprintf(s->job->language, sizeof(s->job->language), "fake");
	struct job_file *f = job_add_file(s->job);
	snprintf(f->name, sizeof(f->name), "main.f");
	for (; *programs != NULL; programs++) {
		struct job_test *t = job_add_test(s->job);

		bytes_set(&t->input, *programs, strlen(*programs));
	}
	s->job->effective = *site_profile(&s->site, "default");
	s->job->test_limits = calloc(s->job->ntests, sizeof(struct limits));
	for (unsigned i = 0; i < s->job->ntests; i++)
		s->job->test_limits[i] = s->job->effective.run;
}

static int
scene_run(struct scene *s)
{
	fake_start(s->fake);
	s->door.path = s->fake->path;
	s->line.door = &s->door;
	int r = judge_run(
	    s->job, &s->lang, &s->site, &s->line, s->client_fd, &s->r, &s->gone, &s->p);
	judge_hang_up(&s->line);
	return r;
}

static void
scene_close(struct scene *s)
{
	result_free(&s->r);
	job_free(s->job);
	fake_free(s->fake);
}

static void
expect_text(struct scene *s, unsigned test, const char *text)
{
	bytes_set(&s->job->tests[test].expected, text, strlen(text));
	s->job->tests[test].has_expected = true;
}

static void
compile_with(struct scene *s, const char *program)
{
	s->lang.compiled = true;
	bytes_set(&s->job->files[0].content, program, strlen(program));
}

static void
check_out(const struct scene *s, unsigned test, const char *want)
{
	const struct bytes *b = &s->r.tests[test].out.kept;

	if (b->len != strlen(want) || memcmp(b->data, want, b->len) != 0)
		fail_msg("test %u wrote \"%.*s\", not \"%s\"", test, (int)b->len, b->data,
		    want);
}

static void
check_verdicts(
    const char *what, const struct result *r, enum verdict job, const char *tests)
{
	char got[512] = "";

	for (unsigned i = 0; i < r->ntests; i++) {
		if (i > 0)
			strcat(got, " ");
		strcat(got, verdict_name(r->tests[i].verdict));
	}
	CHECK_STR(what, got, tests);
	CHECK_STR(what, verdict_name(r->verdict), verdict_name(job));
}

#define PROGRAMS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void
answers_keep_the_order_of_the_request(void **state)
{
	struct scene s;

	(void)state;
	scene_open(&s, PROGRAMS("out 0\nafter 4", "out 1\nafter 1", "out 2",
			   "out 3\nafter 2", "out 4\nafter 3"));
	assert_int_equal(scene_run(&s), 0);
	for (unsigned i = 0; i < 5; i++) {
		char want[8];

		snprintf(want, sizeof(want), "%u\n", i);
		check_out(&s, i, want);
	}
	check_verdicts("all ran", &s.r, VERDICT_OK, "ok ok ok ok ok");
	fake_await_closed(s.fake, 1);
	CHECK_INT("jobs ended", s.fake->ends, 1);
	CHECK_INT("connections", s.fake->connections, 1);
	CHECK_STR("main file", s.fake->last_file, "main.f");
	scene_close(&s);
}

static void
the_largest_input_comes_first(void **state)
{
	static const struct {
		const char *what;
		size_t size; /* of the third's input */
		bool stop_on_failure;
		uint64_t last; /* test to be asked for, by its limit */
	} cases[] = {
		{ "by size", 100000, false, 1 },
		{ "little says nothing", 100, false, 2 },
		{ "as they came", 100000, true, 2 },
	};

	(void)state;
	for (unsigned i = 0; i < LENGTH(cases); i++) {
		scope_free char *large = calloc(1, cases[i].size + 1);
		struct scene s;

		memset(large, '\n', cases[i].size);
		memcpy(large, "out 2", 5);
		scene_open(&s, PROGRAMS("out 0", "out 1", large));
		for (unsigned t = 0; t < 3; t++)
			s.job->test_limits[t].processes = t;
		s.job->stop_on_failure = cases[i].stop_on_failure;
		s.fake->slots = 1;
		assert_int_equal(scene_run(&s), 0);
		check_out(&s, 2, "2\n");
		CHECK_INT(cases[i].what, s.fake->last_limits.processes, cases[i].last);
		scene_close(&s);
	}
}

static void
arguments_limits_and_announcement_arrive(void **state)
{
	struct scene s;
	struct err e;

	(void)state;
	scene_open(&s, PROGRAMS("args\ntests", "out"));
	s.job->effective.fork = false;
	words_add(&s.job->args, "-a", &e);
	words_add(&s.job->compile_args, "-O2", &e);
	s.job->tests[0].args = calloc(1, sizeof(struct words));
	words_add(s.job->tests[0].args, "b c", &e);
	s.job->test_limits[1] = (struct limits){ .cpu_ms = 1,
		.wall_ms = 2,
		.memory_bytes = 3,
		.processes = 4,
		.output_bytes = 5,
		.file_bytes = 6,
		.stack_bytes = 7,
		.open_files = 8,
		.cpu_share = 9 };
	assert_int_equal(scene_run(&s), 0);
	check_out(&s, 0, "-a\nb c\n2\n");
	const struct wire_limits *l = &s.fake->last_limits;
	assert_true(l->cpu_us == 1000 && l->wall_us == 2000 && l->memory_bytes == 3 &&
		    l->processes == 4 && l->file_bytes == 6 && l->stack_bytes == 7 &&
		    l->open_files == 8 && l->cpu_share_milli == 9 && l->no_fork == 1);
	assert_true(words_has(&s.fake->last_options, "-O2"));
	CHECK_STR("language", s.fake->last_language, "fake");
	scene_close(&s);
}

static void
verdicts_come_from_facts_then_comparison(void **state)
{
	struct scene s;

	(void)state;
	scene_open(&s,
	    PROGRAMS("out 5\ncpu 3000", "out 6\nmemory 77\nqueue 5", "out 5\nexit 1",
		"oom", "violation 101", "fired 2", "execerr 12", "execerr 13", "out 5"));
	for (unsigned i = 0; i < 8; i++)
		expect_text(&s, i, "5\n");
	s.job->tests[1].hidden = true;
	assert_int_equal(scene_run(&s), 0);
	check_verdicts("facts", &s.r, VERDICT_WRONG_ANSWER,
	    "accepted wrong_answer runtime_error memory_limit security_violation "
	    "time_limit memory_limit internal_error ok");
	CHECK_INT("passed", s.r.passed, 1);
	CHECK_INT("max cpu", s.r.max_cpu_us, 3000);
	CHECK_INT("max memory", s.r.max_memory_bytes, 77);
	CHECK_INT("queue", s.r.queue_us, 5);
	assert_true(s.r.tests[2].compared && !s.r.tests[2].passed);
	assert_false(s.r.tests[8].compared);
	CHECK_STR("EACCES is not his fault", s.r.tests[7].outcome.fault.msg,
	    "start the program");
	CHECK_INT("tried twice", s.fake->runs, 10);
	scene_close(&s);
}

static void
hidden_tests_tell_nothing(void **state)
{
	struct scene s;

	(void)state;
	scene_open(&s, PROGRAMS("out secret\nerr secret", "out open"));
	s.job->tests[0].hidden = true;
	expect_text(&s, 0, "other");
	expect_text(&s, 1, "other");
	assert_int_equal(scene_run(&s), 0);
	check_verdicts(
	    "both wrong", &s.r, VERDICT_WRONG_ANSWER, "wrong_answer wrong_answer");
	assert_true(s.r.tests[0].out.kept.len == 0 && s.r.tests[0].err.kept.len == 0);
	assert_false(s.r.tests[0].has_diff);
	assert_null(s.r.tests[0].diff.expected.data);
	assert_true(s.r.tests[1].has_diff);
	CHECK_INT("length", s.r.tests[0].out.total, 7);
	scene_close(&s);
}

static void
endless_output_is_killed_once_and_bounded(void **state)
{
	struct scene s;

	(void)state;
	scene_open(&s, PROGRAMS("out start\nflood", "out fine"));
	s.job->test_limits[0].output_bytes = 1000;
	assert_int_equal(scene_run(&s), 0);
	check_verdicts("flood", &s.r, VERDICT_OUTPUT_LIMIT, "output_limit ok");
	const struct stream *out = &s.r.tests[0].out;
	assert_true(out->truncated && out->kept.len == 1000 && out->head == 500);
	assert_memory_equal(out->kept.data, "start\nnoise\n", 12);
	assert_true(out->total > 1000);
	CHECK_INT("kills", s.fake->killed_output, 1);
	scene_close(&s);
}

static void
output_over_the_limit_counts_even_if_it_exits_first(void **state)
{
	struct scene s;

	(void)state;
	scene_open(&s, PROGRAMS("big 1001", "big 1000"));
	s.job->test_limits[0].output_bytes = s.job->test_limits[1].output_bytes = 1000;
	assert_int_equal(scene_run(&s), 0);
	check_verdicts("1001 of 1000", &s.r, VERDICT_OUTPUT_LIMIT, "output_limit ok");
	assert_true(s.r.tests[1].out.kept.len == 1000 && !s.r.tests[1].out.truncated);
	scene_close(&s);
}

static void
an_answer_has_a_size_too(void **state)
{
	struct scene s;

	(void)state;
	scene_open(&s, PROGRAMS("big 60000", "big 60000", "out 1\nafter 2"));
	s.site.max_answer_bytes = 100000;
	assert_int_equal(scene_run(&s), 0);
	CHECK_INT("fits", s.r.tests[0].out.kept.len, 60000);
	CHECK_INT("cut", s.r.tests[1].out.kept.len, 4096);
	CHECK_INT("head", s.r.tests[1].out.head, 2048);
	CHECK_INT("true length", s.r.tests[1].out.total, 60000);
	assert_true(s.r.tests[1].out.truncated && !s.r.tests[2].out.truncated);
	check_verdicts("cut answers are not output limits", &s.r, VERDICT_OK, "ok ok ok");
	scene_close(&s);
}

/* A control character takes six bytes, and what is no text comes a second time. */
static void
an_answer_is_as_large_as_it_is_sent(void **state)
{
	struct scene s;
	uint64_t sum = 0;

	(void)state;
	scene_open(&s, PROGRAMS("binary 4000", "binary 4000", "binary 4000", "binary 600",
			   "out 1", "binary 4000", "out 2"));
	s.site.max_answer_bytes = 100000;
	assert_int_equal(scene_run(&s), 0);
	for (unsigned i = 0; i < s.r.ntests; i++) {
		const struct bytes *b = &s.r.tests[i].out.kept;

		sum += quote_size(b->data, b->len);
		if (!utf8_valid(b->data, b->len))
			sum += (b->len + 2) / 3 * 4;
	}
	if (sum > s.site.max_answer_bytes)
		fail_msg("%" PRIu64 " bytes", sum);
	CHECK_INT("fits", s.r.tests[0].out.kept.len, 4001);
	CHECK_INT("cut", s.r.tests[1].out.kept.len, 512);
	CHECK_INT("true length", s.r.tests[1].out.total, 4001);
	assert_true(s.r.tests[1].out.truncated && s.r.tests[5].out.truncated);
	CHECK_INT("still has room", s.r.tests[3].out.kept.len, 601);
	check_out(&s, 4, "1\n");
	check_out(&s, 6, "2\n");
	scene_close(&s);
}

static void
an_answer_tells_the_input_again(void **state)
{
	struct scene s;

	(void)state;
	char program[12001];
	snprintf(program, sizeof(program), "big 90000%*s", 11991, "");
	scene_open(&s, PROGRAMS(program));
	s.site.max_answer_bytes = 100000;
	assert_int_equal(scene_run(&s), 0);
	assert_true(s.r.tests[0].out.truncated);
	scene_close(&s);
}

static void
stop_on_failure_skips_what_follows(void **state)
{
	struct scene s;

	(void)state;
	scene_open(&s, PROGRAMS("out 0\nafter 3", "exit 1\nafter 1", "out 2", "hang",
			   "out 4", "out 5"));
	s.fake->slots = 3;
	s.job->stop_on_failure = true;
	expect_text(&s, 5, "5\n");
	assert_int_equal(scene_run(&s), 0);
	check_verdicts("second fails", &s.r, VERDICT_RUNTIME_ERROR,
	    "ok runtime_error skipped skipped skipped skipped");
	CHECK_INT("killed in flight", s.fake->killed_cancel >= 1, 1);
	CHECK_INT("the last never started", s.fake->runs, 5);
	assert_true(s.r.tests[2].out.kept.len == 0);
	assert_true(s.r.tests[5].compared && !s.r.tests[5].passed);
	scene_close(&s);
}

static void
compile_comes_first(void **state)
{
	struct scene s;

	(void)state;
	scene_open(&s, PROGRAMS("out 1"));
	compile_with(&s, "out note\nerr warning\ncpu 9");
	s.job->effective.compile.output_bytes = 4;
	assert_int_equal(scene_run(&s), 0);
	check_verdicts("warnings are no errors", &s.r, VERDICT_OK, "ok");
	assert_true(s.r.compiled && s.r.compile.verdict == VERDICT_OK);
	assert_true(s.r.compile.err.truncated && s.r.compile.err.total == 8);
	fake_await_closed(s.fake, 1); /* the test may be through before KEEP is read */
	CHECK_INT("never killed for it", s.fake->killed_output, 0);
	CHECK_INT("warnings are for everybody: not kept", s.fake->keeps, 0);
	CHECK_INT("and who waits is told", s.fake->releases, 1);
	CHECK_INT("compile time is no test's", s.r.max_cpu_us, 0);
	scene_close(&s);
}

/* A first test goes with the question, on the chance that its program is there. */
static void
a_test_is_asked_for_early(void **state)
{
	static const struct {
		const char *what, *compile;
		size_t size; /* of the only input */
		int verdict;
		unsigned early, runs;
	} cases[] = {
		{ "the program is there", "", 0, VERDICT_OK, 0, 1 },
		{ "it takes its time", "after 1", 0, VERDICT_OK, 1, 1 },
		{ "there is none", "after 1\nexit 1", 0, VERDICT_COMPILE_ERROR, 1, 0 },
		{ "nor will there be", "exit 1", 0, VERDICT_COMPILE_ERROR, 1, 0 },
		{ "not with much input", "exit 1", 4097, VERDICT_COMPILE_ERROR, 0, 0 },
	};

	(void)state;
	for (unsigned i = 0; i < LENGTH(cases); i++) {
		scope_free char *input = calloc(1, cases[i].size + 8);
		struct scene s;

		memset(input, '\n', cases[i].size);
		memcpy(input, "out 1", 5);
		scene_open(&s, PROGRAMS(input));
		compile_with(&s, cases[i].compile);
		fake_start(s.fake);
		s.door.path = s.fake->path;
		s.line.door = &s.door;
		/* what was early leaves nothing on the line for the next job */
		for (unsigned round = 1; round <= 2; round++) {
			assert_int_equal(
			    judge_run(s.job, &s.lang, &s.site, &s.line, s.client_fd, &s.r,
				&s.gone, &s.p),
			    0);
			CHECK_INT(cases[i].what, s.r.verdict, cases[i].verdict);
			if (round == 1)
				CHECK_INT(cases[i].what, s.fake->early, cases[i].early);
			CHECK_INT(cases[i].what, s.fake->runs, cases[i].runs * round);
			if (cases[i].runs > 0)
				check_out(&s, 0, "1\n");
			result_free(&s.r);
			s.r = (struct result){ 0 };
		}
		judge_hang_up(&s.line);
		fake_await_closed(s.fake, 1);
		CHECK_INT(cases[i].what, s.fake->connections, 1);
		scene_close(&s);
	}
}

static void
a_silent_compile_may_serve_others(void **state)
{
	struct scene s;

	(void)state;
	scene_open(&s, PROGRAMS("out 1"));
	compile_with(&s, "cpu 9");
	assert_int_equal(scene_run(&s), 0);
	fake_await_closed(s.fake, 1);
	CHECK_INT("kept", s.fake->keeps, 1);
	CHECK_INT("not released", s.fake->releases, 0);
	scene_close(&s);
}

static void
compile_errors_end_the_job(void **state)
{
	static const struct {
		const char *what, *program;
		int code, signal;
		const char *err;
	} cases[] = {
		{ "exit status", "err no\nexit 2", 2, 0, "no\n" },
		{ "time limit", "fired 1\nsignal 9", 0, 9, "" },
		{ "memory limit", "oom\nsignal 9", 0, 9, "" },
		{ "artifact refused", "err x\nrefuse 2", 1, 0, "x\nmounts: bind /usr\n" },
	};

	(void)state;
	for (unsigned i = 0; i < LENGTH(cases); i++) {
		struct scene s;

		scene_open(&s, PROGRAMS("out 1", "out 2"));
		compile_with(&s, cases[i].program);
		CHECK_INT(cases[i].what, scene_run(&s), 0);
		check_verdicts(cases[i].what, &s.r, VERDICT_COMPILE_ERROR, "");
		CHECK_INT(cases[i].what, s.r.compile.verdict, VERDICT_COMPILE_ERROR);
		CHECK_INT(cases[i].what, s.r.compile.outcome.exit_code, cases[i].code);
		CHECK_INT(cases[i].what, s.r.compile.outcome.signal, cases[i].signal);
		CHECK_INT(cases[i].what, s.r.compile.outcome.fault.code, ERR_NONE);
		CHECK_INT(cases[i].what, s.r.compile.err.kept.len, strlen(cases[i].err));
		assert_memory_equal(
		    s.r.compile.err.kept.data, cases[i].err, strlen(cases[i].err));
		CHECK_INT(cases[i].what, s.fake->runs, 0);
		CHECK_INT(cases[i].what, s.fake->compiles, 1);
		scene_close(&s);
	}
}

/* Programs and compilers that the machinery fails: tried again once, then nobody's. */
static const struct {
	const char *what, *compile; /* NULL: interpreted */
	const char *tests[4];
	enum verdict job;
	const char *verdicts;
	unsigned connections, compiles, runs;
} failing[] = {
	{ "a fault is forgiven once", NULL, { "out 1", "fault-once", "out 3" },
	    VERDICT_OK, "ok ok ok", 1, 0, 4 },
	{ "but not twice", NULL, { "out 1", "fault", "out 3" }, VERDICT_INTERNAL_ERROR,
	    "ok internal_error ok", 1, 0, 4 },
	{ "a cancel that we did not ask for", NULL, { "cancel-once" }, VERDICT_OK, "ok",
	    1, 0, 2 },
	{ "the helper dies once", NULL, { "out 1", "die-once", "out 3" }, VERDICT_OK,
	    "ok ok ok", 2, 0, 0 },
	{ "a test that kills helpers", NULL, { "out 1\nafter 9", "die" },
	    VERDICT_INTERNAL_ERROR, "internal_error internal_error", 2, 0, 4 },
	{ "compile fault once", "fault-once", { "out 1" }, VERDICT_OK, "ok", 2, 2, 1 },
	{ "compile fault", "fault", { "out 1", "out 2" }, VERDICT_INTERNAL_ERROR,
	    "internal_error internal_error", 2, 2, 0 },
	{ "helper dies compiling", "die-once", { "out 1" }, VERDICT_OK, "ok", 2, 2, 1 },
	{ "and again", "die", { "out 1" }, VERDICT_INTERNAL_ERROR, "internal_error", 2, 2,
	    0 },
	{ "compiled again on the next helper", "out c", { "die-once" }, VERDICT_OK, "ok",
	    2, 2, 2 },
};

static void
nobody_is_blamed_for_the_machinery(void **state)
{
	(void)state;
	for (unsigned i = 0; i < LENGTH(failing); i++) {
		struct scene s;

		scene_open(&s, failing[i].tests);
		if (failing[i].compile != NULL)
			compile_with(&s, failing[i].compile);
		CHECK_INT(failing[i].what, scene_run(&s), 0);
		check_verdicts(
		    failing[i].what, &s.r, failing[i].job, failing[i].verdicts);
		for (unsigned t = 0; t < s.r.ntests; t++)
			CHECK_INT(failing[i].what,
			    s.r.tests[t].outcome.fault.code != ERR_NONE,
			    s.r.tests[t].verdict == VERDICT_INTERNAL_ERROR);
		fake_await_closed(s.fake, failing[i].connections);
		CHECK_INT(failing[i].what, s.fake->connections, failing[i].connections);
		CHECK_INT(failing[i].what, s.fake->compiles, failing[i].compiles);
		if (failing[i].runs != 0)
			CHECK_INT(failing[i].what, s.fake->runs, failing[i].runs);
		scene_close(&s);
	}
}

static void
only_what_is_unfinished_flies_again(void **state)
{
	struct scene s;

	(void)state;
	scene_open(&s, PROGRAMS("tests", "tests", "die-once\ntests", "tests"));
	s.fake->slots = 1;
	assert_int_equal(scene_run(&s), 0);
	check_out(&s, 0, "4\n");
	check_out(&s, 3, "2\n");
	scene_close(&s);
}

/* The helper is away for a while, then there again: connections 1 to 3 are not heard. */
static void
a_restarting_helper_is_waited_for(void **state)
{
	struct scene s;

	(void)state;
	scene_open(&s, PROGRAMS("die-once\nout 1"));
	s.fake->drop_from = 1;
	s.fake->drop_to = 4;
	s.fake->job_reply[1] = FAKE_BUSY; /* and when it is back, it is crowded */
	assert_int_equal(scene_run(&s), 0);
	check_verdicts("after a restart", &s.r, VERDICT_OK, "ok");
	CHECK_INT("connections", s.fake->connections, 6);
	scene_close(&s);
}

/* It takes the whole patience, five seconds, and then there is an end. */
static void
a_helper_that_stays_away_is_given_up(void **state)
{
	struct scene s;

	(void)state;
	scene_open(&s, PROGRAMS("out 1", "die-once", "out 3"));
	s.fake->slots = 1;
	s.fake->drop_from = 1;
	s.fake->drop_to = 1000;
	assert_int_equal(scene_run(&s), 0);
	check_verdicts(
	    "given up", &s.r, VERDICT_INTERNAL_ERROR, "ok internal_error internal_error");
	scene_close(&s);
}

static void
an_accepted_job_never_ends_without_a_result(void **state)
{
	struct scene s;

	(void)state;
	scene_open(&s, PROGRAMS("out 1", "die-once", "out 3"));
	s.fake->slots = 1;
	s.fake->job_reply[1] = FAKE_REFUSED;
	assert_int_equal(scene_run(&s), 0);
	check_verdicts("refused the second time", &s.r, VERDICT_INTERNAL_ERROR,
	    "ok internal_error internal_error");
	scene_close(&s);
}

static void
what_was_never_run_is_a_problem(void **state)
{
	static const struct {
		const char *what;
		enum fake_reply reply[4];
		unsigned drop_to;
		enum problem_code code;
		uint32_t retry_after_s;
		const char *text;
		unsigned connections;
	} cases[] = {
		{ "busy", { FAKE_BUSY }, 0, PROBLEM_OVERLOADED, 3,
		    "all slots are busy and the queue is full; try again later", 1 },
		{ "too many of one key", { FAKE_BUSY_KEY }, 0, PROBLEM_OVERLOADED, 3,
		    "too many requests of this key are waiting already; try again later",
		    1 },
		{ "refused", { FAKE_REFUSED }, 0, PROBLEM_BAD_FIELD, 0, "no language 'x'",
		    1 },
		{ "no welcome", { FAKE_READY }, 1, PROBLEM_SANDBOX_UNAVAILABLE, 0,
		    "the sandbox is not available; nothing was run", 1 },
		{ "never gets a job", { FAKE_DROP, FAKE_NONSENSE, FAKE_DROP, FAKE_DROP },
		    0, PROBLEM_SANDBOX_UNAVAILABLE, 0,
		    "the sandbox is not available; nothing was run", 4 },
	};

	(void)state;
	for (unsigned i = 0; i < LENGTH(cases); i++) {
		struct scene s;

		scene_open(&s, PROGRAMS("out 1"));
		memcpy(s.fake->job_reply, cases[i].reply, sizeof(cases[i].reply));
		s.fake->drop_to = cases[i].drop_to;
		CHECK_INT(cases[i].what, scene_run(&s), -1);
		CHECK_STR(cases[i].what, s.p.text, cases[i].text);
		CHECK_INT(cases[i].what, s.p.code, cases[i].code);
		CHECK_INT(cases[i].what, s.p.retry_after_s, cases[i].retry_after_s);
		assert_false(s.gone);
		fake_await_closed(s.fake, cases[i].connections);
		CHECK_INT(cases[i].what, s.fake->connections, cases[i].connections);
		scene_close(&s);
	}
}

static void
no_helper_at_all(void **state)
{
	const struct box_door closed = { .path = "/nonexistent/sock" };
	struct judge_line nobody = { .door = &closed };
	struct scene s;

	(void)state;
	scene_open(&s, PROGRAMS("out 1"));
	assert_int_equal(
	    judge_run(s.job, &s.lang, &s.site, &nobody, -1, &s.r, &s.gone, &s.p), -1);
	assert_int_equal(s.p.code, PROBLEM_SANDBOX_UNAVAILABLE);
	scene_close(&s);
}

static void
a_client_that_left_before_costs_nothing(void **state)
{
	struct scene s;
	int pair[2];

	(void)state;
	scene_open(&s, PROGRAMS("out 1"));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	s.client_fd = pair[0];
	close(pair[1]);
	assert_int_equal(scene_run(&s), -1);
	assert_true(s.gone);
	CHECK_INT("the helper heard of nothing", s.fake->connections, 0);
	close(pair[0]);
	scene_close(&s);
}

/* The slot of a client that left must be free at once: the closed connection is what
 * tells the helper. */
static void
a_client_that_leaves_frees_its_slots(void **state)
{
	struct scene s;
	int pair[2];

	(void)state;
	scene_open(&s, PROGRAMS("hang", "hangup", "out 3"));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	s.client_fd = pair[0];
	s.fake->client = pair[1];
	fake_start(s.fake);
	s.door.path = s.fake->path;
	s.line.door = &s.door;
	close(pair[1]); /* the fake holds the last copy */
	assert_int_equal(
	    judge_run(s.job, &s.lang, &s.site, &s.line, s.client_fd, &s.r, &s.gone, &s.p),
	    -1);
	assert_true(s.gone);
	fake_await_closed(s.fake, 1);
	CHECK_INT("no further attempt", s.fake->connections, 1);
	close(pair[0]);
	scene_close(&s);
}

/* The line to the helper is kept from job to job, and found again when it was cut. */
static void
jobs_share_one_connection(void **state)
{
	struct scene s;

	(void)state;
	scene_open(&s, PROGRAMS("out 1", "out 2"));
	fake_start(s.fake);
	s.door.path = s.fake->path;
	s.line.door = &s.door;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(
		    judge_run(s.job, &s.lang, &s.site, &s.line, -1, &s.r, &s.gone, &s.p),
		    0);
		check_verdicts("each runs", &s.r, VERDICT_OK, "ok ok");
		result_free(&s.r);
	}
	CHECK_INT("connections", s.fake->connections, 1);
	judge_hang_up(&s.line);
	fake_await_closed(s.fake, 1);
	CHECK_INT("jobs ended", s.fake->ends, 3);
	scene_close(&s);
}

static void
a_line_that_was_cut_is_made_again(void **state)
{
	struct scene s;
	int pair[2];

	(void)state;
	scene_open(&s, PROGRAMS("out 1"));
	fake_start(s.fake);
	s.door.path = s.fake->path;
	s.line.door = &s.door;
	assert_int_equal(
	    judge_run(s.job, &s.lang, &s.site, &s.line, -1, &s.r, &s.gone, &s.p), 0);
	result_free(&s.r);
	/* the helper's end is gone, as after its restart */
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	close(pair[1]);
	assert_int_equal(dup2(pair[0], box_fd(s.line.box)), box_fd(s.line.box));
	close(pair[0]);
	assert_int_equal(
	    judge_run(s.job, &s.lang, &s.site, &s.line, -1, &s.r, &s.gone, &s.p), 0);
	check_verdicts("as if nothing had been", &s.r, VERDICT_OK, "ok");
	judge_hang_up(&s.line);
	fake_await_closed(s.fake, 2);
	CHECK_INT("connections", s.fake->connections, 2);
	scene_close(&s);
}

static void
many_tests_fill_the_window(void **state)
{
	const char *programs[301] = { NULL };
	struct scene s;

	(void)state;
	/* 63 wait for one outcome, which only the 64th can have */
	for (unsigned i = 0; i < 300; i++)
		programs[i] = i < BOX_PENDING_MAX - 1 ? "tests\nafter 1" : "tests";
	scene_open(&s, programs);
	s.fake->slots = 200; /* more than may be outstanding */
	assert_int_equal(scene_run(&s), 0);
	CHECK_STR("verdict", verdict_name(s.r.verdict), "ok");
	for (unsigned i = 0; i < 300; i++)
		check_out(&s, i, "300\n");
	scene_close(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_keep_the_order_of_the_request),
		cmocka_unit_test(the_largest_input_comes_first),
		cmocka_unit_test(arguments_limits_and_announcement_arrive),
		cmocka_unit_test(verdicts_come_from_facts_then_comparison),
		cmocka_unit_test(hidden_tests_tell_nothing),
		cmocka_unit_test(endless_output_is_killed_once_and_bounded),
		cmocka_unit_test(output_over_the_limit_counts_even_if_it_exits_first),
		cmocka_unit_test(an_answer_has_a_size_too),
		cmocka_unit_test(an_answer_is_as_large_as_it_is_sent),
		cmocka_unit_test(an_answer_tells_the_input_again),
		cmocka_unit_test(stop_on_failure_skips_what_follows),
		cmocka_unit_test(compile_comes_first),
		cmocka_unit_test(a_test_is_asked_for_early),
		cmocka_unit_test(a_silent_compile_may_serve_others),
		cmocka_unit_test(compile_errors_end_the_job),
		cmocka_unit_test(nobody_is_blamed_for_the_machinery),
		cmocka_unit_test(only_what_is_unfinished_flies_again),
		cmocka_unit_test(a_restarting_helper_is_waited_for),
		cmocka_unit_test(a_helper_that_stays_away_is_given_up),
		cmocka_unit_test(an_accepted_job_never_ends_without_a_result),
		cmocka_unit_test(what_was_never_run_is_a_problem),
		cmocka_unit_test(no_helper_at_all),
		cmocka_unit_test(a_client_that_left_before_costs_nothing),
		cmocka_unit_test(a_client_that_leaves_frees_its_slots),
		cmocka_unit_test(jobs_share_one_connection),
		cmocka_unit_test(a_line_that_was_cut_is_made_again),
		cmocka_unit_test(many_tests_fill_the_window),
	};

	log_start("test_run", 0); /* the faults are ours */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
