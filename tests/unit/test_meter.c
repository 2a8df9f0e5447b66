/* Limits written and counters read through plain files that stand for a cgroup's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sandbox/meter.h"

static const struct wire_limits limits = {
	.memory_bytes = 64 << 20, .processes = 8, .cpu_share_milli = 500
};

static void
set(int fd, const char *text)
{
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(pwrite(fd, text, strlen(text), 0), (ssize_t)strlen(text));
}

static void
is(int fd, const char *expected)
{
	char text[128];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	assert_string_equal(text, expected);
}

/* What stands for a control group, and the meter of its boxes. */
struct group {
	int fd[METER_MAX_];
	struct meter_force force;
	struct meter m;
	struct meter_reading r;
	struct err e;
};

static void
open_group(struct group *g, bool v2)
{
	*g = (struct group){ 0 };
	for (int i = 0; i < METER_MAX_; i++) {
		g->fd[i] = memfd_create("meter", MFD_CLOEXEC);
		assert_true(g->fd[i] >= 0);
	}
	set(g->fd[METER_CPU], v2 ? "usage_usec 1000\nuser_usec 1\n" : "1000000\n");
	set(g->fd[METER_MEMORY], "1048576\n");
	set(g->fd[METER_MEMORY_PEAK], "1048576\n");
	set(g->fd[METER_OOM], "oom 9\noom_kill 3\n");
	set(g->fd[METER_PIDS], "2\n");
	set(g->fd[METER_STAT], v2 ? "anon 0\nfile 0\nkernel 0\nshmem 0\n"
				  : "cache 0\nrss 0\nrss_huge 0\nshmem 0\n");
	meter_open(&g->m, g->fd, v2, &g->force);
}

static void
close_group(struct group *g)
{
	for (int i = 0; i < METER_MAX_; i++)
		close(g->fd[i]);
}

/* A box begins, where there are two processes already; it ends. */
static void
begin(struct group *g)
{
	assert_int_equal(meter_start(&g->m, &limits, 2, &g->e), 0);
}

static void
end(struct group *g)
{
	assert_int_equal(meter_stop(&g->m, &g->r, &g->e), 0);
}

static void
v1_limits_and_counters(void **state)
{
	struct group g;

	(void)state;
	open_group(&g, false);
	begin(&g);
	is(g.fd[METER_MEMORY_MAX], "68157440"); /* 64 MiB and what was there, whole MiB */
	is(g.fd[METER_MEMSW_MAX], "68157440");
	is(g.fd[METER_PIDS_MAX], "11"); /* 2 there, the box's init, 8 */
	is(g.fd[METER_CPU_MAX], "50000");

	set(g.fd[METER_CPU], "3500000\n"); /* nanoseconds */
	set(g.fd[METER_MEMORY_PEAK], "6291456\n");
	end(&g);
	assert_int_equal(g.r.cpu_us, 2500);
	assert_int_equal(g.r.memory_bytes, 5 << 20);
	assert_true(g.r.memory_known);
	assert_false(g.r.processes_left);
	close_group(&g);
}

static void
v2_limits_and_counters(void **state)
{
	struct group g;

	(void)state;
	open_group(&g, true);
	set(g.fd[METER_MEMORY_PEAK], "1048576\n");
	begin(&g);
	is(g.fd[METER_CPU_MAX], "50000 100000");
	set(g.fd[METER_CPU], "usage_usec 9000\n");
	set(g.fd[METER_MEMORY_PEAK], "3145728\n");
	set(g.fd[METER_PIDS], "3\n");
	end(&g);
	assert_int_equal(g.r.cpu_us, 8000);
	assert_int_equal(g.r.memory_bytes, 2 << 20);
	assert_true(g.r.processes_left);
	close_group(&g);
}

