/* The run log and the audit trail: what goes in comes out, and what is changed shows. */
#include "unit.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/scope.h"
#include "base/when.h"
#include "store/action.h"
#include "store/flag.h"
#include "store/incident.h"
#include "store/omitted.h"
#include "store/prune.h"
#include "store/runs.h"
#include "store/trail.h"
#include "tree.h"

struct fixture {
	char dir[64];
	struct db *d;
	struct job *job;
	struct result result;
	struct answered a;
	struct buf message;
	struct record r;
};

static const struct db_options making = { .create = true, .busy_ms = 20 };
static const struct record_wish everything = { true, true, true, 0 };
static const struct record_wish nothing;

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct err e = { 0 };

	snprintf(f->dir, sizeof(f->dir), "/tmp/jb-runs-XXXXXX");
	if (mkdtemp(f->dir) == NULL)
		return -1;
	if (runs_open(f->dir, &making, &f->d, &e) == -1)
		fail_msg("%s", e.msg);
	f->job = job_new();
	struct job_file *file = job_add_file(f->job);
	snprintf(file->name, sizeof(file->name), "main.c");
	bytes_set(&file->content, "int main;", 9);
	for (int i = 0; i < 3; i++)
		bytes_set(&job_add_test(f->job)->input, "1 2\n", 4);
	snprintf(f->job->language, sizeof(f->job->language), "c");
	f->result.compiled = true;
	f->result.compile.verdict = VERDICT_OK;
	f->result.compile.outcome.violation = -1;
	f->result.tests = calloc(3, sizeof(*f->result.tests));
	f->result.ntests = 3;
	f->result.passed = 2;
	f->result.verdict = VERDICT_SECURITY_VIOLATION;
	for (unsigned i = 0; i < 3; i++) {
		f->result.tests[i].verdict = VERDICT_ACCEPTED;
		f->result.tests[i].outcome.cpu_us = 1000 + i;
		f->result.tests[i].outcome.violation = -1;
	}
	f->result.tests[1].verdict = VERDICT_SECURITY_VIOLATION;
	f->result.tests[1].outcome.violation = 101;
	snprintf(f->result.tests[1].outcome.violation_name, 32, "ptrace");
	bytes_set(&f->result.tests[0].out.kept, "3\n", 2);
	f->a = (struct answered){ .job = f->job,
		.result = &f->result,
		.status = 200,
		.request_id = "request-1",
		.dialect = "native",
		.compiler = "12.2.0",
		.key = "CS101",
		.user = "ada",
		.address = "192.0.2.7" };
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	db_close(f->d);
	job_free(f->job);
	result_free(&f->result);
	buf_free(&f->message);
	record_free(&f->r);
	int rc = tree_remove(f->dir);
	free(f);
	return rc;
}

static void
encode(struct fixture *f, const struct record_wish *wish)
{
	struct err e = { 0 };

	record_free(&f->r);
	f->message.len = 0;
	CHECK_OK(record_encode(&f->a, wish, 7, &f->message, &e), e);
	CHECK_OK(record_decode(f->message.data, f->message.len, &f->r, &e), e);
}

/* Another job of the same kind, written with its events. */
static int
write_job(struct fixture *f, int64_t at, struct err *e)
{
	scope_transaction t = { 0 };
	static unsigned n;

	snprintf(f->job->id, sizeof(f->job->id), "%08x-0000-4000-8000-000000000000", ++n);
	encode(f, &everything);
	if (at != 0)
		f->r.job.at = at;
	if (db_begin(f->d, &t, e) == -1)
		return -1;
	int rc = runs_add(f->d, &f->r, "6.1", e);
	if (rc == -1 || incident_record(f->d, &f->r, e) == -1 || db_commit(&t, e) == -1)
		return -1;
	return rc;
}

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

/* --- the trail --- */

static int64_t
verify(struct fixture *f, struct err *e)
{
	int64_t count = 0;

	return trail_verify(f->d, 0, NULL, &count, e) == -1 ? -1 : count;
}

