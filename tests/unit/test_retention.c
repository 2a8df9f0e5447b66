/* The run log under clocks that leap: what goes for its age, and what must not. */
#include "unit.h"

#include <stdlib.h>
#include <unistd.h>

#include "app/retention.h"
#include "base/log.h"
#include "base/scope.h"
#include "store/prune.h"
#include "store/runs.h"
#include "store/trail.h"
#include "tree.h"

#define HOUR  3600000000LL
#define DAY   (24 * HOUR)
#define TODAY (20000 * DAY) /* in 2024 */
#define KEEP  90

static int64_t wall;
static uint64_t boot;

static int64_t
wall_us(void)
{
	return wall;
}

static uint64_t
boot_us(void)
{
	return boot;
}

static const struct retention_clock clock = { wall_us, boot_us };
static const struct retention_rules rules = {
	.keep_us = KEEP * DAY, .audit_keep_us = KEEP * DAY, .max_bytes = 64 << 20
};

struct fixture {
	char dir[64];
	struct db *d;
	struct retention r;
	unsigned jobs; /* so many were written */
};

static void
write_for(struct fixture *f, const char *key, const char *user, uint64_t bytes)
{
	static const char source[100000];
	struct record_attachment kept = { .head = { .kind = RECORD_SOURCE, .len = bytes },
		.name = "a.c",
		.data = source };
	struct record rec = {
		.job = { .at = wall, .status = 200, .attachments = bytes > 0 },
		.attachments = &kept
	};
	struct audit_entry a = {
		.at = wall, .number = -1, .test = -1, .kind = "security_violation"
	};
	char id[40];
	scope_transaction t = { 0 };
	struct err e = { 0 };

	snprintf(id, sizeof(id), "%08x-0000-4000-8000-000000000000", f->jobs++);
	for (unsigned i = 0; i < RECORD_TEXT_COUNT; i++)
		rec.text[i] = i == RECORD_ID     ? id
			      : i == RECORD_KEY  ? key
			      : i == RECORD_USER ? user
						 : "";
	a.job = id;
	CHECK_OK(db_begin(f->d, &t, &e), e);
	assert_int_equal(runs_add(f->d, &rec, "", &e), 1);
	CHECK_OK(audit_append(f->d, &a, &e), e);
	CHECK_OK(db_commit(&t, &e), e);
}

static void
write_job(struct fixture *f)
{
	write_for(f, "", "", 0);
}

static void
start(struct fixture *f)
{
	retention_start(&f->r, &rules, &clock);
}

/* As the recorder does, only not each second. */
static void
tidy(struct fixture *f)
{
	struct err e = { 0 };

	for (int i = 0; i < 10; i++)
		CHECK_OK(retention_tidy(&f->r, f->d, UINT64_MAX, &e), e);
}

static void
hours_pass(struct fixture *f, int hours)
{
	for (int i = 0; i < hours; i++) {
		wall += HOUR;
		boot += (uint64_t)HOUR;
		tidy(f);
	}
}

static int
count_job(void *ctx, const struct audit_entry *a, struct err *e)
{
	(void)e;
	*(int64_t *)ctx += strcmp(a->kind, "security_violation") == 0;
	return 0;
}

/* So many are left, in the log and in the trail, and the trail is whole. */
static void
check_left(struct fixture *f, const char *what, int64_t wanted)
{
	struct err e = { 0 };
	const struct trail_filter all = { .since = INT64_MIN };
	int64_t n = 0, trail = 0, records = 0;

	CHECK_OK(runs_count(f->d, &n, &e), e);
	CHECK_OK(trail_list(f->d, &all, 0, count_job, &trail, NULL, &e), e);
	if (n != wanted || trail != wanted)
		fail_msg("%s: %lld jobs and %lld records are left, not %lld", what,
		    (long long)n, (long long)trail, (long long)wanted);
	CHECK_OK(trail_verify(f->d, 0, NULL, &records, &e), e);
}