/* 64 MiB are allowed beside 1 MiB that was there. */
static void
a_kill_is_believed_at_the_groups_own_limit_alone(void **state)
{
	static const struct {
		bool v2;
		const char *peak, *ooms;
		unsigned kills, oom_kills;
	} rows[] = {
		{ false, "68157440", "oom_kill_disable 0\nunder_oom 0\noom_kill 4\n", 1,
		    1 },
		{ false, "67900000", "oom_kill_disable 0\nunder_oom 0\noom_kill 5\n", 2,
		    2 },
		{ false, "40000000", "oom_kill_disable 0\nunder_oom 0\noom_kill 4\n", 1,
		    0 },
		{ false, "68157440", "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n", 0,
		    0 },
		{ true, "68157440", "max 7\noom 10\noom_kill 4\n", 1, 1 },
		{ true, "68157440", "max 7\noom 9\noom_kill 4\n", 1, 0 },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool own = false;
		struct group g;

		open_group(&g, rows[i].v2);
		begin(&g);
		set(g.fd[METER_MEMORY_PEAK], rows[i].peak);
		set(g.fd[METER_OOM], rows[i].ooms);
		end(&g);
		assert_int_equal(g.r.kills, rows[i].kills);
		assert_int_equal(g.r.oom_kills, rows[i].oom_kills);
		assert_int_equal(meter_kills_since(g.fd, 3, &own), rows[i].kills);
		assert_int_equal(own, rows[i].peak[0] == '6');
		set(g.fd[METER_MEMORY_MAX], rows[i].v2 ? "max" : "9223372036854771712");
		meter_kills_since(g.fd, 3, &own);
		assert_false(own); /* as while an artifact is taken */
		close_group(&g);
	}
}

/* 2 there, the box's init, 8: the limit is 11. */
static void
a_process_refused_below_the_limit_was_refused_above(void **state)
{
	static const struct {
		const char *refused, *all, *peak;
		bool above;
	} rows[] = {
		{ "max 3\n", NULL, "5\n", false }, /* none */
		{ "max 4\n", NULL, "11\n", false },
		{ "max 4\n", NULL, "10\n", true },
		{ "max 4\n", NULL, "40\n", false }, /* a box before, of a higher limit */
		{ "max 4\n", NULL, NULL, false },   /* who knows? */
		{ NULL, NULL, "5\n", false },
		{ "max 4\n", "max 7\n", "5\n", false }, /* its own, in v2's words */
		{ "max 3\n", "max 8\n", "11\n", true },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct group g;
		int seen[METER_MAX_];

		open_group(&g, rows[i].all != NULL);
		memcpy(seen, g.fd, sizeof(seen));
		set(g.fd[METER_REFUSED], "max 3\n");
		set(g.fd[METER_REFUSED_ALL], "max 7\n");
		seen[METER_REFUSED] = rows[i].refused != NULL ? g.fd[METER_REFUSED] : -1;
		seen[METER_REFUSED_ALL] =
		    rows[i].all != NULL ? g.fd[METER_REFUSED_ALL] : -1;
		seen[METER_PIDS_PEAK] = rows[i].peak != NULL ? g.fd[METER_PIDS_PEAK] : -1;
		meter_open(&g.m, seen, rows[i].all != NULL, &g.force);
		begin(&g);
		if (rows[i].refused != NULL)
			set(g.fd[METER_REFUSED], rows[i].refused);
		if (rows[i].all != NULL)
			set(g.fd[METER_REFUSED_ALL], rows[i].all);
		if (rows[i].peak != NULL)
			set(g.fd[METER_PIDS_PEAK], rows[i].peak);
		end(&g);
		if (g.r.refused != rows[i].above)
			fail_msg("row %u", i);
		close_group(&g);
	}
}

static void
who_is_just_ending_leaves_no_place(void **state)
{
	struct group g;

	(void)state;
	open_group(&g, false);
	set(g.fd[METER_PIDS], "5\n");
	assert_int_equal(meter_start(&g.m, &limits, 3, &g.e), 0);
	is(g.fd[METER_PIDS_MAX], "12"); /* 3 that stay, the box's init, 8 */
	close_group(&g);
}

static void
a_limit_in_force_is_not_written_again(void **state)
{
	struct group g;

	(void)state;
	open_group(&g, false);
	begin(&g);
	set(g.fd[METER_MEMORY_MAX], "untouched");
	begin(&g);
	is(g.fd[METER_MEMORY_MAX], "untouched");
	g.force.memory_max = 0; /* as a launcher leaves it that is killed while writing */
	begin(&g);
	is(g.fd[METER_MEMORY_MAX], "68157440d"); /* files do not shrink as cgroup's do */
	close_group(&g);
}

static void
a_share_too_small_for_the_kernel_is_the_smallest(void **state)
{
	const struct wire_limits small = {
		.memory_bytes = 1 << 20, .processes = 1, .cpu_share_milli = 1
	};
	struct group g;

	(void)state;
	open_group(&g, true);
	assert_int_equal(meter_start(&g.m, &small, 2, &g.e), 0);
	is(g.fd[METER_CPU_MAX], "1000 100000");
	close_group(&g);
}