static void
the_chain_holds(void **state)
{
	struct fixture *f = *state;
	struct err e = { 0 };
	struct audit_entry a = { .number = -1, .test = -1, .kind = "service_start" };

	CHECK_INT("empty", verify(f, &e), 0);
	CHECK_OK(audit_add(f->d, &a, &e), e);
	CHECK_OK(write_job(f, 0, &e), e);
	a.detail = "\"quoted\" \\ and\nbroken\xff";
	CHECK_OK(audit_add(f->d, &a, &e), e);
	CHECK_INT("number", a.n, 3);
	CHECK_INT("three", verify(f, &e), 3);
}

static void
every_change_shows(void **state)
{
	struct fixture *f = *state;
	struct err e = { 0 };
	static const struct {
		const char *sql, *msg;
	} cases[] = {
		{ "UPDATE audit SET user_name = 'bob' WHERE n = 2",
		    "record 2 was changed" },
		{ "UPDATE audit SET at = at + 1000 WHERE n = 3", "record 3 was changed" },
		{ "UPDATE audit SET number = 5 WHERE n = 1", "record 1 was changed" },
		{ "UPDATE audit SET hash = (SELECT hash FROM audit WHERE n = 1) WHERE n "
		  "= 2",
		    "record 2 was changed" },
		{ "DELETE FROM audit WHERE n = 3",
		    "record 3 is missing: after 2 comes 4" },
		{ "DELETE FROM audit WHERE n = 1",
		    "record 1 is missing: after 0 comes 2" },
		{ "DELETE FROM audit WHERE n = 5",
		    "records after 4 are missing: the last was 5" },
		{ "DELETE FROM audit", "records after 0 are missing: the last was 5" },
		{ "UPDATE audit SET n = 99 WHERE n = 3",
		    "record 3 is missing: after 2 comes 4" },
		{ "UPDATE evidence SET content = x'61' WHERE n = 2",
		    "the evidence of record 2 was changed" },
		{ "DELETE FROM evidence WHERE n = 4",
		    "the evidence of record 4 is missing" },
		{ "INSERT INTO evidence VALUES (5, 9, 'more.c', x'61')",
		    "the evidence of record 5 was changed" },
		{ "DELETE FROM evidence; UPDATE audit SET evidence = ''",
		    "record 1 was changed" },
	};

	for (int i = 0; i < 5; i++)
		CHECK_OK(write_job(f, 0, &e), e);
	CHECK_INT("whole", verify(f, &e), 5);
	for (size_t i = 0; i < LENGTH(cases); i++) {
		char copy[100];
		scope_db d = NULL;
		struct err why = { 0 };
		int64_t count;

		snprintf(copy, sizeof(copy), "%s/copy-%zu.db", f->dir, i);
		CHECK_OK(db_backup(f->d, copy, &e), e);
		CHECK_OK(db_open(copy, &making, &d, &e), e);
		CHECK_OK(db_exec(d, "PRAGMA foreign_keys = OFF", &e), e);
		CHECK_OK(db_exec(d, cases[i].sql, &e), e);
		assert_int_equal(trail_verify(d, 0, NULL, &count, &why), -1);
		CHECK_STR(cases[i].sql, why.msg, cases[i].msg);
	}
}

/* Records of earlier versions say nothing of their evidence. */
static void
evidence_without_a_hash_is_compared_with_the_program(void **state)
{
	struct fixture *f = *state;
	struct err e = { 0 };
	struct audit_entry a = { .number = -1,
		.test = -1,
		.kind = "security_violation",
		.source = /* of "a" */
		"ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb" };

	CHECK_OK(audit_add(f->d, &a, &e), e);
	CHECK_INT("none", verify(f, &e), 1);
	CHECK_OK(
	    db_exec(f->d, "INSERT INTO evidence VALUES (1, 0, 'a.c', x'61')", &e), e);
	CHECK_INT("the program", verify(f, &e), 1);
	CHECK_OK(db_exec(f->d, "UPDATE evidence SET content = x'62'", &e), e);
	assert_int_equal(verify(f, &e), -1);
	CHECK_STR("another", e.msg, "the evidence of record 1 was changed");
}

