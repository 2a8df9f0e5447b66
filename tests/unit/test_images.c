/* When an image is made, which one a run gets, and when it goes.  Nothing is frozen here:
 * the programs are empty files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "sandbox/images.h"
#include "sandbox/warm/frozen.h"

#define SECOND 1000000ULL

static char dir[] = "/tmp/judgebox-test-XXXXXX";
static const struct words no_files;
static struct config config = { .warm_images = 4 };
static struct languages *languages;
static const struct language *warm, *cold;

static void
write_file(const char *name, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fputs(text, f) >= 0, 1);
	assert_int_equal(fclose(f), 0);
}

static int
set_up(void **state)
{
	struct err e = { 0 };

	(void)state;
	assert_non_null(mkdtemp(dir));
	write_file("warm.conf", "id = \"warm\"; source = \"main.w\"; class = \"python\";"
				"run = [ \"/bin/true\", \"-x\", \"{source}\" ];"
				"warm = true;\n");
	write_file("cold.conf", "id = \"cold\"; source = \"main.c\"; class = \"python\";"
				"run = [ \"/bin/true\", \"{source}\" ];\n");
	write_file("library", "not really one");
	snprintf(config.warm_library, sizeof(config.warm_library), "%s/library", dir);
	assert_int_equal(languages_load(dir, &languages, &e), 0);
	warm = languages_find(languages, "warm");
	cold = languages_find(languages, "cold");
	assert_true(warm->warm && !cold->warm);
	return 0;
}

static int
tear_down(void **state)
{
	static const char *const names[] = { "warm.conf", "cold.conf", "library" };

	(void)state;
	languages_free(languages);
	for (unsigned i = 0; i < 3; i++) {
		char path[128];

		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		unlink(path);
	}
	return rmdir(dir);
}

static struct images *
open_images(void)
{
	struct images *s = NULL;
	struct err e = { 0 };

	assert_int_equal(images_open(&config, languages, &s, &e), 0);
	assert_non_null(s);
	return s;
}

/* A test of somebody's, whose main file has this name. */
static struct run *
test_of(const struct language *l, const char *main_file, struct inner_run *command)
{
	struct bundle_writer w = { 0 };
	const struct words none = { 0 };
	struct err e = { 0 };

	assert_int_equal(bundle_add(&w, main_file, "x", 1, &e), 0);
	int fd = bundle_seal(&w, &e);
	bundle_free(&w);
	struct job *j = job_new(l, &none, fd, &e);
	assert_non_null(j);
	struct run *r = run_new(NULL, j, RUN_TEST, &e);
	assert_non_null(r);
	job_drop(j);
	assert_int_equal(job_command(r, &no_files, command, &e), 0);
	return r;
}

static int
pick(struct images *s, const struct language *l, const char *main_file)
{
	static struct inner_run command;
	struct run *r = test_of(l, main_file, &command);
	int fd = images_pick(s, r, &command.argv);

	run_free(r);
	return fd;
}

/* As a slot would end it: with an image, or with this status. */
static void
finish(struct images *s, struct run *r, int status)
{
	struct wire_outcome o = { .violation = -1, .exit_code = status };
	struct err e = { 0 };

	if (status == 0) {
		int fd = fd_memfd("image", "image", 5, &e);

		assert_int_equal(job_adopt_sealed(r->job, fd, false, &e), 0);
	}
	images_made(s, r, &o);
	run_free(r);
}

static bool
make_one(struct images *s, uint64_t now)
{
	struct run *r = images_next(s, now);

	if (r == NULL)
		return false;
	finish(s, r, 0);
	return true;
}

static void
it_can_be_off(void **state)
{
	struct config none = config;
	struct images *s = (struct images *)&none;
	struct err e = { 0 };

	(void)state;
	none.warm_images = 0;
	assert_int_equal(images_open(&none, languages, &s, &e), 0);
	assert_null(s);
	images_free(s);
}

static void
a_missing_library_is_said(void **state)
{
	struct config wrong = config;
	struct images *s = NULL;
	struct err e = { 0 };

	(void)state;
	snprintf(wrong.warm_library, sizeof(wrong.warm_library), "%s/nothing", dir);
	assert_int_equal(images_open(&wrong, languages, &s, &e), -1);
	assert_non_null(strstr(e.msg, "warm_library: open "));
	assert_null(s);
}

static void
nothing_is_made_before_it_is_used(void **state)
{
	struct images *s = open_images();

	(void)state;
	assert_null(images_next(s, clock_us() + SECOND));
	assert_true(images_due_us(s) == IMAGES_NEVER);
	images_saw(s, cold, 1);
	assert_null(images_next(s, clock_us() + SECOND));
	assert_int_equal(pick(s, warm, "main.w"), -1);
	images_free(s);
}

