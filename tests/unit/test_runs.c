/* The run log: what goes in comes out. */
#include "unit.h"

#include "base/when.h"
#include "log_fixture.h"
#include "store/prune.h"

static const struct record_wish nothing;

/* --- the message --- */

static void
a_record_is_whole(void **state)
{
	struct fixture *f = *state;
	char hex[SHA256_HEX];

	f->result.tests[2].outcome.called_much = true;
	f->result.tests[2].outcome.syscalls_per_s = 12345;
	f->result.tests[2].outcome.grew_much = true;
	encode(f, &nothing);
	CHECK_INT("number", f->r.head.number, 7);
	CHECK_STR("id", f->r.text[RECORD_ID], f->job->id);
	CHECK_STR("key", f->r.text[RECORD_KEY], "CS101");
	CHECK_INT("tests", f->r.job.tests, 3);
	CHECK_INT("cpu", f->r.tests[2].cpu_us, 1002);
	CHECK_INT("attachments", f->r.job.attachments, 0);
	CHECK_INT("events", f->r.job.events, 3);
	CHECK_INT("kind", f->r.events[1].kind, RECORD_EVENT_SYSCALL_RATE);
	CHECK_STR("rate", f->r.events[1].detail, "12345 calls/s");
	CHECK_INT("kind", f->r.events[2].kind, RECORD_EVENT_MEMORY_GROWTH);
	CHECK_STR("call", f->r.events[0].name, "ptrace");
	sha256_hex(&f->r.job.source, hex); /* printf 'int main;' | sha256sum */
	CHECK_STR("hash", hex,
	    "d0044c695f618c01506cfe1ea63eb15ba1150c21fcc302d40acea345fd4710fa");
	encode(f, &everything);
	CHECK_INT("source, evidence, output", f->r.job.attachments, 3);
	assert_memory_equal(f->r.attachments[0].data, "int main;", 9);
	CHECK_STR("name", f->r.attachments[0].name, "main.c");
}

static void
texts_are_cleaned_before_and_refused_behind(void **state)
{
	struct fixture *f = *state;
	struct err e = { 0 };
	char longer[300];

	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	f->a.user = "a\nb\x1b[2J\xff\xc3\xa9";
	f->a.key = longer;
	encode(f, &nothing);
	CHECK_STR("user", f->r.text[RECORD_USER], "a?b?[2J?\xc3\xa9");
	CHECK_INT("key", strlen(f->r.text[RECORD_KEY]), 63);

	/* What a worker that was taken over would send. */
	char *at = memmem(f->message.data, f->message.len, "a?b?[2J", 7);
	at[1] = '\n';
	struct record r;
	assert_int_equal(record_decode(f->message.data, f->message.len, &r, &e), -1);
	CHECK_INT("code", e.code, ERR_PROTO);
}

/* Cut anywhere, or with any one byte turned: refused, or still within its bounds. */
static void
a_spoilt_record_is_refused(void **state)
{
	struct fixture *f = *state;
	struct err e = { 0 };
	struct record r;

	encode(f, &everything);
	for (size_t n = 0; n < f->message.len; n++)
		if (record_decode(f->message.data, n, &r, &e) == 0)
			fail_msg("cut at %zu", n);
	for (size_t i = 0; i < f->message.len; i++) {
		f->message.data[i] ^= (char)0xff;
		if (record_decode(f->message.data, f->message.len, &r, &e) == 0)
			record_free(&r);
		f->message.data[i] ^= (char)0xff;
	}
}

/* --- the log --- */

struct seen {
	unsigned rows, tests, texts;
	int64_t n, last_at;
	char user[32], language[32], limits[300];
};

static int
see_row(void *ctx, const struct run_row *row, struct err *e)
{
	struct seen *s = ctx;

	(void)e;
	s->rows++;
	s->n = row->n;
	s->last_at = row->at;
	snprintf(s->user, sizeof(s->user), "%s", row->user);
	snprintf(s->language, sizeof(s->language), "%s", row->language);
	snprintf(s->limits, sizeof(s->limits), "%s", row->limits);
	return 0;
}

static int
see_test(void *ctx, const struct run_test *t, struct err *e)
{
	struct seen *s = ctx;

	(void)e;
	s->tests++;
	assert_int_equal(t->has_input, t->i >= 0);
	if (t->i == 1)
		CHECK_STR("verdict", t->verdict, "security_violation");
	return 0;
}