static int64_t
one_number(struct fixture *f, const char *sql)
{
	struct err e = { 0 };
	scope_query q = db_query(f->d, sql, &e);

	assert_non_null(q);
	assert_int_equal(db_step(q, &e), 1);
	return db_int(q, 0);
}

/* One user's programs may not make the trail as large as they like. */
static void
too_many_events_are_counted(void **state)
{
	struct fixture *f = *state;
	struct err e = { 0 };

	f->a.user = "eve";
	for (int i = 0; i < OMITTED_USER_JOBS + 5; i++)
		CHECK_OK(write_job(f, 0, &e), e);
	CHECK_INT(
	    "recorded", one_number(f, "SELECT COUNT(*) FROM audit"), OMITTED_USER_JOBS);
	CHECK_INT("with the program",
	    one_number(f, "SELECT COUNT(DISTINCT n) FROM evidence"),
	    OMITTED_USER_EVIDENCE);
	f->a.user = "ada";
	CHECK_OK(write_job(f, 0, &e), e);
	CHECK_INT("another's",
	    one_number(f, "SELECT COUNT(*) FROM audit WHERE user_name = 'ada'"), 1);
	CHECK_OK(omitted_tell(f->d, &e), e);
	CHECK_INT("told",
	    one_number(f, "SELECT COUNT(*) FROM audit WHERE kind = 'events_omitted' AND"
			  " user_name = 'eve' AND detail LIKE '5 more jobs since %'"),
	    1);
	CHECK_OK(omitted_tell(f->d, &e), e);
	CHECK_INT(
	    "once", one_number(f, "SELECT COUNT(*) FROM audit"), OMITTED_USER_JOBS + 2);
	f->a.user = "eve";
	CHECK_OK(write_job(f, when_now() + 7200000000, &e), e);
	CHECK_INT(
	    "later", one_number(f, "SELECT COUNT(*) FROM audit"), OMITTED_USER_JOBS + 3);
	CHECK_INT("whole", verify(f, &e), OMITTED_USER_JOBS + 3);
}

static void
retention_signs_off(void **state)
{
	struct fixture *f = *state;
	struct err e = { 0 };
	struct sha256 third = { 0 };
	int64_t n, count;

	for (int i = 1; i <= 6; i++) {
		CHECK_OK(write_job(f, i * 1000000, &e), e);
		if (i == 3)
			CHECK_OK(audit_head(f->d, &n, &third, &e), e);
	}
	CHECK_INT("nothing is that old", audit_prune(f->d, 500000, &e), 0);
	CHECK_INT("four", audit_prune(f->d, 4500000, &e), 4);
	CHECK_INT("again", audit_prune(f->d, 4500000, &e), 0);
	CHECK_INT("two and the sign-off", verify(f, &e), 3);
	CHECK_OK(trail_verify(f->d, 3, &third, &count, &e), e);
	third.byte[0] ^= 1;
	CHECK_OK(audit_head(f->d, &n, &third, &e), e);
	third.byte[0] ^= 1;
	assert_int_equal(trail_verify(f->d, n, &third, &count, &e), -1);
	assert_non_null(strstr(e.msg, "made anew"));

	/* Somebody else's removal has no signature. */
	CHECK_OK(db_exec(f->d,
		     "DELETE FROM audit WHERE n = 5;"
		     "UPDATE audit_ends SET n = 5, hash = (SELECT previous FROM audit "
		     "WHERE n = 6) WHERE name = 'anchor'",
		     &e),
	    e);
	assert_int_equal(verify(f, &e), -1);
	assert_non_null(strstr(e.msg, "no retention signed off"));
}

