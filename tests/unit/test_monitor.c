/* What a monitor makes of figures: windows of a second, bursts, and what follows. */
#include "unit.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/scope.h"
#include "sandbox/monitor.h"

#define MIB(n) ((uint64_t)(n) << 20)

static struct monitor
start(enum monitor_action action, int proc)
{
	struct monitor_rules rules = {
		.action = action, .syscalls_per_s = 10000, .memory_per_s = MIB(100)
	};
	struct monitor m;

	monitor_open(&m, &rules, proc);
	monitor_start(&m, 1000000);
	return m;
}

/* Growth counts within any second, not over the whole run. */
static void
memory_is_looked_at_second_by_second(void **state)
{
	static const struct {
		const char *what;
		unsigned mb[12]; /* one look each 200 ms */
		unsigned peak, growth;
	} cases[] = {
		{ "slow", { 10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110, 120 }, 120,
		    50 },
		{ "all at once",
		    { 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150, 150 }, 150,
		    150 },
		{ "late", { 0, 0, 0, 0, 0, 0, 0, 0, 60, 120, 120, 120 }, 120, 120 },
		{ "between two looks", { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }, 200, 200 },
		{ "half of it after the last look",
		    { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 90 }, 180, 180 },
		{ "to and fro", { 90, 10, 90, 10, 90, 10, 90, 10, 90, 10, 90, 10 }, 90,
		    90 },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct wire_outcome o = { .violation = -1, .wall_us = 2600000 };
		struct monitor m = start(MONITOR_RECORD, -1);

		for (unsigned n = 0; n < 12; n++) {
			uint64_t now = m.next_us;

			CHECK_INT(cases[i].what, now, 1000000 + (n + 1) * 200000);
			assert_false(monitor_sample(&m, now, MIB(cases[i].mb[n])));
		}
		monitor_stop(&m, 0, MIB(cases[i].peak), &o);
		CHECK_INT(cases[i].what, o.growth_per_s >> 20, cases[i].growth);
		CHECK_INT(cases[i].what, o.noticed,
		    cases[i].growth > 100 ? WIRE_NOTICED_MEMORY : 0);
		CHECK_INT(cases[i].what, o.violation, -1);
	}
}

static void
kill_is_told_at_once(void **state)
{
	struct wire_outcome o = { .violation = -1 };
	struct monitor m = start(MONITOR_KILL, -1);

	(void)state;
	assert_false(monitor_sample(&m, 1200000, MIB(90)));
	assert_true(monitor_sample(&m, 1400000, MIB(101)));
	monitor_stop(&m, 0, MIB(101), &o);
	CHECK_INT("violation", o.violation, WIRE_VIOLATION_MEMORY);
	o = (struct wire_outcome){ .violation = 101 };
	monitor_stop(&m, 0, MIB(101), &o);
	CHECK_INT("the first one stays", o.violation, 101);
}

static void
off_sees_nothing(void **state)
{
	struct wire_outcome o = { .violation = -1 };
	struct monitor m = start(MONITOR_OFF, -1);

	(void)state;
	assert_true(m.next_us == UINT64_MAX);
	monitor_stop(&m, 1000000, MIB(1000), &o);
	CHECK_INT("noticed", o.noticed, 0);
}

/* A child's calls are in its parent's figures once it is reaped, and not before. */
static void
calls_are_those_of_the_reaped(void **state)
{
	static const struct {
		uint64_t wall_us;
		unsigned at_least, at_most;
		uint32_t noticed;
	} cases[] = {
		{ 100000, 12000, 12100, WIRE_NOTICED_SYSCALLS },
		{ 1000000, 12000, 12100, WIRE_NOTICED_SYSCALLS },
		{ 2000000, 6000, 6050, 0 },
	};
	scope_fd proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	if (access("/proc/self/io", R_OK) == -1)
		skip(); /* a kernel without CONFIG_TASK_IO_ACCOUNTING */
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct wire_outcome o = { .violation = -1, .wall_us = cases[i].wall_us };
		struct monitor m = start(MONITOR_RECORD, proc);
		pid_t pid = fork();

		if (pid == 0) {
			int null = open("/dev/null", O_WRONLY);

			for (int n = 0; n < 12000; n++)
				if (write(null, "x", 1) != 1)
					_exit(1);
			_exit(0);
		}
		siginfo_t info;
		assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
		monitor_before_reaping(&m, 1000000 + cases[i].wall_us);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		monitor_stop(&m, 0, 0, &o);
		assert_in_range(o.syscalls_per_s, cases[i].at_least, cases[i].at_most);
		CHECK_INT("noticed", o.noticed, cases[i].noticed);
	}
}

static void
short_runs_are_not_counted(void **state)
{
	struct wire_outcome o = { .violation = -1, .wall_us = 4000 };
	scope_fd proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct monitor m = start(MONITOR_RECORD, proc);

	(void)state;
	monitor_before_reaping(&m, 1004000);
	monitor_stop(&m, 50000, 0, &o);
	CHECK_INT("rate", o.syscalls_per_s, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_is_looked_at_second_by_second),
		cmocka_unit_test(kill_is_told_at_once),
		cmocka_unit_test(off_sees_nothing),
		cmocka_unit_test(calls_are_those_of_the_reaped),
		cmocka_unit_test(short_runs_are_not_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