static void
the_run_that_makes_one(void **state)
{
	static struct inner_run command;
	struct images *s = open_images();
	struct err e = { 0 };

	(void)state;
	images_saw(s, warm, 1);
	struct run *r = images_next(s, clock_us() + SECOND);
	assert_non_null(r);
	assert_int_equal(r->kind, RUN_FREEZE);
	assert_true(run_is_staged(r));
	assert_int_equal(job_command(r, &no_files, &command, &e), 0);
	assert_int_equal(command.freezes, 1);
	assert_int_equal(command.has_program, 0);
	assert_true(words_has(&command.argv, "main.w"));
	assert_true(words_has(&command.env, "LD_PRELOAD=/work/" FROZEN_LIBRARY));
	assert_true(words_has(&command.env, "JUDGEBOX_WARM=main.w"));
	assert_true(images_due_us(s) == IMAGES_NEVER); /* one at a time */
	finish(s, r, 0);
	images_free(s);
}

/* An order's memory is used again, and keeps nothing of the last one. */
static void
other_runs_are_not_marked(void **state)
{
	struct inner_run command = { .thaws = 1, .freezes = 1, .has_program = 1 };

	(void)state;
	run_free(test_of(cold, "main.c", &command));
	assert_int_equal(command.thaws, 0);
	assert_int_equal(command.freezes, 0);
	assert_int_equal(command.has_program, 0);
}

static void
runs_share_them_evenly(void **state)
{
	struct images *s = open_images();
	uint64_t now = clock_us() + SECOND, hits, misses;
	int seen[4];

	(void)state;
	images_saw(s, warm, 1);
	for (unsigned i = 0; i < 4; i++)
		assert_true(make_one(s, now + i * SECOND));
	assert_false(make_one(s, now + 9 * SECOND)); /* none of them is used */
	for (unsigned i = 0; i < 4; i++) {
		seen[i] = pick(s, warm, "main.w");
		assert_int_not_equal(seen[i], -1);
		for (unsigned k = 0; k < i; k++)
			assert_int_not_equal(seen[i], seen[k]);
	}
	assert_int_not_equal(pick(s, warm, "main.w"), -1);
	assert_int_equal(pick(s, cold, "main.c"), -1);
	assert_int_equal(pick(s, warm, "other.w"), -1); /* another command */
	images_counts(s, &hits, &misses);
	assert_int_equal(hits, 5);
	assert_int_equal(misses, 1);
	images_free(s);
}

static void
used_ones_are_replaced(void **state)
{
	struct images *s = open_images();
	uint64_t now = clock_us() + SECOND;

	(void)state;
	images_saw(s, warm, 1);
	for (unsigned i = 0; i < 4; i++)
		assert_true(make_one(s, now + i * SECOND));
	for (unsigned i = 0; i < 6; i++)
		pick(s, warm, "main.w"); /* 2 2 1 1 */
	for (unsigned i = 0; i < 4; i++)
		assert_true(make_one(s, now + (10 + i) * SECOND));
	assert_false(make_one(s, now + 20 * SECOND));
	images_free(s);
}

static void
failures_are_not_repeated_at_once(void **state)
{
	struct images *s = open_images();
	uint64_t now = clock_us() + SECOND;

	(void)state;
	images_saw(s, warm, 1);
	finish(s, images_next(s, now), 1);
	assert_int_equal(pick(s, warm, "main.w"), -1);
	assert_null(images_next(s, clock_us() + 59 * SECOND));
	struct run *again = images_next(s, clock_us() + 61 * SECOND);
	assert_non_null(again);
	finish(s, again, 1);
	assert_null(images_next(s, clock_us() + 119 * SECOND));
	images_free(s);
}

static void
they_go_when_nobody_comes(void **state)
{
	struct images *s = open_images();
	uint64_t now = clock_us() + SECOND;

	(void)state;
	images_saw(s, warm, 1);
	assert_true(make_one(s, now));
	assert_null(images_next(s, now + 301 * SECOND));
	assert_int_equal(pick(s, warm, "main.w"), -1);
	assert_true(images_due_us(s) == IMAGES_NEVER);
	images_free(s);
}

static void
they_are_not_made_between_two_tests(void **state)
{
	struct images *s = open_images();
	uint64_t before = clock_us();

	(void)state;
	images_saw(s, warm, 1);
	images_disturb(s);
	assert_true(images_due_us(s) > before + 10000);
	assert_true(images_due_us(s) < clock_us() + SECOND);
	images_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_can_be_off),
		cmocka_unit_test(a_missing_library_is_said),
		cmocka_unit_test(nothing_is_made_before_it_is_used),
		cmocka_unit_test(the_run_that_makes_one),
		cmocka_unit_test(other_runs_are_not_marked),
		cmocka_unit_test(runs_share_them_evenly),
		cmocka_unit_test(used_ones_are_replaced),
		cmocka_unit_test(failures_are_not_repeated_at_once),
		cmocka_unit_test(they_go_when_nobody_comes),
		cmocka_unit_test(they_are_not_made_between_two_tests),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