static int
see_text(void *ctx, const char *kind, int64_t index, const char *name, const void *data,
    size_t len, struct err *e)
{
	struct seen *s = ctx;

	(void)e, (void)name, (void)index, (void)data, (void)len, (void)kind;
	s->texts++;
	return 0;
}

static void
a_job_is_written_once(void **state)
{
	struct fixture *f = *state;
	struct err e = { 0 };
	struct seen s = { 0 };
	int64_t jobs = 0;

	assert_int_equal(write_job(f, 0, &e), 1);
	assert_int_equal(runs_add(f->d, &f->r, "6.1", &e), 0); /* sent again */
	CHECK_OK(runs_count(f->d, &jobs, &e), e);
	CHECK_INT("jobs", jobs, 1);
	assert_int_equal(runs_find(f->d, f->job->id, see_row, &s, &e), 1);
	CHECK_STR("user", s.user, "ada");
	assert_non_null(strstr(s.limits, "{\"cpuMs\":"));
	CHECK_OK(runs_tests(f->d, s.n, see_test, &s, &e), e);
	CHECK_INT("tests and compile", s.tests, 4);
	CHECK_OK(runs_texts(f->d, s.n, see_text, &s, &e), e);
	CHECK_INT("source and output", s.texts, 2);
	assert_int_equal(runs_find(f->d, "request-1", see_row, &s, &e), 1);
	assert_int_equal(runs_find(f->d, "request-2", see_row, &s, &e), 0);
}

static void
lists_are_filtered_and_paged(void **state)
{
	struct fixture *f = *state;
	struct err e = { 0 };
	static const struct {
		const char *what;
		struct runs_filter filter;
		unsigned newest, rows;
	} cases[] = {
		{ "all, over several pages", { 0 }, 0, 1205 },
		{ "the newest", { 0 }, 3, 3 },
		{ "a user", { .user = "ada" }, 0, 5 },
		{ "nobody", { .user = "" }, 0, 1200 },
		{ "a key", { .key = "CS101" }, 0, 1205 },
		{ "no key", { .key = "" }, 0, 0 },
		{ "quotes", { .user = "' OR 1=1 --" }, 0, 0 },
		{ "a time", { .since = 1000, .until = 1010 }, 0, 10 },
		{ "a verdict", { .verdict = "security_violation" }, 0, 1205 },
		{ "another", { .verdict = "accepted" }, 0, 0 },
		{ "a language", { .language = "c" }, 0, 1205 },
	};

	CHECK_OK(db_exec(f->d, "PRAGMA synchronous = OFF", &e), e);
	for (int i = 0; i < 1205; i++) {
		f->a.user = i < 5 ? "ada" : "";
		CHECK_OK(write_job(f, 1000 + i, &e), e);
	}
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct seen s = { 0 };
		CHECK_OK(runs_list(f->d, &cases[i].filter, cases[i].newest, see_row, &s,
			     NULL, &e),
		    e);
		CHECK_INT(cases[i].what, s.rows, cases[i].rows);
	}
}

static unsigned rests;

static int
count_rest(struct err *e)
{
	(void)e;
	rests++;
	return 0;
}

static int
see_and_end_page(void *ctx, const struct run_row *r, struct err *e)
{
	return see_row(ctx, r, e) == -1 ? -1 : 1;
}

static void
a_visit_can_ask_for_a_rest(void **state)
{
	struct fixture *f = *state;
	struct err e = { 0 };

	for (int i = 0; i < 5; i++)
		CHECK_OK(write_job(f, 1000 - i, &e), e);
	for (unsigned newest = 0; newest < 6; newest += 3) {
		struct seen s = { 0 };
		rests = 0;
		CHECK_OK(runs_list(f->d, &(struct runs_filter){ 0 }, newest,
			     see_and_end_page, &s, count_rest, &e),
		    e);
		CHECK_INT("rows", s.rows, newest == 0 ? 5 : 3);
		assert_true(rests >= s.rows);
	}
}

