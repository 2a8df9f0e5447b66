/* Metrics read back, and the picture that `judgebox top` makes of them. */
#include "unit.h"

#include <stdlib.h>

#include "app/samples.h"
#include "app/top.h"

static struct samples
must_read(const char *text)
{
	struct samples s = { 0 };
	struct err e = { 0 };
	scope_buf body = { 0 };

	buf_str(&body, text);
	CHECK_OK(samples_read(&body, &s, &e), e);
	return s;
}

static void
what_is_no_metrics_is_refused(void **state)
{
	static const struct {
		const char *text, *msg;
	} cases[] = {
		{ "", "the metrics are cut short" },
		{ "judgebox_a 1\n", "the metrics are cut short" },
		{ "# EOF", "the metrics are cut short" },
		{ "judgebox_a 1\n# EOF\njudgebox_b 2\n", "the metrics are cut short" },
		{ "judgebox_a{b=\"\x1b[2J\"} 1\n# EOF\n", "these are no metrics" },
		{ "judgebox_a{b=\"\xc3\xa4\"} 1\n# EOF\n", "these are no metrics" },
		{ "judgebox_a 1\r\n# EOF\n", "these are no metrics" },
		{ "<html>\t</html>", "these are no metrics" },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct samples s = { 0 };
		struct err e = { 0 };
		scope_buf body = { 0 };

		buf_str(&body, cases[i].text);
		CHECK_INT(cases[i].text, samples_read(&body, &s, &e), -1);
		CHECK_STR(cases[i].text, e.msg, cases[i].msg);
		assert_null(s.list);
	}
	struct samples s = must_read("# EOF\n");
	samples_free(&s);
}

static void
lines_that_are_none_of_ours_are_passed_over(void **state)
{
	struct samples s = must_read("# HELP judgebox_a judgebox_a 9\n"
				     "judgebox_a 1\n"
				     "judgebox_b{x=\"1\",y=\"a b\"} 2.5\n"
				     "judgebox_b{x=\"2\"} 1e3\n"
				     "other_a 7\n"
				     "judgebox_c{x=\"1\" 7\n"
				     "judgebox_d\n"
				     "judgebox_e \n"
				     "judgebox_f 1x\n"
				     "judgebox_g{}\n"
				     "# EOF\n");
	char out[8];

	(void)state;
	CHECK_INT("samples", s.n, 3);
	assert_true(samples_sum(&s, "a", NULL, NULL) == 1);
	assert_true(samples_sum(&s, "b", NULL, NULL) == 1002.5);
	assert_true(samples_sum(&s, "b", "x", "2") == 1000);
	assert_true(samples_sum(&s, "b", "x", "3") == 0);
	assert_true(samples_sum(&s, "b", "z", "1") == 0);
	assert_true(samples_sum(&s, "c", NULL, NULL) == 0);
	assert_true(samples_sum(NULL, "a", NULL, NULL) == 0);
	assert_true(samples_label(&s.list[1], "y", out, sizeof(out)));
	CHECK_STR("y", out, "a b");
	assert_false(samples_label(&s.list[1], "y", out, 3));
	assert_false(samples_label(&s.list[0], "x", out, sizeof(out)));
	samples_free(&s);
}

static const char buckets[] = "judgebox_t_bucket{l=\"a\",le=\"0.1\"} 10\n"
			      "judgebox_t_bucket{l=\"a\",le=\"1.0\"} 20\n"
			      "judgebox_t_bucket{l=\"a\",le=\"+Inf\"} 20\n"
			      "judgebox_t_bucket{l=\"b\",le=\"0.1\"} 0\n"
			      "judgebox_t_bucket{l=\"b\",le=\"1.0\"} 10\n"
			      "judgebox_t_bucket{l=\"b\",le=\"+Inf\"} 20\n"
			      "# EOF\n";

static void
quantiles_lie_between_bounds(void **state)
{
	static const struct {
		double q, is;
	} cases[] = {
		{ 0.125, 0.05 }, { 0.25, 0.1 }, { 0.5, 0.55 }, { 0.75, 1.0 },
		{ 0.99, 1.0 }, /* above the last bound: it is all that is known */
	};
	struct samples s = must_read(buckets), none = must_read("# EOF\n");

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++)
		assert_float_equal(
		    samples_quantile(&s, NULL, "t", cases[i].q), cases[i].is, 1e-9);
	assert_float_equal(samples_quantile(&s, &none, "t", 0.5), 0.55, 1e-9);
	assert_true(samples_quantile(&s, &s, "t", 0.5) == -1);
	assert_true(samples_quantile(&none, NULL, "t", 0.5) == -1);
	assert_true(samples_quantile(&none, &s, "t", 0.5) == -1); /* restarted */
	assert_true(samples_quantile(&s, NULL, "u", 0.5) == -1);
	samples_free(&s);
	samples_free(&none);
}

/* --- the picture --- */

static void
read_file(const char *name, struct buf *out)
{
	const char *top = getenv("SRCDIR");
	char path[512];

	snprintf(path, sizeof(path), "%s/tests/golden/%s", top != NULL ? top : ".", name);
	FILE *f = fopen(path, "r");
	if (f == NULL)
		fail_msg("%s cannot be read", path);
	for (size_t n = 1; n > 0; out->len += n)
		n = fread(buf_room(out, 4096), 1, 4096, f);
	fclose(f);
}

static void
check_picture(const struct top *t, const char *name)
{
	const char *top = getenv("SRCDIR");
	scope_buf out = { 0 }, want = { 0 };
	char path[512];

	top_draw(t, &out);
	snprintf(path, sizeof(path), "%s/tests/golden/%s", top != NULL ? top : ".", name);
	if (getenv("GOLDEN_UPDATE") != NULL) {
		FILE *f = fopen(path, "w");
		assert_true(f != NULL && fputs(buf_cstr(&out), f) >= 0 && fclose(f) == 0);
	}
	read_file(name, &want);
	CHECK_STR(name, buf_cstr(&out), buf_cstr(&want));
	for (const char *line = buf_cstr(&out); *line != '\0';) {
		size_t n = strcspn(line, "\n");

		if (n > TOP_COLUMNS)
			fail_msg("%s: %zu columns: %.*s", name, n, (int)n, line);
		line += n + 1;
	}
}

static void
pictures_are_golden(void **state)
{
	scope_buf before = { 0 }, now = { 0 };
	struct err e = { 0 };
	struct samples a, b;
	struct top t = { .url = "https://a-long-name.of-a-service.example.org:8443/judge",
		.clock = "14:03:12",
		.epoch = 1700200000 };

	(void)state;
	read_file("top/before.txt", &before);
	read_file("top/now.txt", &now);
	CHECK_OK(samples_read(&before, &a, &e), e);
	CHECK_OK(samples_read(&now, &b, &e), e);
	t.now = &b;
	t.seconds = 100000;
	check_picture(&t, "top/all.picture");
	t.before = &a;
	t.seconds = 2;
	check_picture(&t, "top/last.picture");
	t.before = &b; /* a service that counts anew */
	t.now = &a;
	check_picture(&t, "top/restarted.picture");
	t.now = NULL;
	t.away =
	    "connect to a port where nobody listens, and a reason that goes on and on "
	    "without an end: refused";
	check_picture(&t, "top/away.picture");
	samples_free(&a);
	samples_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_no_metrics_is_refused),
		cmocka_unit_test(lines_that_are_none_of_ours_are_passed_over),
		cmocka_unit_test(quantiles_lie_between_bounds),
		cmocka_unit_test(pictures_are_golden),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
