/* The figures that master and workers share, and the two texts that they become. */
#include "unit.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "observe/expose.h"
#include "observe/metrics.h"

static void
nothing_is_counted_before_the_start(void **state)
{
	struct metrics_histogram h;

	(void)state;
	metrics_count(METRIC_RELOADS);
	metrics_set(METRIC_SLOTS, 2);
	metrics_observe(METRIC_QUEUE_TIME, 0, 5);
	metrics_word(LABEL_LANGUAGE, "python");
	metrics_worker_join();
	metrics_worker_busy(true);
	metrics_worker_gone(getpid());
	assert_true(metrics_get(METRIC_RELOADS, 0, 0) == 0);
	assert_true(metrics_workers().total == 0);
	metrics_read(METRIC_QUEUE_TIME, 0, &h);
	assert_true(h.counts[0] == 0);
	assert_null(metrics_value(LABEL_LANGUAGE, 0));
}

/* What cannot be told from the rows at compile time. */
static void
rows_keep_the_conventions(void **state)
{
	static const char *const units[] = { "", "_seconds", "_bytes" };

	(void)state;
	for (enum metric m = 0; m < METRIC_MAX_; m++) {
		const struct metrics_row *r = metrics_row(m);
		size_t n = strlen(r->name), u = strlen(units[r->unit]);

		assert_true(n > u);
		CHECK_STR(r->name, r->name + n - u, units[r->unit]);
		CHECK_INT(r->name, strspn(r->name, "abcdefghijklmnopqrstuvwxyz_"), n);
		assert_null(strstr(r->name, "_total"));
		CHECK_STR(r->help, r->help + strlen(r->help) - 1, ".");
		assert_null(strpbrk(r->help, "\n\\\""));
		if (r->kind == TIMES || r->kind == SHORT) {
			CHECK_INT("one label", r->labels[1], LABEL_NONE);
			CHECK_INT("of time", r->unit, UNIT_SECONDS);
		}
		for (enum metric other = 0; other < m; other++)
			assert_string_not_equal(metrics_row(other)->name, r->name);
	}
}

static void
words_are_bounded(void **state)
{
	unsigned last = metrics_values(LABEL_COMPILE) - 1, n = 0;
	char word[16];

	(void)state;
	CHECK_INT("known", metrics_find(LABEL_COMPILE, "cached"), 1);
	CHECK_INT("unknown", metrics_find(LABEL_COMPILE, "x"), last);
	CHECK_STR("the last", metrics_value(LABEL_COMPILE, last), "other");
	metrics_word(LABEL_COMPILE, "cached");
	assert_null(metrics_value(LABEL_COMPILE, 3));
	metrics_word(LABEL_COMPILE, "a-word-of-thirty-two-characters.");
	assert_null(metrics_value(LABEL_COMPILE, 3));

	for (unsigned i = 0; i < 300; i++) {
		snprintf(word, sizeof(word), "l%u", i);
		metrics_word(LABEL_LANGUAGE, word);
	}
	while (metrics_value(LABEL_LANGUAGE, n) != NULL &&
	       strcmp(metrics_value(LABEL_LANGUAGE, n), "other") != 0)
		n++;
	CHECK_INT("all but one", n, metrics_values(LABEL_LANGUAGE) - 1);
	CHECK_INT("the first", metrics_find(LABEL_LANGUAGE, "l0"), 0);
	CHECK_INT("no room", metrics_find(LABEL_LANGUAGE, "l299"), n);
}

/* An index from anywhere reaches no cell but its row's own. */
static void
indices_are_bounded(void **state)
{
	uint64_t all = 0;

	(void)state;
	metrics_add(METRIC_REQUESTS, 1000000, 1000000, 3);
	CHECK_INT("other, other",
	    metrics_get(METRIC_REQUESTS, metrics_values(LABEL_STATUS) - 1,
		metrics_values(LABEL_DIALECT) - 1),
	    3);
	metrics_observe(METRIC_QUEUE_TIME, 77, 1);
	metrics_add(METRIC_QUEUE_TIME, 0, 0, 5); /* no counter */
	metrics_set(METRIC_QUEUE_TIME, 5);
	metrics_observe(METRIC_RELOADS, 0, 5); /* no histogram */
	for (enum metric m = 0; m < METRIC_MAX_; m++)
		if (m != METRIC_REQUESTS && m != METRIC_START_TIME)
			all += metrics_get(m, 0, 0);
	CHECK_INT("one observation", all, 1);
}

