/* Quotas: the arithmetic against a model, and what processes share. */
#include "unit.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "judge/quota.h"

#define SEC 1000000000ULL
#define DAY 86400

static uint64_t boot_now;
static int64_t wall_now;

static uint64_t
test_boot(void)
{
	return boot_now;
}

static int64_t
test_wall(void)
{
	return wall_now;
}

static const struct quota_clock clock_of_test = { test_boot, test_wall };

struct bed {
	char dir[64], path[96];
	struct quota *q;
};

/* A process has one quota, so each case is one process. */
static int
bed_setup(void **state)
{
	struct bed *b = calloc(1, sizeof(*b));
	struct err e = { 0 };

	assert_non_null(b);
	setenv("TZ", "UTC", 1);
	log_start("test", LOG_LEVEL_ERROR);
	boot_now = 1000 * SEC;
	wall_now = 20000LL * DAY + 3600;
	snprintf(b->dir, sizeof(b->dir), "/tmp/judgebox-quota-XXXXXX");
	assert_non_null(mkdtemp(b->dir));
	snprintf(b->path, sizeof(b->path), "%s/quota.map", b->dir);
	CHECK_OK(quota_open(b->path, &clock_of_test, &b->q, &e), e);
	*state = b;
	return 0;
}

static int
bed_teardown(void **state)
{
	struct bed *b = *state;

	quota_close(b->q);
	unlink(b->path);
	rmdir(b->dir);
	free(b);
	return 0;
}

static enum problem_code
take(struct quota *q, const struct quota_claim *c, struct problem *p)
{
	struct quota_state s;
	struct problem own;

	p = p != NULL ? p : &own;
	p->code = PROBLEM_NONE;
	return quota_take(q, c, &s, p) == -1 ? p->code : PROBLEM_NONE;
}

/* One that ended at once and used nothing. */
static enum problem_code
pass(struct quota *q, const struct quota_claim *c, struct problem *p)
{
	enum problem_code code = take(q, c, p);

	quota_settle(q, 0);
	return code;
}

static void
burst_then_rate(void **state)
{
	struct bed *b = *state;
	struct quota_claim c = { .key = 7, .own.rate = { 60, 60, 5 } };
	struct quota_state s;
	struct problem p;

	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(quota_take(b->q, &c, &s, &p), 0);
		CHECK_INT("left", s.key.left, 4 - i);
		CHECK_INT("reset", s.key.reset_s, i + 1);
		quota_settle(b->q, 0);
	}
	CHECK_INT("sixth", pass(b->q, &c, &p), PROBLEM_QUOTA_EXCEEDED);
	CHECK_INT("comes again", p.retry_after_s, 1);
	CHECK_STR("text", p.text,
	    "this key's quota: more than 60 requests in 60 s, or 5 at once");
	boot_now += SEC - 1;
	CHECK_INT("too early by a hair", pass(b->q, &c, NULL), PROBLEM_QUOTA_EXCEEDED);
	boot_now += 1;
	CHECK_INT("in time", pass(b->q, &c, NULL), PROBLEM_NONE);
	CHECK_INT("but one", pass(b->q, &c, NULL), PROBLEM_QUOTA_EXCEEDED);
	boot_now += 3600 * SEC;
	for (unsigned i = 0; i < 5; i++)
		CHECK_INT("full again", pass(b->q, &c, NULL), PROBLEM_NONE);
	CHECK_INT("and no fuller", pass(b->q, &c, NULL), PROBLEM_QUOTA_EXCEEDED);
}

/* Against a bucket that is counted in fractions. */
static void
arithmetic_is_that_of_a_bucket(void **state)
{
	static const struct rate rates[] = { { 1, 1, 1 }, { 60, 60, 300 }, { 7, 1, 3 },
		{ 3, 86400, 2 }, { 1000000, 86400, 0 }, { 1000, 3600, 100000 } };
	struct bed *b = *state;
	unsigned agreed = 0;

	srand(5);
	for (unsigned r = 0; r < LENGTH(rates); r++) {
		struct quota_claim c = { .key = 100 + r, .own.rate = rates[r] };
		double size = (double)(rates[r].burst ? rates[r].burst : rates[r].count);
		double per_ns = (double)rates[r].count / (double)rates[r].period_s / 1e9;
		double level = size;
		uint64_t used = 0, since = boot_now;

		for (unsigned i = 0; i < 3000; i++) {
			uint64_t step = (uint64_t)((double)(rand() % 4) / per_ns / 2.9);

			boot_now += step;
			level += (double)step * per_ns;
			level = level > size ? size : level;
			bool got = pass(b->q, &c, NULL) == PROBLEM_NONE;
			if (level > 1.0001 || level < 0.9999) {
				CHECK_INT("as the model", got, level >= 1);
				agreed++;
			}
			level -= got;
			used += got;
		}
		double most = size + (double)(boot_now - since) * per_ns;
		assert_true((double)used <= most + 1e-6);
	}
	assert_true(agreed > 15000);
}