/* A hundred days with one job each, the last of them today. */
static int
setup(void **state)
{
	static const struct db_options how = { .create = true };
	struct fixture *f = calloc(1, sizeof(*f));
	struct err e = { 0 };

	snprintf(f->dir, sizeof(f->dir), "/tmp/jb-retention-XXXXXX");
	if (mkdtemp(f->dir) == NULL || runs_open(f->dir, &how, &f->d, &e) == -1)
		return -1;
	boot = 1000000;
	for (int day = 100; day-- > 0;) {
		wall = TODAY - day * DAY;
		write_job(f);
	}
	start(f);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	db_close(f->d);
	int rc = tree_remove(f->dir);
	free(f);
	return rc;
}

static void
old_ones_go(void **state)
{
	struct fixture *f = *state;

	tidy(f);
	check_left(f, "today", KEEP + 1);
	hours_pass(f, 24);
	check_left(f, "a day later", KEEP);
	hours_pass(f, 10 * 24);
	check_left(f, "ten more", KEEP - 10);
}

static void
forwards_and_back_while_it_runs(void **state)
{
	struct fixture *f = *state;

	tidy(f);
	wall += 700 * DAY;
	hours_pass(f, 30 * 24); /* nobody noticed for a month */
	check_left(f, "two years ahead", KEEP + 1);
	wall -= 700 * DAY;
	tidy(f);
	check_left(f, "put right: nothing of that month has been counted", KEEP + 1);
	hours_pass(f, 30 * 24);
	check_left(f, "and on it goes", KEEP + 1 - 60);
}

/* A reload, a recorder that died, a machine that started with a wrong clock. */
static void
forwards_over_starts(void **state)
{
	struct fixture *f = *state;

	tidy(f);
	wall += 700 * DAY;
	for (int i = 0; i < 50; i++) {
		start(f);
		tidy(f);
	}
	check_left(f, "fifty starts two years ahead", KEEP + 1);
	hours_pass(f, 2);
	check_left(f, "two hours cost two days", KEEP + 1 - 2);
	wall -= 700 * DAY;
	start(f);
	hours_pass(f, 24);
	check_left(f, "put right", KEEP + 1 - 2);
	hours_pass(f, 2 * 24);
	check_left(f, "when it is their time", KEEP + 1 - 4);
}

static void
back(void **state)
{
	struct fixture *f = *state;
	struct err e = { 0 };
	int64_t n = -1;

	tidy(f);
	wall = DAY; /* 1970 */
	start(f);
	for (int i = 0; i < 30; i++)
		write_job(f);
	hours_pass(f, 24);
	check_left(f, "1970", KEEP + 1 + 30);
	wall = TODAY + DAY;
	tidy(f);
	check_left(f, "put right while it runs", KEEP + 1 + 30);
	start(f);
	hours_pass(f, 1);
	check_left(f, "only what is a day older now", KEEP + 30);
	hours_pass(f, (KEEP - 1) * 24 - 2);
	check_left(f, "all before 1970's but one", 1 + 30);
	hours_pass(f, 2);
	CHECK_OK(runs_count(f->d, &n, &e), e);
	CHECK_INT("and those behind it", n, 0);
}

/* Nobody is to wait for ever for a machine that really was away. */
static void
away_for_long(void **state)
{
	struct fixture *f = *state;

	tidy(f);
	wall += 40 * DAY;
	boot = 5000000;
	start(f);
	tidy(f);
	check_left(f, "at once", KEEP + 1);
	hours_pass(f, 20);
	check_left(f, "half of it", KEEP + 1 - 20);
	hours_pass(f, 24);
	check_left(f, "all of it", KEEP + 1 - 42);
}

static int
ignore_row(void *ctx, const struct run_row *row, struct err *e)
{
	(void)ctx, (void)row, (void)e;
	return 0;
}