static void
a_share_ends_with_its_box(void **state)
{
	struct group g;

	(void)state;
	open_group(&g, true);
	begin(&g);
	is(g.fd[METER_CPU_MAX], "50000 100000");
	end(&g);
	is(g.fd[METER_CPU_MAX], "max 10000000"); /* files do not shrink as cgroup's do */
	begin(&g);
	is(g.fd[METER_CPU_MAX], "50000 100000");
	close_group(&g);
}

static void
the_last_boxs_memory_limit_does_not_hold_the_next(void **state)
{
	struct group g;

	(void)state;
	open_group(&g, false);
	assert_int_equal(meter_relax(&g.m, &g.e), 0);
	is(g.fd[METER_MEMORY_MAX], ""); /* nothing is in force yet */
	begin(&g);
	set(g.fd[METER_MEMORY_MAX], "");
	set(g.fd[METER_MEMSW_MAX], "");
	assert_int_equal(meter_relax(&g.m, &g.e), 0);
	is(g.fd[METER_MEMORY_MAX], "-1");
	is(g.fd[METER_MEMSW_MAX], "-1");
	begin(&g);
	is(g.fd[METER_MEMORY_MAX], "68157440");
	close_group(&g);
}

/* 64 MiB allowed beside 256 MiB that others left in caches. */
static void
what_the_kernel_gave_up_for_a_box_is_the_boxs(void **state)
{
	const struct {
		const char *peak, *after;
		unsigned mib;
		bool over;
	} cases[] = {
		{ "335544320", "268435456", 64, false }, /* nothing was given up */
		{ "335544320", "251658240", 80, true },
		{ "335544320", "266338304", 66, false }, /* within the slack */
		{ "318767104", "251658240", 48, false }, /* it never was at its limit */
		{ "335544320", "301989888", 64, false }, /* it left some itself */
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct group g;

		open_group(&g, false);
		set(g.fd[METER_MEMORY], "268435456\n");
		begin(&g);
		set(g.fd[METER_MEMORY_PEAK], cases[i].peak);
		set(g.fd[METER_MEMORY], cases[i].after);
		end(&g);
		assert_int_equal(g.r.memory_bytes >> 20, cases[i].mib);
		assert_int_equal(g.r.over_limit, cases[i].over);
		close_group(&g);
	}
}

static void
a_peak_below_the_kernels_grain_is_not_believed(void **state)
{
	struct group g;

	(void)state;
	open_group(&g, false);
	begin(&g);
	set(g.fd[METER_MEMORY_PEAK], "1310720\n");
	end(&g);
	assert_false(g.r.memory_known);
	close_group(&g);
}

static void
a_missing_counter_is_named(void **state)
{
	struct group g;

	(void)state;
	open_group(&g, true);
	set(g.fd[METER_CPU], "nonsense\n");
	assert_int_equal(meter_start(&g.m, &limits, 2, &g.e), -1);
	assert_string_equal(g.e.msg, "no 'usage_usec ' in cpu time of the cgroup");
	close_group(&g);
}

static void
caches_of_names_are_given_up_when_they_are_many(void **state)
{
	static const struct {
		bool v2;
		const char *kernel, *written;
	} rows[] = {
		{ false, "10000000\n", "" },
		{ false, "120000000\n", "0" },
		{ true, "anon 1\nfile 2\nkernel 10000000\nkernel_stack 3\n", "" },
		{ true, "anon 1\nfile 2\nkernel 120000000\nkernel_stack 3\n",
		    "119000000" },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct group g;

		open_group(&g, rows[i].v2);
		g.force.kernel_rest = 1000000;
		begin(&g);
		set(g.fd[METER_MEMORY], "150000000\n");
		set(g.fd[METER_KERNEL], rows[i].kernel);
		end(&g);
		is(g.fd[METER_SHED], rows[i].written);
		/* what did not go is in use: it is not asked for again */
		set(g.fd[METER_SHED], "");
		end(&g);
		is(g.fd[METER_SHED], "");
		close_group(&g);
	}
}