static void
refused_costs_nothing(void **state)
{
	struct bed *b = *state;
	struct quota_claim c = { .key = 7,
		.user = 9,
		.own.rate = { 10, 60, 10 },
		.each_user = { .rate = { 2, 60, 2 } } };
	struct quota_state s;
	struct problem p;

	CHECK_INT("1", pass(b->q, &c, NULL), PROBLEM_NONE);
	CHECK_INT("2", pass(b->q, &c, NULL), PROBLEM_NONE);
	for (unsigned i = 0; i < 50; i++)
		CHECK_INT("user", pass(b->q, &c, &p), PROBLEM_QUOTA_EXCEEDED);
	CHECK_STR("whose", p.text,
	    "this user's quota: more than 2 requests in 60 s, or 2 at once");
	assert_int_equal(quota_take(b->q, &c, &s, &p), -1);
	CHECK_STR("by which", s.refused, "user_rate");
	assert_int_equal(quota_look(b->q, &c, &s, &p), 0);
	CHECK_INT("key paid for two", s.key.left, 8);
	assert_true(s.has_user);
	CHECK_INT("user", s.user.left, 0);

	c.user = 10; /* given back: overloaded, nothing was run */
	for (unsigned i = 0; i < 50; i++) {
		CHECK_INT("taken", take(b->q, &c, NULL), PROBLEM_NONE);
		quota_give_back(b->q, &c);
	}
	assert_int_equal(quota_look(b->q, &c, &s, &p), 0);
	CHECK_INT("key still", s.key.left, 8);
	CHECK_INT("user still", s.user.left, 2);
}

static void
cpu_is_spoken_for_then_charged(void **state)
{
	struct bed *b = *state;
	struct quota_claim c = { .key = 7, .own.cpu_ms = 10000, .cpu_ms = 4000 };
	struct quota_state s;
	struct problem p;

	CHECK_INT("first", take(b->q, &c, NULL), PROBLEM_NONE);
	assert_int_equal(quota_look(b->q, &c, &s, &p), 0);
	CHECK_INT("held", s.key.cpu_held_ms, 4000);
	quota_settle(b->q, 1500 * 1000);
	CHECK_INT("second", take(b->q, &c, NULL), PROBLEM_NONE);
	quota_settle(b->q, 4500 * 1000);
	CHECK_INT("exactly", take(b->q, &c, NULL), PROBLEM_NONE);
	quota_settle(b->q, 1);
	CHECK_INT("a microsecond less", take(b->q, &c, &p), PROBLEM_QUOTA_EXCEEDED);
	CHECK_INT("until midnight", p.retry_after_s, DAY - 3600);
	assert_int_equal(quota_take(b->q, &c, &s, &p), -1);
	CHECK_STR("by which", s.refused, "key_cpu");
	c.cpu_ms = 10001;
	CHECK_INT("never", take(b->q, &c, &p), PROBLEM_LIMIT_TOO_HIGH);
	c.cpu_ms = 4000;
	wall_now += DAY - 3600;
	CHECK_INT("a new day", take(b->q, &c, NULL), PROBLEM_NONE);
	quota_settle(b->q, 0);
	assert_int_equal(quota_look(b->q, &c, &s, &p), 0);
	CHECK_INT("nothing used", s.key.cpu_ms, 0);
}

