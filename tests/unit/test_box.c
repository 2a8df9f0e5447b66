/* The client of the bridge, against a helper that says what it is told to say. */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "box/box.h"
#include "fake_helper.h"

static const struct limits limits = {
	.cpu_ms = 1000, .wall_ms = 2000, .output_bytes = 100
};

struct scene {
	struct fake *fake;
	struct box *box;
};

static void
open_scene(struct scene *s)
{
	struct err e = { 0 };

	s->fake = fake_new();
	fake_start(s->fake);
	CHECK_OK(box_connect(s->fake->path, &s->box, &e), e);
}

static void
close_scene(struct scene *s)
{
	box_close(s->box);
	fake_free(s->fake);
}

static int
open_job(struct scene *s, struct box_place *place, struct err *e)
{
	struct job_file file = { .name = "main.f" };
	const struct tenant tenant = { 7, 8, 9, 10, UINT32_MAX, 0 };
	const struct box_ask ask = { .language = "fake",
		.files = &file,
		.nfiles = 1,
		.tests = 1,
		.cpu_ms = 1500,
		.tenant = &tenant,
		.jobs_max = 48 };

	return box_job(s->box, &ask, place, e);
}

/* Its compile step goes with the question. */
static int
open_job_early(struct scene *s, struct box_place *place, struct err *e)
{
	struct job_file file = { .name = "main.f" };
	const struct box_ask ask = {
		.language = "fake", .files = &file, .nfiles = 1, .tests = 1
	};
	int out[2];

	CHECK_OK(box_job_ask(s->box, &ask, e), *e);
	CHECK_OK(box_compile(s->box, 1, &limits, out, e), *e);
	close(out[0]);
	close(out[1]);
	return box_job_answer(s->box, place, e);
}

static int
ask_with(struct scene *s, const char *language, const struct job_file *files,
    unsigned nfiles, struct err *e)
{
	const struct box_ask ask = {
		.language = language, .files = files, .nfiles = nfiles, .tests = 1
	};
	struct box_place place;

	return box_job(s->box, &ask, &place, e);
}

/* Runs a program and waits for its outcome. */
static void
run(struct scene *s, const char *program, struct outcome *o, char out[256])
{
	struct bytes input = { 0 };
	struct err e = { 0 };
	uint32_t tag = 0;
	int fds[2];

	bytes_set(&input, program, strlen(program));
	CHECK_OK(box_run(s->box, 77, &limits, true, NULL, &input, fds, &e), e);
	CHECK_OK(box_outcome(s->box, &tag, o, &e), e);
	CHECK_INT(program, tag, 77);
	ssize_t n = read(fds[0], out, 255);
	out[n > 0 ? n : 0] = '\0';
	fd_close_all(fds, 2);
	free(input.data);
}

static void
the_welcome_tells_the_slots(void **state)
{
	struct box_state st;
	struct err e = { 0 };
	struct scene s;

	(void)state;
	open_scene(&s);
	CHECK_INT("slots", box_slots(s.box), 2);
	CHECK_OK(box_status(s.box, &st, &e), e);
	assert_true(st.slots == 2 && st.busy == 1 && st.queued == 3 && st.ready == 0);
	assert_true(st.jobs == 4 && st.tenants == 2 && st.wait_us == 9 &&
		    st.oldest_us == 10 && st.refused == 11);
	CHECK_STR("why", st.why, "why");
	const struct limits caps = { .cpu_ms = 1,
		.wall_ms = 2,
		.memory_bytes = 3,
		.file_bytes = 4,
		.stack_bytes = 5,
		.processes = 6,
		.open_files = 7,
		.cpu_share = 8 };
	assert_memory_equal(&st.caps, &caps, sizeof(caps));
	close_scene(&s);
}

