/* How long the master waits before it replaces a dead worker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "app/backoff.h"

#define SEC 1000000ULL

static void
an_old_worker_is_replaced_at_once(void **state)
{
	struct backoff b = { 0 };

	(void)state;
	backoff_death(&b, 100 * SEC, BACKOFF_YOUNG_US);
	assert_int_equal(b.until_us, 0);
}

static void
each_round_waits_twice_as_long(void **state)
{
	static const uint64_t waits[] = { 100000, 200000, 400000, 800000, 1600000,
		3200000, 5000000, 5000000, 5000000 };
	struct backoff b = { 0 };
	uint64_t now = 100 * SEC;

	(void)state;
	for (unsigned i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
		backoff_death(&b, now, 1000);
		assert_int_equal(b.until_us - now, waits[i]);
		now = b.until_us;
	}
}

/* Eight workers killed together are one misfortune, not eight. */
static void
deaths_while_waiting_count_once(void **state)
{
	struct backoff b = { 0 };

	(void)state;
	for (unsigned i = 0; i < 8; i++)
		backoff_death(&b, 100 * SEC + i, 1000);
	assert_int_equal(b.until_us, 100 * SEC + 100000);
}

static void
a_long_life_ends_the_series(void **state)
{
	struct backoff b = { 0 };

	(void)state;
	backoff_death(&b, 100 * SEC, 1000);
	backoff_death(&b, 101 * SEC, 1000);
	backoff_death(&b, 200 * SEC, 90 * SEC);
	backoff_death(&b, 201 * SEC, 1000);
	assert_int_equal(b.until_us, 201 * SEC + 100000);
}

/* For a century of crashes the shift must not run over. */
static void
never_overflows(void **state)
{
	struct backoff b = { .rounds = 1000000 };

	(void)state;
	backoff_death(&b, 1, 1);
	assert_int_equal(b.until_us, 1 + BACKOFF_MAX_US);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_old_worker_is_replaced_at_once),
		cmocka_unit_test(each_round_waits_twice_as_long),
		cmocka_unit_test(deaths_while_waiting_count_once),
		cmocka_unit_test(a_long_life_ends_the_series),
		cmocka_unit_test(never_overflows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