static void
jobs_go_with_all_that_is_theirs(void **state)
{
	struct fixture *f = *state;
	struct err e = { 0 };
	struct seen s = { 0 };

	for (int i = 0; i < 6; i++) {
		f->a.user = i % 2 == 0 ? "ada" : "bob";
		CHECK_OK(write_job(f, 1000 + i, &e), e);
	}
	CHECK_INT("a batch", prune_old(f->d, 1004, 3, &e), 3);
	CHECK_INT("the rest", prune_old(f->d, 1004, 3, &e), 1);
	CHECK_INT("no more", prune_old(f->d, 1004, 3, &e), 0);
	CHECK_INT("another key's", prune_user(f->d, "ada", "other", 9, &e), 0);
	CHECK_INT("his", prune_user(f->d, "ada", "CS101", 9, &e), 1);
	CHECK_OK(
	    runs_list(f->d, &(struct runs_filter){ 0 }, 0, see_row, &s, NULL, &e), e);
	CHECK_INT("one is left", s.rows, 1);
	CHECK_STR("who", s.user, "bob");
	CHECK_OK(runs_tests(f->d, s.n, see_test, &s, &e), e);
	CHECK_INT("his tests", s.tests, 4);
	scope_query q = db_query(f->d,
	    "SELECT (SELECT COUNT(*) FROM tests), (SELECT COUNT(*) FROM texts)", &e);
	assert_int_equal(db_step(q, &e), 1);
	CHECK_INT("tests", db_int(q, 0), 4);
	CHECK_INT("texts", db_int(q, 1), 2);
}

static int
see_stat(void *ctx, const struct run_stat *s, struct err *e)
{
	struct run_stat *out = ctx;

	(void)e;
	*out = *s;
	return 0;
}

static void
sums_are_right(void **state)
{
	struct fixture *f = *state;
	struct err e = { 0 };
	struct run_stat s = { 0 };

	for (int i = 0; i < 4; i++)
		CHECK_OK(write_job(f, 1000 + i, &e), e);
	for (int by = RUNS_BY_KEY; by <= RUNS_BY_USER; by++) {
		CHECK_OK(runs_stats(f->d, &(struct runs_filter){ 0 }, (enum runs_group)by,
			     see_stat, &s, &e),
		    e);
		CHECK_INT("jobs", s.jobs, 4);
		CHECK_INT("tests", s.tests, 12);
		CHECK_INT("passed", s.passed, 8);
		CHECK_INT("violations", s.violations, 4);
		CHECK_INT("cpu", s.cpu_us, 4 * 3003);
	}
}

/* --- moments --- */

static void
moments_are_read_and_written(void **state)
{
	static const struct {
		const char *text, *back;
	} cases[] = {
		{ "2026-11-21", "2026-11-21T00:00:00.000Z" },
		{ "2026-11-21T09:30", "2026-11-21T09:30:00.000Z" },
		{ "2026-11-21 09:30:15", "2026-11-21T09:30:15.000Z" },
		{ "2026-11-21T09:30:15Z", "2026-11-21T09:30:15.000Z" },
		{ "2026-11-21T09:30+01:00", "2026-11-21T08:30:00.000Z" },
		{ "2024-02-29", "2024-02-29T00:00:00.000Z" },
		{ "2h", "2026-11-21T10:00:00.000Z" },
		{ "7d", "2026-11-14T12:00:00.000Z" },
		{ "90m", "2026-11-21T10:30:00.000Z" },
		{ "2026-02-29", NULL },
		{ "2026-13-01", NULL },
		{ "2026-11-21T", NULL },
		{ "2026-11-21T25:00", NULL },
		{ "2026-11-21T09:30:15Zx", NULL },
		{ "26-11-21", NULL },
		{ "yesterday", NULL },
		{ "2", NULL },
		{ "", NULL },
		{ "-2h", NULL },
		{ "99999999d", NULL },
	};
	int64_t now = 0, at;
	struct err e = { 0 };
	char text[WHEN_TEXT];

	(void)state;
	setenv("TZ", "UTC", 1);
	CHECK_OK(when_parse("2026-11-21T12:00Z", 0, &now, &e), e);
	for (size_t i = 0; i < LENGTH(cases); i++) {
		int rc = when_parse(cases[i].text, now, &at, &e);
		CHECK_INT(cases[i].text, rc, cases[i].back != NULL ? 0 : -1);
		if (rc == 0) {
			when_text(at, text);
			CHECK_STR(cases[i].text, text, cases[i].back);
		}
	}
	when_text(-1, text);
	CHECK_STR("before 1970", text, "1969-12-31T23:59:59.999Z");
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_record_is_whole),
		CASE(texts_are_cleaned_before_and_refused_behind),
		CASE(a_spoilt_record_is_refused),
		CASE(a_job_is_written_once),
		CASE(lists_are_filtered_and_paged),
		CASE(a_visit_can_ask_for_a_rest),
		CASE(jobs_go_with_all_that_is_theirs),
		CASE(sums_are_right),
		cmocka_unit_test(moments_are_read_and_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