static void
clocks_jump(void **state)
{
	struct bed *b = *state;
	struct quota_claim c = {
		.key = 7, .own = { .rate = { 60, 60, 2 }, .cpu_ms = 1000 }, .cpu_ms = 600
	};

	CHECK_INT("today", take(b->q, &c, NULL), PROBLEM_NONE);
	quota_settle(b->q, 600 * 1000);
	boot_now += 60 * SEC;
	wall_now -= 3 * DAY;
	CHECK_INT("back: stays used", take(b->q, &c, NULL), PROBLEM_QUOTA_EXCEEDED);
	wall_now += DAY;
	CHECK_INT("and ends with that day", take(b->q, &c, NULL), PROBLEM_NONE);
	quota_settle(b->q, 600 * 1000);
	wall_now += 400 * DAY;
	boot_now += 60 * SEC;
	CHECK_INT("forward: a day", take(b->q, &c, NULL), PROBLEM_NONE);
	quota_settle(b->q, 600 * 1000);
	wall_now -= 400 * DAY;
	boot_now += 60 * SEC;
	CHECK_INT("put right: used", take(b->q, &c, NULL), PROBLEM_QUOTA_EXCEEDED);
	wall_now += DAY;
	CHECK_INT("until tomorrow, not next year", pass(b->q, &c, NULL), PROBLEM_NONE);
	CHECK_INT("rates do not follow it", pass(b->q, &c, NULL), PROBLEM_NONE);
	CHECK_INT("third", pass(b->q, &c, NULL), PROBLEM_QUOTA_EXCEEDED);
}

static void
outlives_the_process(void **state)
{
	struct bed *b = *state;
	struct quota_claim c = { .key = 7,
		.own = { .rate = { 60, 60, 3 }, .cpu_ms = 1000 } };
	struct quota_state s;
	struct problem p;
	struct err e = { 0 };

	for (unsigned i = 0; i < 3; i++) {
		CHECK_INT("taken", take(b->q, &c, NULL), PROBLEM_NONE);
		quota_settle(b->q, 100 * 1000);
	}
	quota_close(b->q);
	CHECK_OK(quota_open(b->path, &clock_of_test, &b->q, &e), e);
	CHECK_INT("a restart", pass(b->q, &c, NULL), PROBLEM_QUOTA_EXCEEDED);
	quota_close(b->q);
	boot_now = 5 * SEC; /* a boot */
	CHECK_OK(quota_open(b->path, &clock_of_test, &b->q, &e), e);
	assert_int_equal(quota_look(b->q, &c, &s, &p), 0);
	CHECK_INT("rates are forgotten", s.key.left, 3);
	CHECK_INT("the day is not", s.key.cpu_ms, 300);
}

/* The burst is made smaller, or the file is from another life: nobody waits longer than
 * his whole bucket takes to fill. */
static void
no_bucket_is_deeper_than_it_is(void **state)
{
	struct bed *b = *state;
	struct quota_claim c = { .key = 7, .own.rate = { 60, 60, 300 } };
	struct problem p;

	for (unsigned i = 0; i < 300; i++)
		CHECK_INT("burst", pass(b->q, &c, NULL), PROBLEM_NONE);
	c.own.rate.burst = 10;
	CHECK_INT("now", pass(b->q, &c, &p), PROBLEM_QUOTA_EXCEEDED);
	CHECK_INT("not 291 s", p.retry_after_s, 1);
}

/* --- processes --- */

/* Runs it in a child with a quota of its own; returns the pid. */
static pid_t
child(struct bed *b, int (*what)(struct bed *b, struct quota *q, int fd), int fd)
{
	pid_t pid = fork();
	struct quota *q;
	struct err e = { 0 };

	if (pid != 0)
		return pid;
	if (quota_open(b->path, &clock_of_test, &q, &e) == -1)
		_exit(99);
	_exit(what(b, q, fd));
}

