/* The audit trail: what is written in it is whole, and what is changed shows. */
#include "unit.h"

#include "base/when.h"
#include "log_fixture.h"
#include "store/action.h"
#include "store/flag.h"
#include "store/omitted.h"
#include "store/trail.h"

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

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(the_chain_holds),
		CASE(every_change_shows),
		CASE(evidence_without_a_hash_is_compared_with_the_program),
		CASE(too_many_events_are_counted),
		CASE(retention_signs_off),
		CASE(users_are_flagged_once),
		CASE(flags_outlive_a_leap),
		CASE(administrators_leave_their_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