/* 64 MiB allowed, beside files in the page cache (4 MiB of them may be anything). */
static void
caches_of_earlier_boxes_do_not_raise_the_limit(void **state)
{
	static const struct {
		bool v2;
		const char *now, *stat, *limit, *shed;
	} rows[] = {
		{ false, "67108864\n", "cache 38797312\nrss 1\nshmem 1048576\n",
		    "100663296", "" }, /* 64 of which 32 */
		{ true, "67108864\n", "anon 1\nfile 38797312\nx 1\nshmem 1048576\n",
		    "100663296", "" },
		{ false, "33554432\n", "cache 33554432\nrss 1\nshmem 0\n", "100663296",
		    "" }, /* too little to look at */
		/* the kernel gives up what leaves less than half of the limit; as it
		 * does not here, the box has its half */
		{ true, "268435456\n", "anon 1\nfile 264241152\nx 1\nshmem 0\n",
		    "301989888", "226492416" },
		{ false, "268435456\n", "cache 264241152\nrss 1\nshmem 0\n", "301989888",
		    "" },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct group g;

		open_group(&g, rows[i].v2);
		set(g.fd[METER_MEMORY], rows[i].now);
		set(g.fd[METER_STAT], rows[i].stat);
		begin(&g);
		is(g.fd[METER_MEMORY_MAX], rows[i].limit);
		is(g.fd[METER_SHED], rows[i].shed);
		close_group(&g);
	}
}

static void
caches_are_looked_at_when_they_may_have_changed(void **state)
{
	static const struct {
		const char *now, *stat;
		unsigned mib; /* of the limit */
	} rows[] = {
		{ "67108864\n", "cache 38797312\nrss 1\nshmem 1048576\n", 96 },
		{ "75497472\n", "", 104 }, /* 8 MiB more, of whatever kind */
		{ "65011712\n", "", 96 },  /* 2 less, which were files */
		{ "62914560\n", "", 96 },  /* 4 less */
		{ "58720256\n", "cache 4194304\nrss 1\nshmem 0\n", 120 },
		{ "104857600\n", "cache 37748736\nrss 1\nshmem 0\n", 132 },
	};
	struct group g;

	(void)state;
	open_group(&g, false);
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char limit[24];

		set(g.fd[METER_MEMORY], rows[i].now);
		set(g.fd[METER_STAT], rows[i].stat);
		set(g.fd[METER_MEMORY_MAX], "");
		g.force.memory_max = 0;
		begin(&g);
		snprintf(limit, sizeof(limit), "%u", rows[i].mib << 20);
		is(g.fd[METER_MEMORY_MAX], limit);
	}
	close_group(&g);
}

/* What lies in memory when there is no /work: 10 MiB at first. */
static void
files_that_outlive_their_box_are_seen(void **state)
{
	static const struct {
		const char *now, *stat;
		int result;
	} rows[] = {
		{ "41943040", "", 0 }, /* not so much more */
		{ "268435456", "anon 1\nshmem 1048576\nzswap 0\n", 0 }, /* caches */
		{ "268435456", "", 0 }, /* the same ones */
		{ "10485760", "", 0 },  /* which went */
		{ "52428800", "anon 1\nshmem 41943040\nzswap 0\n", -1 },
	};
	struct group g;

	(void)state;
	open_group(&g, true);
	set(g.fd[METER_MEMORY], "10485760\n");
	assert_int_equal(meter_check_rest(&g.m, &g.e), 0);
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		set(g.fd[METER_MEMORY], rows[i].now);
		set(g.fd[METER_STAT], rows[i].stat);
		assert_int_equal(meter_check_rest(&g.m, &g.e), rows[i].result);
	}
	assert_string_equal(g.e.msg, "40 MiB of files outlived their box");
	close_group(&g);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(v1_limits_and_counters),
		cmocka_unit_test(v2_limits_and_counters),
		cmocka_unit_test(a_kill_is_believed_at_the_groups_own_limit_alone),
		cmocka_unit_test(a_process_refused_below_the_limit_was_refused_above),
		cmocka_unit_test(who_is_just_ending_leaves_no_place),
		cmocka_unit_test(a_limit_in_force_is_not_written_again),
		cmocka_unit_test(a_share_too_small_for_the_kernel_is_the_smallest),
		cmocka_unit_test(a_share_ends_with_its_box),
		cmocka_unit_test(the_last_boxs_memory_limit_does_not_hold_the_next),
		cmocka_unit_test(what_the_kernel_gave_up_for_a_box_is_the_boxs),
		cmocka_unit_test(a_peak_below_the_kernels_grain_is_not_believed),
		cmocka_unit_test(a_missing_counter_is_named),
		cmocka_unit_test(caches_of_names_are_given_up_when_they_are_many),
		cmocka_unit_test(caches_of_earlier_boxes_do_not_raise_the_limit),
		cmocka_unit_test(caches_are_looked_at_when_they_may_have_changed),
		cmocka_unit_test(files_that_outlive_their_box_are_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