static int
status_of(pid_t pid)
{
	int status = -1;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static const struct quota_claim shared = { .key = 3,
	.user = 4,
	.own = { .rate = { 1, 86400, 500 }, .jobs = 2, .cpu_ms = 1000000 },
	.cpu_ms = 10 };

static int
take_many(struct bed *b, struct quota *q, int fd)
{
	struct quota_claim c = shared;
	int got = 0;

	(void)b;
	(void)fd;
	c.own.jobs = 0;
	for (unsigned i = 0; i < 200; i++)
		got += pass(q, &c, NULL) == PROBLEM_NONE;
	return got;
}

static void
exact_over_processes(void **state)
{
	struct bed *b = *state;
	pid_t pids[6];
	int got = 0;

	for (unsigned i = 0; i < LENGTH(pids); i++)
		pids[i] = child(b, take_many, -1);
	for (unsigned i = 0; i < LENGTH(pids); i++)
		got += status_of(pids[i]);
	CHECK_INT("500 of 1200", got, 500);
}

static int
take_and_wait(struct bed *b, struct quota *q, int fd)
{
	(void)b;
	if (take(q, &shared, NULL) != PROBLEM_NONE || write(fd, "x", 1) != 1)
		return 1;
	for (;;)
		pause();
}

static void
killed_processes_give_back(void **state)
{
	struct bed *b = *state;
	int ready[2];
	char x;

	assert_int_equal(pipe(ready), 0);
	for (unsigned round = 0; round < 20; round++) {
		pid_t one = child(b, take_and_wait, ready[1]);
		pid_t two = child(b, take_and_wait, ready[1]);

		assert_int_equal(read(ready[0], &x, 1), 1);
		assert_int_equal(read(ready[0], &x, 1), 1);
		CHECK_INT("two run", take(b->q, &shared, NULL), PROBLEM_QUOTA_EXCEEDED);
		kill(one, SIGKILL);
		CHECK_INT("killed", status_of(one), -SIGKILL);
		CHECK_INT("its place", take(b->q, &shared, NULL), PROBLEM_NONE);
		quota_give_back(b->q, &shared);
		kill(two, SIGKILL);
		CHECK_INT("killed", status_of(two), -SIGKILL);
	}
	close(ready[0]);
	close(ready[1]);
}

static int
take_for_ever(struct bed *b, struct quota *q, int fd)
{
	struct quota_claim c = { .key = 3, .own = { .rate = { 1000000, 1, 0 } } };

	(void)b;
	(void)fd;
	while (pass(q, &c, NULL) == PROBLEM_NONE || c.user > 0)
		c.user++;
	return 1;
}

/* At any instruction, also inside the lock. */
static void
killed_anywhere(void **state)
{
	struct bed *b = *state;
	struct quota_claim c = { .key = 3, .own.jobs = 1 };

	for (unsigned round = 0; round < 40; round++) {
		pid_t pid = child(b, take_for_ever, -1);
		struct timespec t = { .tv_nsec = 500000 + (long)round * 37000 };

		nanosleep(&t, NULL);
		kill(pid, SIGKILL);
		CHECK_INT("killed", status_of(pid), -SIGKILL);
		CHECK_INT("one place", take(b->q, &c, NULL), PROBLEM_NONE);
		quota_give_back(b->q, &c);
	}
}

static int
hold_the_lock(struct bed *b, struct quota *q, int fd)
{
	(void)q;
	if (flock(open(b->path, O_RDWR), LOCK_EX) == -1 || write(fd, "x", 1) != 1)
		return 1;
	for (;;)
		pause();
}

static void
stopped_holder_does_not_stop_all(void **state)
{
	struct bed *b = *state;
	int ready[2];
	char x;

	assert_int_equal(pipe(ready), 0);
	pid_t pid = child(b, hold_the_lock, ready[1]);
	assert_int_equal(read(ready[0], &x, 1), 1);
	log_start("test", 0); /* it says so, rightly */
	CHECK_INT(
	    "closed, not open", take(b->q, &shared, NULL), PROBLEM_QUOTAS_UNAVAILABLE);
	kill(pid, SIGKILL);
	status_of(pid);
	CHECK_INT("and again", pass(b->q, &shared, NULL), PROBLEM_NONE);
	close(ready[0]);
	close(ready[1]);
}

/* --- bounds of the table --- */

static void
ten_thousand_keys_are_exact(void **state)
{
	struct bed *b = *state;

	for (unsigned round = 0; round < 3; round++)
		for (uint64_t key = 1; key <= 10000; key++) {
			struct quota_claim c = { .key = key * 0x9e3779b97f4aULL,
				.own = { .rate = { 1, 86400, 2 } } };
			CHECK_INT("key", pass(b->q, &c, NULL),
			    round < 2 ? PROBLEM_NONE : PROBLEM_QUOTA_EXCEEDED);
		}
}

/* More users than there are places, all of one key: its own bound holds, and users of
 * another key are not forgotten for them. */
static void
invented_users_gain_nothing(void **state)
{
	struct bed *b = *state;
	struct quota_claim other = { .key = 1,
		.own = { .rate = { 1000, 60, 1000 } },
		.each_user.rate = { 1, 86400, 1 } };
	struct quota_claim crowd = { .key = 2,
		.own = { .rate = { 1, 86400, 100000 } },
		.each_user.rate = { 1, 86400, 1 } };
	unsigned got = 0;

	for (other.user = 1; other.user <= 500; other.user++)
		CHECK_INT("once", pass(b->q, &other, NULL), PROBLEM_NONE);
	for (crowd.user = 1; crowd.user <= 150000; crowd.user++)
		got += pass(b->q, &crowd, NULL) == PROBLEM_NONE;
	CHECK_INT("the key's bound", got, 100000);
	for (other.user = 1; other.user <= 500; other.user++)
		CHECK_INT("remembered", pass(b->q, &other, NULL), PROBLEM_QUOTA_EXCEEDED);
}

static void
more_keys_than_places(void **state)
{
	struct bed *b = *state;
	unsigned refused = 0;

	for (uint64_t key = 1; key <= 20000; key++) {
		struct quota_claim c = { .key = key, .own.rate = { 1, 86400, 2 } };
		enum problem_code code = pass(b->q, &c, NULL);

		assert_true(code == PROBLEM_NONE || code == PROBLEM_QUOTAS_UNAVAILABLE);
		refused += code != PROBLEM_NONE;
	}
	CHECK_INT("refused", refused, 20000 - 16384);
}

/* As many as a large site has on one day: each is held to a bound of his own. */
static void
fifty_thousand_users_are_counted(void **state)
{
	struct bed *b = *state;
	unsigned uncounted = 0;

	for (uint64_t n = 0; n < 50000; n++) {
		struct quota_claim c = { .key = 1 + n % 60,
			.user = 1 + n * 0x9e3779b97f4aULL,
			.each_user.rate = { 1, 86400, 1 } };
		struct quota_state s;
		struct problem p;

		assert_int_equal(quota_take(b->q, &c, &s, &p), 0);
		quota_settle(b->q, 0);
		uncounted += !s.has_user;
	}
	CHECK_INT("without a place", uncounted, 0);
}

static void
who_is_forgotten_stays_counted(void **state)
{
	struct bed *b = *state;
	struct quota_claim c = {
		.key = 1, .user = 7, .user_name = "ada", .each_user.rate = { 1, 86400, 1 }
	};
	struct quota_user u[4];
	const uint64_t other = 2;
	struct err e = { 0 };

	CHECK_INT("once", pass(b->q, &c, NULL), PROBLEM_NONE);
	CHECK_OK(quota_forget(b->q, &other, 7, &e), e);
	assert_int_equal(quota_users(b->q, 1, u, 4), 1);
	CHECK_STR("another key's", u[0].name, "ada");
	CHECK_OK(quota_forget(b->q, NULL, 7, &e), e);
	assert_int_equal(quota_users(b->q, 1, u, 4), 1);
	CHECK_STR("name", u[0].name, "");
	CHECK_INT("twice", pass(b->q, &c, NULL), PROBLEM_QUOTA_EXCEEDED);
}

/* --- the file --- */

static void
damaged_files_begin_anew(void **state)
{
	struct bed *b = *state;
	struct quota_claim c = { .key = 7, .own.rate = { 1, 60, 1 } };
	struct stat st;
	struct err e = { 0 };

	log_start("test", 0);
	CHECK_INT("used", pass(b->q, &c, NULL), PROBLEM_NONE);
	quota_close(b->q);
	assert_int_equal(stat(b->path, &st), 0);
	static const struct {
		const char *what;
		off_t at, cut;
		bool fresh;
	} cases[] = {
		{ "as it was", -1, -1, false },
		{ "another magic", 0, -1, true },
		{ "another version", 8, -1, true },
		{ "another shape", 12, -1, true },
		{ "another checksum", 32, -1, true },
		{ "cut", -1, 100000, true },
		{ "empty", -1, 0, true },
	};
	for (size_t i = 0; i < LENGTH(cases); i++) {
		int fd = open(b->path, O_RDWR);

		if (cases[i].at >= 0)
			assert_int_equal(pwrite(fd, "?", 1, cases[i].at), 1);
		if (cases[i].cut >= 0)
			assert_int_equal(ftruncate(fd, cases[i].cut), 0);
		close(fd);
		CHECK_OK(quota_open(b->path, &clock_of_test, &b->q, &e), e);
		CHECK_INT(cases[i].what, pass(b->q, &c, NULL),
		    cases[i].fresh ? PROBLEM_NONE : PROBLEM_QUOTA_EXCEEDED);
		quota_close(b->q);
	}
	CHECK_OK(quota_open(b->path, &clock_of_test, &b->q, &e), e);
}

static void
nonsense_inside_does_no_harm(void **state)
{
	struct bed *b = *state;
	struct quota_claim c = { .key = 7,
		.user = 8,
		.own = { .rate = { 60, 60, 5 }, .jobs = 5, .cpu_ms = 9 },
		.each_user = { .rate = { 60, 60, 5 }, .jobs = 2 } };
	struct stat st;
	struct err e = { 0 };

	assert_int_equal(stat(b->path, &st), 0);
	quota_close(b->q);
	log_start("test", 0);
	srand(1);
	int fd = open(b->path, O_RDWR);
	for (off_t at = 96; at < st.st_size; at += 7) {
		unsigned char x = (unsigned char)rand();
		assert_int_equal(pwrite(fd, &x, 1, at), 1);
		if (at > 400000)
			at += 900;
	}
	close(fd);
	CHECK_OK(quota_open(b->path, &clock_of_test, &b->q, &e), e);
	for (c.key = 0; c.key < 300; c.key++)
		for (unsigned i = 0; i < 3; i++) {
			take(b->q, &c, NULL);
			quota_settle(b->q, 1000);
			take(b->q, &c, NULL);
			quota_give_back(b->q, &c);
		}
}

static void
what_cannot_be_opened(void **state)
{
	struct bed *b = *state;
	struct quota *q = NULL;
	struct err e = { 0 };
	char path[128];

	assert_int_equal(quota_open("/nowhere/quota.map", NULL, &q, &e), -1);
	CHECK_STR("no directory", e.msg, "open /nowhere/quota.map");
	snprintf(path, sizeof(path), "%s/link", b->dir);
	assert_int_equal(symlink(b->path, path), 0);
	assert_int_equal(quota_open(path, NULL, &q, &e), -1);
	CHECK_INT("a link", e.sys, 40 /* ELOOP */);
	unlink(path);
	assert_int_equal(quota_open(b->dir, NULL, &q, &e), -1);
	assert_int_equal(quota_open_readonly("/dev/null", &q, &e), -1);
	CHECK_STR("not ours", e.msg, "/dev/null: no file of quotas");
	assert_null(q);
}

static void
users_for_people(void **state)
{
	struct bed *b = *state;
	struct quota_claim c = { .key = 7, .user = 1, .user_name = "ann\n\x1b[1m" };
	struct quota_user u[2];

	pass(b->q, &c, NULL);
	c.user = 2;
	c.user_name = "bob";
	take(b->q, &c, NULL);
	quota_settle(b->q, 5000);
	c.user = 3;
	c.user_name = NULL;
	take(b->q, &c, NULL);
	quota_settle(b->q, 2000);
	CHECK_INT("two of three", quota_users(b->q, 7, u, 2), 2);
	CHECK_STR("most first", u[0].name, "bob");
	CHECK_INT("his", u[0].cpu_ms, 5);
	CHECK_INT("one more", quota_users(b->q, 7, u, 1), 1);
	CHECK_INT("of another key", quota_users(b->q, 8, u, 2), 0);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, bed_setup, bed_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(burst_then_rate),
		CASE(arithmetic_is_that_of_a_bucket),
		CASE(refused_costs_nothing),
		CASE(cpu_is_spoken_for_then_charged),
		CASE(clocks_jump),
		CASE(outlives_the_process),
		CASE(no_bucket_is_deeper_than_it_is),
		CASE(exact_over_processes),
		CASE(killed_processes_give_back),
		CASE(killed_anywhere),
		CASE(stopped_holder_does_not_stop_all),
		CASE(ten_thousand_keys_are_exact),
		CASE(invented_users_gain_nothing),
		CASE(more_keys_than_places),
		CASE(fifty_thousand_users_are_counted),
		CASE(who_is_forgotten_stays_counted),
		CASE(damaged_files_begin_anew),
		CASE(nonsense_inside_does_no_harm),
		CASE(what_cannot_be_opened),
		CASE(users_for_people),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
