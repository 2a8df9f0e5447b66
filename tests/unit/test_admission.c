/* Which jobs are taken, on numbers alone; what is told to the others. */
#include "unit.h"

#include "sandbox/admission.h"

#define MOST 30000000ULL /* that one may wait */

static void
some_are_told_to_come_again(void **state)
{
	static const struct {
		const char *what;
		bool keyed; /* somebody with a key was here before */
		struct wire_tenant tenant;
		struct share_view view;
		uint32_t why; /* 0: it is taken */
		uint64_t retry_us;
	} rows[] = {
		{ "nobody waits", false, { 0 }, { 0 }, 0, 0 },
		{ "as long as one may", false, { 0 }, { .wait_us = MOST }, 0, 0 },
		{ "a little longer", false, { 0 }, { .wait_us = MOST + 5 },
		    WIRE_BUSY_WAIT, 1000005 },
		{ "no slot is for it", false, { 0 }, { .wait_us = UINT64_MAX },
		    WIRE_BUSY_WAIT, 61000000 },
		{ "a key's last place", false, { .key = 1, .jobs_max = 4 },
		    { .key_jobs = 3 }, 0, 0 },
		{ "a key has all", false, { .key = 1, .jobs_max = 4 },
		    { .key_jobs = 4, .wait_us = 7 }, WIRE_BUSY_JOBS, 1000007 },
		{ "those without, beside one with a key", true, { .jobs_max = 4 },
		    { .key_jobs = 4 }, WIRE_BUSY_JOBS, 1000000 },
		{ "those without, alone", false, { .jobs_max = 4 }, { .key_jobs = 4 }, 0,
		    0 },
		{ "a user's last place", false, { .user = 1, .jobs_max = 4 },
		    { .user_jobs = 2 }, 0, 0 },
		{ "a user has three quarters", false, { .user = 1, .jobs_max = 4 },
		    { .user_jobs = 3 }, WIRE_BUSY_JOBS, 1000000 },
		{ "nobody knows whose", false, { .jobs_max = 4 }, { .user_jobs = 9 }, 0,
		    0 },
		{ "no bound", true, { .key = 1, .user = 1 },
		    { .key_jobs = 99, .user_jobs = 99 }, 0, 0 },
	};

	(void)state;
	for (unsigned i = 0; i < LENGTH(rows); i++) {
		struct admission a = { .keyed = rows[i].keyed };
		struct wire_ready ready = { 0 };
		struct wire_busy busy = { 0 };
		bool taken = admission_take(
		    &a, &rows[i].tenant, &rows[i].view, MOST, &ready, &busy);

		CHECK_INT(rows[i].what, taken, rows[i].why == 0);
		CHECK_INT(rows[i].what, busy.why, rows[i].why);
		CHECK_INT(rows[i].what, busy.retry_us, rows[i].retry_us);
		CHECK_INT(rows[i].what, a.refused, !taken);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(some_are_told_to_come_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