static void
facts_arrive_as_they_were_sent(void **state)
{
	static const struct {
		const char *program;
		struct outcome o;
		const char *fault;
	} cases[] = {
		{ "exit 3\ncpu 5\nqueue 6\nmemory 7",
		    { .exit_code = 3,
			.cpu_us = 5,
			.queue_us = 6,
			.memory_bytes = 7,
			.violation = -1 },
		    "" },
		{ "signal 11", { .signal = 11, .violation = -1 }, "" },
		{ "oom", { .oom_kills = 1, .violation = -1 }, "" },
		{ "violation 0", { .violation = 0 }, "" },
		{ "fired 1", { .fired = FIRED_CPU, .violation = -1 }, "" },
		{ "fired 2", { .fired = FIRED_WALL, .violation = -1 }, "" },
		{ "fired 3", { .fired = FIRED_OUTPUT, .violation = -1 }, "" },
		{ "fired 4", { .fired = FIRED_CANCEL, .violation = -1 }, "" },
		{ "execerr 12", { .exec_refused_for_memory = true, .violation = -1 },
		    "" },
		{ "execerr 7", { .exec_refused_for_memory = true, .violation = -1 }, "" },
		{ "execerr 13", { .violation = -1 }, "start the program" },
		{ "fault\nexecerr 13", { .violation = -1 }, "mounts: bind /usr" },
	};
	struct err e = { 0 };
	struct box_place place;
	struct scene s;

	(void)state;
	open_scene(&s);
	CHECK_OK(open_job(&s, &place, &e), e);
	for (unsigned i = 0; i < LENGTH(cases); i++) {
		struct outcome o;
		char out[256];

		run(&s, cases[i].program, &o, out);
		CHECK_STR(cases[i].program, o.fault.msg, cases[i].fault);
		CHECK_INT(cases[i].program, o.fault.code != ERR_NONE,
		    cases[i].fault[0] != '\0');
		memset(&o.fault, 0, sizeof(o.fault));
		assert_true(
		    o.exit_code == cases[i].o.exit_code &&
		    o.signal == cases[i].o.signal && o.cpu_us == cases[i].o.cpu_us &&
		    o.queue_us == cases[i].o.queue_us &&
		    o.memory_bytes == cases[i].o.memory_bytes &&
		    o.oom_kills == cases[i].o.oom_kills && o.fired == cases[i].o.fired &&
		    o.violation == cases[i].o.violation &&
		    o.exec_refused_for_memory == cases[i].o.exec_refused_for_memory);
	}
	CHECK_OK(box_end(s.box, &e), e);
	close_scene(&s);
}

static void
a_limit_nobody_knows_breaks_the_connection(void **state)
{
	struct err e = { 0 };
	struct bytes input = { 0 };
	struct outcome o = { .exit_code = 42 };
	struct box_place place;
	uint32_t tag;
	struct scene s;
	int fds[2];

	(void)state;
	open_scene(&s);
	CHECK_OK(open_job(&s, &place, &e), e);
	bytes_set(&input, "fired 5", 7);
	CHECK_OK(box_run(s.box, 1, &limits, true, NULL, &input, fds, &e), e);
	assert_int_equal(box_outcome(s.box, &tag, &o, &e), -1);
	CHECK_STR("message", e.msg, "run 1 ended by unknown limit 5");
	CHECK_INT("code", e.code, ERR_PROTO);
	CHECK_INT("untouched", o.exit_code, 42);
	fd_close_all(fds, 2);
	free(input.data);
	close_scene(&s);
}