static int
see_flag(void *ctx, const char *key, const char *user, int64_t since, struct err *e)
{
	(void)e, (void)since;
	assert_string_equal(key, "CS101");
	assert_string_equal(user, "ada");
	++*(unsigned *)ctx;
	return 0;
}

static void
users_are_flagged_once(void **state)
{
	struct fixture *f = *state;
	struct err e = { 0 };
	const struct flag_rule rule = { 3, 3600000000, 86400000000 };
	const int64_t t0 = 1000000000000;
	unsigned flagged = 0;

	for (int i = 0; i < 7; i++) {
		int64_t now = t0 + i * 1000000;
		CHECK_OK(write_job(f, now, &e), e);
		/* The third makes a flag, and the three after it the next. */
		CHECK_INT("flag", flag_raise(f->d, &rule, "CS101", "ada", now, &e),
		    i == 2 || i == 5);
	}
	CHECK_OK(
	    flag_list(f->d, rule.lasts_us, t0 + 10000000, see_flag, &flagged, &e), e);
	CHECK_INT("once", flagged, 1);
	CHECK_OK(flag_list(
		     f->d, rule.lasts_us, t0 + 2 * rule.lasts_us, see_flag, &flagged, &e),
	    e);
	CHECK_INT("a day later no more", flagged, 1);

	struct audit_entry a = { .number = -1,
		.test = -1,
		.kind = "flag_cleared",
		.key = "CS101",
		.user = "ada" };
	CHECK_OK(audit_add(f->d, &a, &e), e);
	CHECK_OK(
	    flag_list(f->d, rule.lasts_us, t0 + 10000000, see_flag, &flagged, &e), e);
	CHECK_INT("cleared", flagged, 1);
	/* Slow ones are let be. */
	for (int i = 0; i < 4; i++) {
		int64_t now = a.at + (i + 1) * 1800000000LL;
		CHECK_OK(write_job(f, now, &e), e);
		CHECK_INT("slow", flag_raise(f->d, &rule, "CS101", "ada", now, &e), 0);
	}
}

/* A flag of a day on which the clock was ahead forgives nobody what comes after it. */
static void
flags_outlive_a_leap(void **state)
{
	struct fixture *f = *state;
	struct err e = { 0 };
	const struct flag_rule rule = { 3, 3600000000, 86400000000 };
	const int64_t t0 = 1000000000000, ahead = 700 * 86400000000LL;

	for (int i = 0; i < 6; i++) {
		int64_t now = t0 + i * 1000000 + (i < 3 ? ahead : 0);
		CHECK_OK(write_job(f, now, &e), e);
		CHECK_INT("flag", flag_raise(f->d, &rule, "CS101", "ada", now, &e),
		    i == 2 || i == 5);
	}
}

static void
administrators_leave_their_name(void **state)
{
	struct fixture *f = *state;
	struct err e = { 0 };

	CHECK_OK(action_record(f->dir, "key_add", "CS101", NULL, "rate 60/min", &e), e);
	CHECK_OK(action_record("", "key_add", "CS101", NULL, "no log", &e), e);
	CHECK_OK(action_record("/nonexistent", "key_add", "x", NULL, "no log", &e), e);
	scope_query q = db_query(
	    f->d, "SELECT by_whom, detail FROM audit WHERE kind = 'key_add'", &e);
	assert_int_equal(db_step(q, &e), 1);
	assert_true(db_text(q, 0)[0] != '\0');
	CHECK_STR("detail", db_text(q, 1), "rate 60/min");
	assert_int_equal(db_step(q, &e), 0);
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
		CASE(the_chain_holds),
		CASE(every_change_shows),
		CASE(evidence_without_a_hash_is_compared_with_the_program),
		CASE(too_many_events_are_counted),
		CASE(retention_signs_off),
		CASE(users_are_flagged_once),
		CASE(flags_outlive_a_leap),
		CASE(administrators_leave_their_name),
		cmocka_unit_test(moments_are_read_and_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