static void
buckets_hold_their_bound(void **state)
{
	static const struct {
		enum metric m;
		uint64_t us;
		unsigned bucket;
	} cases[] = {
		{ METRIC_TEST_CPU, 0, 0 },
		{ METRIC_TEST_CPU, 1000, 0 },
		{ METRIC_TEST_CPU, 1001, 1 },
		{ METRIC_TEST_CPU, 60000000, 14 },
		{ METRIC_TEST_CPU, 60000001, 15 },
		{ METRIC_TEST_CPU, UINT64_MAX / 8, 15 },
		{ METRIC_BOX_OVERHEAD, 50, 0 },
		{ METRIC_BOX_OVERHEAD, 51, 1 },
		{ METRIC_BOX_OVERHEAD, 1000001, 15 },
	};
	struct metrics_histogram before, after;

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		metrics_read(cases[i].m, 0, &before);
		metrics_observe(cases[i].m, 0, cases[i].us);
		metrics_read(cases[i].m, 0, &after);
		for (unsigned b = 0; b <= METRICS_BUCKETS; b++)
			CHECK_INT("bucket", after.counts[b] - before.counts[b],
			    b == cases[i].bucket);
		CHECK_INT("sum", after.sum - before.sum, cases[i].us);
	}
}

static void
count_in_a_child(unsigned n)
{
	metrics_worker_join();
	for (unsigned i = 0; i < n; i++) {
		metrics_count(METRIC_CLIENTS_GONE);
		metrics_observe(METRIC_QUEUE_TIME, 0, 3);
	}
	_exit(0);
}

static void
no_count_is_lost_between_processes(void **state)
{
	struct metrics_histogram h;
	pid_t children[4];
	int status;

	(void)state;
	for (size_t i = 0; i < LENGTH(children); i++) {
		children[i] = fork();
		if (children[i] == 0)
			count_in_a_child(50000);
	}
	for (size_t i = 0; i < LENGTH(children); i++) {
		CHECK_INT("child", waitpid(children[i], &status, 0) > 0 ? status : -1, 0);
		metrics_worker_gone(children[i]);
	}
	CHECK_INT("all", metrics_get(METRIC_CLIENTS_GONE, 0, 0), 200000);
	metrics_read(METRIC_QUEUE_TIME, 0, &h);
	CHECK_INT("observations", h.counts[0], 200001);
	CHECK_INT("sum", h.sum, 600001);
	CHECK_INT("starts", metrics_get(METRIC_WORKER_STARTS, 0, 0), 4);
}

