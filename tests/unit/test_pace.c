/* What runs usually take: by language, by limit, and not by the last one alone. */
#include "unit.h"

#include "sandbox/pace.h"

#define SECOND 1000000ULL
#define NOW    (1000 * SECOND)

static void
what_was_never_seen_is_guessed(void **state)
{
	struct pace p = { 0 };

	(void)state;
	assert_in_range(pace_test(&p, 3 * SECOND, NOW), 1000, SECOND);
	assert_in_range(pace_compile(&p, NOW), 1000, 5 * SECOND);
	pace_learn_test(&p, SECOND, 7000, NOW);
	CHECK_INT(
	    "another limit: as the language", pace_test(&p, 60 * SECOND, NOW), 7001);
	CHECK_INT("no limit known", pace_test(&p, 0, NOW), 7001);
}

static void
limits_are_apart(void **state)
{
	struct pace p = { 0 };

	(void)state;
	for (unsigned i = 0; i < 200; i++) {
		pace_learn_test(&p, SECOND, 10000, NOW);
		pace_learn_test(&p, 10 * SECOND, 5 * SECOND, NOW);
		pace_learn_compile(&p, 300000, NOW);
	}
	assert_in_range(pace_test(&p, SECOND, NOW), 9900, 10100);
	assert_in_range(
	    pace_test(&p, 10 * SECOND, NOW), 49 * SECOND / 10, 51 * SECOND / 10);
	assert_in_range(pace_compile(&p, NOW), 299000, 301000);
	assert_true(
	    pace_test(&p, 1, NOW) == pace_test(&p, 0, NOW)); /* a class without runs */
	assert_true(pace_test(&p, 3600 * SECOND, NOW) == pace_test(&p, 0, NOW));
}

static void
one_loop_without_end_is_not_the_rule(void **state)
{
	struct pace p = { 0 };

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		pace_learn_test(&p, 3 * SECOND, 5000, NOW);
	pace_learn_test(&p, 3 * SECOND, 3 * SECOND, NOW);
	assert_in_range(pace_test(&p, 3 * SECOND, NOW), 100000, 200000);
	for (unsigned i = 0; i < 100; i++)
		pace_learn_test(&p, 3 * SECOND, 5000, NOW);
	assert_in_range(pace_test(&p, 3 * SECOND, NOW), 5000, 6000);
}

/* Last night's loops are not this morning's exercise. */
static void
what_was_long_ago_is_forgotten(void **state)
{
	struct pace p = { 0 };
	uint64_t start = pace_test(&p, 10 * SECOND, NOW);
	uint64_t soon = NOW + PACE_HALF_US, morning = NOW + 36000 * SECOND;

	(void)state;
	for (unsigned i = 0; i < 20; i++) {
		pace_learn_test(&p, 10 * SECOND, 10 * SECOND, NOW);
		pace_learn_compile(&p, 10 * SECOND, NOW);
	}
	CHECK_INT("ten minutes", pace_test(&p, 10 * SECOND, soon), 10 * SECOND + 1);
	CHECK_INT("a night", pace_test(&p, 10 * SECOND, morning), start);
	CHECK_INT("of all", pace_test(&p, 0, morning), start);
	assert_true(pace_compile(&p, morning) < SECOND);
	/* and what is half forgotten is corrected faster */
	struct pace at_once = p;
	for (unsigned i = 0; i < 10; i++) {
		pace_learn_test(&p, 10 * SECOND, 5000, soon);
		pace_learn_test(&at_once, 10 * SECOND, 5000, NOW);
	}
	assert_true(pace_test(&p, 10 * SECOND, soon) * 10 <
		    pace_test(&at_once, 10 * SECOND, NOW) * 9);
	pace_learn_test(&p, 10 * SECOND, 5000, morning);
	CHECK_INT("a new day", pace_test(&p, 10 * SECOND, morning), 5001);
}

static void
nothing_is_learned_too(void **state)
{
	struct pace p = { 0 };

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		pace_learn_test(&p, SECOND, 0, NOW);
		pace_learn_compile(&p, 0, NOW);
	}
	assert_in_range(pace_test(&p, SECOND, NOW), 1, 20);
	assert_in_range(pace_compile(&p, NOW), 1, 20);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_never_seen_is_guessed),
		cmocka_unit_test(limits_are_apart),
		cmocka_unit_test(one_loop_without_end_is_not_the_rule),
		cmocka_unit_test(what_was_long_ago_is_forgotten),
		cmocka_unit_test(nothing_is_learned_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