static void
answers_to_a_job(void **state)
{
	static const struct {
		const char *what;
		enum fake_reply reply;
		enum err_code code;
		const char *msg;
	} cases[] = {
		{ "busy", FAKE_BUSY, ERR_BUSY, "the queue is full" },
		{ "too many", FAKE_BUSY_KEY, ERR_BUSY, "the queue is full" },
		{ "refused", FAKE_REFUSED, ERR_BAD_INPUT, "no language 'x'" },
		{ "closed", FAKE_DROP, ERR_GONE, "open a job: peer closed the socket" },
		{ "nonsense", FAKE_NONSENSE, ERR_PROTO, "message 2 in answer to a job" },
	};

	(void)state;
	for (unsigned i = 0; i < LENGTH(cases); i++) {
		struct err e = { 0 };
		struct box_place place = { 0 };
		struct scene s;

		s.fake = fake_new();
		s.fake->job_reply[0] = cases[i].reply;
		fake_start(s.fake);
		CHECK_OK(box_connect(s.fake->path, &s.box, &e), e);
		bool whole = /* the connection, afterwards */
		    cases[i].code == ERR_BUSY || cases[i].code == ERR_BAD_INPUT;
		CHECK_INT(cases[i].what,
		    (whole ? open_job_early : open_job)(&s, &place, &e), -1);
		CHECK_STR(cases[i].what, e.msg, cases[i].msg);
		CHECK_INT(cases[i].what, e.code, cases[i].code);
		CHECK_INT(
		    cases[i].what, place.retry_ms, cases[i].code == ERR_BUSY ? 2500 : 0);
		CHECK_INT(
		    cases[i].what, place.too_many_jobs, cases[i].reply == FAKE_BUSY_KEY);
		if (whole) {
			CHECK_OK(open_job(&s, &place, &e), e);
			CHECK_INT(cases[i].what, s.fake->compiles, 0);
		}
		close_scene(&s);
	}
}

/* What does not fit the wire's range goes over as the largest that does. */
static void
a_tenant_goes_over_and_a_place_comes_back(void **state)
{
	const struct wire_tenant want = { 7, 8, 9, 10, WIRE_SLOTS_MAX, 48 };
	struct box_place place = { 0 };
	struct err e = { 0 };
	struct scene s;

	(void)state;
	open_scene(&s);
	CHECK_OK(open_job(&s, &place, &e), e);
	CHECK_INT("position", place.position, 5);
	CHECK_INT("wait", place.wait_us, 7000);
	CHECK_INT("cpu", s.fake->last_cpu_us, 1500000);
	assert_memory_equal(&s.fake->last_tenant, &want, sizeof(want));
	close_scene(&s);
}

static void
bad_jobs_never_leave(void **state)
{
	struct job_file climbing = { .name = "../x" }, fine = { .name = "x" };
	struct job_file *many = calloc(BOX_FILES_MAX + 1, sizeof(*many));
	struct err e = { 0 };
	struct box_place place;
	struct scene s;

	(void)state;
	open_scene(&s);
	assert_int_equal(ask_with(&s, "fake", &climbing, 1, &e), -1);
	CHECK_INT("code", e.code, ERR_BAD_INPUT);
	for (unsigned i = 0; i <= BOX_FILES_MAX; i++)
		snprintf(many[i].name, sizeof(many[i].name), "f%u", i);
	assert_int_equal(ask_with(&s, "fake", many, BOX_FILES_MAX + 1, &e), -1);
	CHECK_INT("code", e.code, ERR_BAD_INPUT);
	free(many);
	assert_int_equal(
	    ask_with(&s, "a-language-whose-name-is-too-long", &fine, 1, &e), -1);
	CHECK_INT("code", e.code, ERR_BAD_INPUT);
	CHECK_STR("message", e.msg,
	    "language 'a-language-whose-name-is-too-long…' is too long");
	CHECK_OK(open_job(&s, &place, &e), e);
	CHECK_INT("one came through", s.fake->jobs, 1);
	close_scene(&s);
}

static void
streams_are_whole_when_the_outcome_is_there(void **state)
{
	struct err e = { 0 };
	struct outcome o;
	char out[256];
	struct box_place place;
	struct scene s;

	(void)state;
	open_scene(&s);
	CHECK_OK(open_job(&s, &place, &e), e);
	run(&s, "out one\nout two", &o, out);
	CHECK_STR("stdout", out, "one\ntwo\n");
	close_scene(&s);
}

