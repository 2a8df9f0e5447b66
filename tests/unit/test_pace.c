/* What runs usually take: by language, by limit, and not by the last one alone. */
#include "unit.h"

#include "sandbox/pace.h"

#define SECOND 1000000ULL

static void
what_was_never_seen_is_guessed(void **state)
{
	struct pace p = { 0 };

	(void)state;
	assert_in_range(pace_test(&p, 3 * SECOND), 1000, SECOND);
	assert_in_range(pace_compile(&p), 1000, 5 * SECOND);
	pace_learn_test(&p, SECOND, 7000);
	CHECK_INT("another limit: as the language", pace_test(&p, 60 * SECOND), 7001);
	CHECK_INT("no limit known", pace_test(&p, 0), 7001);
}

static void
limits_are_apart(void **state)
{
	struct pace p = { 0 };

	(void)state;
	for (unsigned i = 0; i < 200; i++) {
		pace_learn_test(&p, SECOND, 10000);
		pace_learn_test(&p, 10 * SECOND, 5 * SECOND);
		pace_learn_compile(&p, 300000);
	}
	assert_in_range(pace_test(&p, SECOND), 9900, 10100);
	assert_in_range(pace_test(&p, 10 * SECOND), 49 * SECOND / 10, 51 * SECOND / 10);
	assert_in_range(pace_compile(&p), 299000, 301000);
	assert_true(pace_test(&p, 1) == pace_test(&p, 0)); /* a class without runs */
	assert_true(pace_test(&p, 3600 * SECOND) == pace_test(&p, 0));
}

static void
one_loop_without_end_is_not_the_rule(void **state)
{
	struct pace p = { 0 };

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		pace_learn_test(&p, 3 * SECOND, 5000);
	pace_learn_test(&p, 3 * SECOND, 3 * SECOND);
	assert_in_range(pace_test(&p, 3 * SECOND), 100000, 200000);
	for (unsigned i = 0; i < 100; i++)
		pace_learn_test(&p, 3 * SECOND, 5000);
	assert_in_range(pace_test(&p, 3 * SECOND), 5000, 6000);
}

static void
nothing_is_learned_too(void **state)
{
	struct pace p = { 0 };

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		pace_learn_test(&p, SECOND, 0);
		pace_learn_compile(&p, 0);
	}
	assert_in_range(pace_test(&p, SECOND), 1, 20);
	assert_in_range(pace_compile(&p), 1, 20);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_never_seen_is_guessed),
		cmocka_unit_test(limits_are_apart),
		cmocka_unit_test(one_loop_without_end_is_not_the_rule),
		cmocka_unit_test(nothing_is_learned_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
