/* Processors that are not numbered from 0 on: all but the first, as far as there are two.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sched.h>

#include "sandbox/cpus.h"

static void
gaps_are_left_out(void **state)
{
	cpu_set_t all, some;
	unsigned number[CPU_SETSIZE], n = 0;

	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
	assert_int_equal(cpus_count(), CPU_COUNT(&all));
	if (CPU_COUNT(&all) < 2)
		skip();
	some = all;
	CPU_CLR(cpus_nth(0), &some);
	for (unsigned i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &some))
			number[n++] = i;
	assert_int_equal(sched_setaffinity(0, sizeof(some), &some), 0);
	assert_int_equal(cpus_count(), n);
	for (unsigned i = 0; i < 2 * n; i++)
		assert_int_equal(cpus_nth(i), number[i % n]);
	assert_int_equal(sched_setaffinity(0, sizeof(all), &all), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(gaps_are_left_out) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