/* The reading ends must not block us, and must end when the box does. */
static void
pipes_belong_to_the_box(void **state)
{
	struct bytes input = { 0 };
	struct err e = { 0 };
	struct outcome o;
	struct box_place place;
	uint32_t tag;
	struct scene s;
	int fds[2];
	char c;

	(void)state;
	open_scene(&s);
	CHECK_OK(open_job(&s, &place, &e), e);
	bytes_set(&input, "hang", 4);
	CHECK_OK(box_run(s.box, 5, &limits, true, NULL, &input, fds, &e), e);
	assert_int_equal(read(fds[0], &c, 1), -1);
	assert_int_equal(errno, EAGAIN);
	CHECK_OK(box_kill(s.box, 5, FIRED_CANCEL, &e), e);
	CHECK_OK(box_outcome(s.box, &tag, &o, &e), e);
	CHECK_INT("tag", tag, 5);
	CHECK_INT("fired", o.fired, FIRED_CANCEL);
	assert_int_equal(read(fds[0], &c, 1), 0);
	assert_int_equal(read(fds[1], &c, 1), 0);
	fd_close_all(fds, 2);
	free(input.data);
	close_scene(&s);
}

static void
a_version_is_a_run_too(void **state)
{
	struct err e = { 0 };
	struct outcome o;
	uint32_t tag;
	struct scene s;
	char out[64] = "";
	int fds[2];

	(void)state;
	open_scene(&s);
	CHECK_OK(ask_with(&s, "fake", NULL, 0, &e), e);
	CHECK_OK(box_version(s.box, 9, &limits, fds, &e), e);
	CHECK_OK(box_outcome(s.box, &tag, &o, &e), e);
	assert_int_equal(read(fds[0], out, sizeof(out) - 1), 9);
	CHECK_STR("version", out, "fake 1.0\n");
	fd_close_all(fds, 2);
	close_scene(&s);
}

static void
a_helper_that_goes_away_is_noticed(void **state)
{
	struct bytes input = { 0 };
	struct err e = { 0 };
	struct outcome o;
	struct box_place place;
	uint32_t tag;
	struct scene s;
	int fds[2];

	(void)state;
	open_scene(&s);
	CHECK_OK(open_job(&s, &place, &e), e);
	bytes_set(&input, "die", 3);
	CHECK_OK(box_run(s.box, 1, &limits, true, NULL, &input, fds, &e), e);
	assert_int_equal(box_outcome(s.box, &tag, &o, &e), -1);
	CHECK_STR("message", e.msg, "wait for an outcome: peer closed the socket");
	CHECK_INT("code", e.code, ERR_GONE);
	fd_close_all(fds, 2);
	free(input.data);
	close_scene(&s);
}

static void
nobody_listens(void **state)
{
	char path[200];
	struct err e = { 0 };
	struct box *b = NULL;

	(void)state;
	assert_int_equal(box_connect("/nonexistent/sock", &b, &e), -1);
	CHECK_STR("message", e.msg, "connect /nonexistent/sock");
	CHECK_INT("errno", e.sys, ENOENT);
	memset(path, 'p', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(box_connect(path, &b, &e), -1);
	CHECK_INT("code", e.code, ERR_BAD_INPUT);
	assert_null(b);
}

static void
a_helper_without_slots_is_none(void **state)
{
	struct fake *fake = fake_new();
	struct err e = { 0 };
	struct box *b = NULL;

	(void)state;
	fake->slots = 0;
	fake_start(fake);
	assert_int_equal(box_connect(fake->path, &b, &e), -1);
	CHECK_STR("message", e.msg, "helper has 0 slots and takes 64 runs");
	fake_free(fake);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_welcome_tells_the_slots),
		cmocka_unit_test(facts_arrive_as_they_were_sent),
		cmocka_unit_test(a_limit_nobody_knows_breaks_the_connection),
		cmocka_unit_test(answers_to_a_job),
		cmocka_unit_test(a_tenant_goes_over_and_a_place_comes_back),
		cmocka_unit_test(bad_jobs_never_leave),
		cmocka_unit_test(streams_are_whole_when_the_outcome_is_there),
		cmocka_unit_test(pipes_belong_to_the_box),
		cmocka_unit_test(a_version_is_a_run_too),
		cmocka_unit_test(a_helper_that_goes_away_is_noticed),
		cmocka_unit_test(nobody_listens),
		cmocka_unit_test(a_helper_without_slots_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