static void
the_board_knows_who_died_with_a_request(void **state)
{
	int told[2], status;
	char c;

	(void)state;
	assert_int_equal(pipe(told), 0);
	pid_t child = fork();
	if (child == 0) {
		metrics_worker_join();
		metrics_worker_busy(true);
		if (write(told[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	assert_int_equal(read(told[0], &c, 1), 1);
	CHECK_INT("total", metrics_workers().total, 1);
	CHECK_INT("busy", metrics_workers().busy, 1);
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	metrics_worker_gone(child);
	metrics_worker_gone(child); /* once */
	CHECK_INT("total", metrics_workers().total, 0);
	CHECK_INT("busy", metrics_workers().busy, 0);
	CHECK_INT("lost", metrics_get(METRIC_REQUESTS_LOST, 0, 0), 1);
	close(told[0]);
	close(told[1]);
}

/* --- golden files --- */

static void
read_golden(const char *name, struct buf *out)
{
	FILE *f = fopen(name, "r");

	if (f == NULL)
		fail_msg("%s cannot be read", name);
	for (size_t n = 1; n > 0; out->len += n)
		n = fread(buf_room(out, 4096), 1, 4096, f);
	fclose(f);
}

static void
write_golden(const char *name, const char *text)
{
	FILE *f = fopen(name, "w");

	if (f == NULL || fputs(text, f) < 0 || fclose(f) != 0)
		fail_msg("%s cannot be written", name);
}

static void
texts_are_golden(void **state)
{
	static const char *const names[] = { "openmetrics", "prometheus", "influx" };
	const char *top = getenv("SRCDIR");

	(void)state;
	for (size_t i = 0; i < LENGTH(names); i++) {
		scope_buf out = { 0 }, want = { 0 };
		enum expose_format format = EXPOSE_MAX_;
		char path[512];

		assert_true(expose_named(names[i], &format));
		expose_write(format, &out);
		/* the version changes with every release */
		const char *text = strstr(buf_cstr(&out), "version=");
		assert_non_null(text);
		text = strchr(text, '\n') + 1;
		snprintf(path, sizeof(path), "%s/tests/golden/metrics/%s.txt",
		    top != NULL ? top : ".", names[i]);
		if (getenv("GOLDEN_UPDATE") != NULL)
			write_golden(path, text);
		read_golden(path, &want);
		CHECK_STR(names[i], text, buf_cstr(&want));
	}
}

static void
formats_have_names(void **state)
{
	enum expose_format f;

	(void)state;
	assert_false(expose_named("", &f));
	assert_false(expose_named("OpenMetrics", &f));
	assert_false(expose_named("influx\n", &f));
	CHECK_STR("type", expose_content_type(EXPOSE_PROMETHEUS),
	    "text/plain; version=0.0.4; charset=utf-8");
	CHECK_STR("type", expose_content_type(EXPOSE_OPENMETRICS),
	    "application/openmetrics-text; version=1.0.0; charset=utf-8");
}

static int
start_anew(void **state)
{
	struct err e = { 0 };

	(void)state;
	return metrics_start(&e);
}

static int
fill(void **state)
{
	if (start_anew(state) == -1)
		return -1;
	metrics_word(LABEL_DIALECT, "native");
	metrics_word(LABEL_VERDICT, "accepted");
	metrics_word(LABEL_LANGUAGE, "python");
	metrics_word(LABEL_LANGUAGE, "c++");
	metrics_add(METRIC_REQUESTS, metrics_find(LABEL_STATUS, "200"), 0, 7);
	metrics_add(METRIC_REQUESTS, metrics_find(LABEL_STATUS, "418"),
	    metrics_find(LABEL_DIALECT, "none"), 1);
	metrics_add(METRIC_JOBS, 0, 1, 2);
	metrics_observe(METRIC_TEST_CPU, 0, 12345);
	metrics_observe(METRIC_TEST_CPU, 0, 2000000);
	metrics_observe(METRIC_TEST_CPU, 1, 61000001);
	metrics_observe(METRIC_BOX_OVERHEAD, 0, 780);
	metrics_set(METRIC_SLOTS, 2);
	metrics_set(METRIC_QUEUE_WAIT, 1500000);
	metrics_set(METRIC_QUEUE_OLDEST, 1);
	metrics_set(METRIC_CACHE_HITS, 41);
	metrics_set(METRIC_STORE_SIZE, 4096);
	metrics_set(METRIC_START_TIME, 1700000000250000);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_counted_before_the_start),
		cmocka_unit_test(rows_keep_the_conventions),
		cmocka_unit_test_setup(words_are_bounded, start_anew),
		cmocka_unit_test_setup(indices_are_bounded, start_anew),
		cmocka_unit_test(buckets_hold_their_bound),
		cmocka_unit_test(no_count_is_lost_between_processes),
		cmocka_unit_test(the_board_knows_who_died_with_a_request),
		cmocka_unit_test_setup(texts_are_golden, fill),
		cmocka_unit_test(formats_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