/* What goes for its size was written first, whatever the clock said. */
static void
size_asks_no_clock(void **state)
{
	struct fixture *f = *state;
	struct err e = { 0 };
	int64_t n = 0, trail = 0;
	const struct trail_filter all = { .since = INT64_MIN };

	wall = DAY;
	write_job(f);
	CHECK_INT("a hundred", prune_old(f->d, INT64_MAX, 100, &e), 100);
	CHECK_OK(runs_count(f->d, &n, &e), e);
	CHECK_INT("one is left", n, 1);
	CHECK_INT("1970's", runs_find(f->d, "00000064", ignore_row, NULL, &e), 1);
	CHECK_INT("half of the trail", audit_halve(f->d, &e), 50);
	CHECK_OK(trail_list(f->d, &all, 0, count_job, &trail, NULL, &e), e);
	CHECK_INT("the younger half", trail, 51);
	CHECK_OK(trail_verify(f->d, 0, NULL, &n, &e), e);
}

/* --- size --- */

static int
count_row(void *ctx, const struct run_row *row, struct err *e)
{
	(void)row, (void)e;
	++*(unsigned *)ctx;
	return 0;
}

static unsigned
jobs_of(struct fixture *f, const char *key, const char *user)
{
	const struct runs_filter filter = {
		.since = INT64_MIN, .key = key, .user = user
	};
	struct err e = { 0 };
	unsigned n = 0;

	CHECK_OK(runs_list(f->d, &filter, 0, count_row, &n, NULL, &e), e);
	return n;
}

static const struct retention_rules small = { .max_bytes = 1 << 20 };

/* Whoever sends most loses first, and nobody else at all. */
static void
nobody_loses_for_what_others_send(void **state)
{
	struct fixture *f = *state;
	struct err e = { 0 };

	for (int i = 0; i < 5; i++) {
		write_for(f, "course", "ada", 1000);
		write_for(f, "exam", "bob", 1000);
	}
	for (int i = 0; i < 60; i++)
		write_for(f, "exam", "eve", 30000);
	retention_start(&f->r, &small, &clock);
	CHECK_OK(retention_tidy(&f->r, f->d, UINT64_MAX, &e), e);
	CHECK_INT("another key", jobs_of(f, "course", "ada"), 5);
	CHECK_INT("another user of the key", jobs_of(f, "exam", "bob"), 5);
	CHECK_INT("without a name", jobs_of(f, "", ""), 100);
	unsigned left = jobs_of(f, "exam", "eve");
	assert_in_range(left, 1, 40);
	CHECK_INT("her last", runs_find(f->d, "000000a9", ignore_row, NULL, &e), 1);
	/* what is deleted by hand or for its age is no share any more */
	CHECK_INT("all of hers", prune_user(f->d, "eve", NULL, 100, &e), (int)left);
	CHECK_INT("then bob's", prune_largest(f->d, 100, &e), 100);
	CHECK_INT("who has none", jobs_of(f, "", ""), 0);
	CHECK_INT("by age", prune_old(f->d, INT64_MAX, 100, &e), 10);
	CHECK_INT("nobody's", prune_largest(f->d, 100, &e), 0);
}

static void
half_of_the_log_is_for_jobs(void **state)
{
	struct fixture *f = *state;
	struct err e = { 0 };
	uint64_t bytes = 0;

	CHECK_OK(
	    db_exec(f->d,
		"INSERT INTO evidence SELECT n, 0, 'a.c', zeroblob(30000) FROM audit",
		&e),
	    e);
	retention_start(&f->r, &small, &clock);
	for (int i = 0; i < 5; i++)
		CHECK_OK(retention_tidy(&f->r, f->d, UINT64_MAX, &e), e);
	CHECK_OK(audit_bytes(f->d, &bytes, &e), e);
	assert_true(bytes <= small.max_bytes);
	assert_true(jobs_of(f, "", "") > 0);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(old_ones_go),
		CASE(forwards_and_back_while_it_runs),
		CASE(forwards_over_starts),
		CASE(back),
		CASE(away_for_long),
		CASE(size_asks_no_clock),
		CASE(nobody_loses_for_what_others_send),
		CASE(half_of_the_log_is_for_jobs),
	};

	log_start("test_retention", LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
