/* Which language is worth being prepared for, from a made-up day. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sandbox/warmth.h"

#define SECOND 1000000ULL
#define START  (1000 * SECOND)
#define MOST   4

enum { C, PYTHON, JAVA, LANGUAGES };

static struct warmth *
make(void)
{
	struct err e = { 0 };
	struct warmth *w = warmth_new(LANGUAGES, &e);

	assert_non_null(w);
	return w;
}

static void
nothing_is_known_at_first(void **state)
{
	struct warmth *w = make();

	(void)state;
	for (unsigned l = 0; l < LANGUAGES; l++) {
		assert_true(warmth_confidence(w, l, START) == 0);
		assert_int_equal(warmth_wanted(w, l, MOST, START), 0);
	}
	warmth_free(w);
}

static void
the_only_language_is_certain(void **state)
{
	struct warmth *w = make();

	(void)state;
	warmth_saw(w, PYTHON, 0, START);
	assert_true(warmth_confidence(w, PYTHON, START) > 0.99);
	assert_int_equal(warmth_wanted(w, PYTHON, MOST, START), MOST);
	assert_int_equal(warmth_wanted(w, C, MOST, START), 0);
	assert_int_equal(warmth_wanted(w, PYTHON, 0, START), 0);
	warmth_free(w);
}

static void
it_is_given_up_after_five_idle_minutes(void **state)
{
	struct warmth *w = make();

	(void)state;
	warmth_saw(w, PYTHON, 7, START);
	assert_int_equal(
	    warmth_wanted(w, PYTHON, MOST, START + WARMTH_IDLE_US - 1), MOST);
	assert_int_equal(warmth_wanted(w, PYTHON, MOST, START + WARMTH_IDLE_US), 0);
	assert_true(warmth_confidence(w, PYTHON, START + WARMTH_IDLE_US) == 0);
	warmth_free(w);
}

/* One in three is no reason to be sure, and none to be cold. */
static void
one_of_several_is_half_wanted(void **state)
{
	struct warmth *w = make();

	(void)state;
	for (unsigned i = 0; i < 30; i++)
		warmth_saw(w, i % LANGUAGES, 0, START + i);
	for (unsigned l = 0; l < LANGUAGES; l++) {
		double c = warmth_confidence(w, l, START + 30);

		assert_true(c > 0.3 && c < 0.4);
		assert_int_equal(warmth_wanted(w, l, MOST, START + 30), MOST / 2);
		assert_int_equal(warmth_wanted(w, l, 1, START + 30), 1);
	}
	warmth_free(w);
}

static void
recent_use_counts_more(void **state)
{
	struct warmth *w = make();

	(void)state;
	for (unsigned i = 0; i < 8; i++)
		warmth_saw(w, C, 0, START);
	for (unsigned i = 0; i < 4; i++)
		warmth_saw(w, JAVA, 0, START + 200 * SECOND);
	assert_true(warmth_confidence(w, JAVA, START + 200 * SECOND) > WARMTH_CONFIDENT);
	warmth_free(w);
}

/* They are here, and this is what they do, though it was long ago that they did it. */
static void
users_are_known_by_their_habits(void **state)
{
	struct warmth *w = make();

	(void)state;
	for (unsigned u = 1; u <= 20; u++)
		for (unsigned i = 0; i < 12; i++)
			warmth_saw(w, PYTHON, u, START);
	uint64_t later = START + 2 * WARMTH_IDLE_US;
	assert_int_equal(warmth_wanted(w, PYTHON, MOST, later), 0);
	for (unsigned u = 1; u <= 20; u++)
		warmth_saw(w, C, u, later);
	/* one job in C has not made them forget; it is C that was used */
	assert_true(warmth_confidence(w, PYTHON, later) > 0.5);
	assert_int_equal(warmth_wanted(w, C, MOST, later), MOST / 2);
	warmth_free(w);
}

/* The habit of those who are there can be enough, without any recent use. */
static void
a_habit_alone_can_convince(void **state)
{
	struct warmth *w = make();

	(void)state;
	for (unsigned i = 0; i < 40; i++)
		warmth_saw(w, PYTHON, 5, START);
	uint64_t later = START + 2 * WARMTH_IDLE_US;
	warmth_saw(w, C, 0, later); /* somebody unknown */
	assert_int_equal(warmth_wanted(w, PYTHON, MOST, later), 0);
	for (unsigned u = 100; u < 100 + 40; u++)
		for (unsigned i = 0; i < 40; i++)
			warmth_saw(w, PYTHON, u, later - WARMTH_IDLE_US / 2);
	assert_int_equal(warmth_wanted(w, PYTHON, MOST, later), MOST);
	warmth_free(w);
}

/* More users than there are places for: the last ones are known. */
static void
users_come_and_go(void **state)
{
	struct warmth *w = make();

	(void)state;
	for (uint64_t u = 1; u < 20000; u++)
		warmth_saw(w, (unsigned)(u < 10000 ? C : JAVA), u, START + u * 10000);
	uint64_t now = START + 20000 * 10000ULL;
	assert_true(warmth_confidence(w, JAVA, now) > WARMTH_CONFIDENT);
	assert_true(
	    warmth_confidence(w, JAVA, now) + warmth_confidence(w, C, now) < 1.01);
	warmth_free(w);
}

static void
numbers_beyond_the_languages_are_nothing(void **state)
{
	struct warmth *w = make();

	(void)state;
	warmth_saw(w, LANGUAGES, 1, START);
	assert_true(warmth_confidence(w, LANGUAGES, START) == 0);
	assert_int_equal(warmth_wanted(w, LANGUAGES, MOST, START), 0);
	warmth_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_known_at_first),
		cmocka_unit_test(the_only_language_is_certain),
		cmocka_unit_test(it_is_given_up_after_five_idle_minutes),
		cmocka_unit_test(one_of_several_is_half_wanted),
		cmocka_unit_test(recent_use_counts_more),
		cmocka_unit_test(users_are_known_by_their_habits),
		cmocka_unit_test(a_habit_alone_can_convince),
		cmocka_unit_test(users_come_and_go),
		cmocka_unit_test(numbers_beyond_the_languages_are_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
