/* Which of the groups above the slots bounds them all. */
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

#include "app/room.h"

#define MACHINE 8000
#define SERVICE "/judgebox.slice/judgebox-sandbox.service"

/* Groups from the top down, and the text of each one's file; NULL: it has none. */
static const char *const groups[] = { "", "/judgebox.slice", SERVICE, SERVICE "/slot0" };
#define GROUPS (sizeof(groups) / sizeof(groups[0]))

static void
path_of(char out[300], const char *dir, size_t i, const char *file)
{
	snprintf(out, 300, "%.100s%s%s", dir, groups[i], file);
}

static struct room
room_with(const char *const limits[GROUPS], const char *group)
{
	char dir[] = "/tmp/judgebox-room-XXXXXX", path[300];
	struct room r = { MACHINE, "the machine" };

	assert_non_null(mkdtemp(dir));
	for (size_t i = 0; i < GROUPS; i++) {
		path_of(path, dir, i, "");
		assert_true(i == 0 || mkdir(path, 0700) == 0);
		path_of(path, dir, i, "/memory.max");
		FILE *f = limits[i] != NULL ? fopen(path, "we") : NULL;
		assert_true(limits[i] == NULL || (f != NULL && fputs(limits[i], f) > 0));
		if (f != NULL)
			fclose(f);
	}
	room_narrow(&r, dir, group, "memory.max");
	for (size_t i = GROUPS; i-- > 0;) {
		path_of(path, dir, i, "/memory.max");
		unlink(path);
		path_of(path, dir, i, "");
		assert_int_equal(rmdir(path), 0);
	}
	return r;
}

static void
the_smallest_bound_above_the_slots_counts(void **state)
{
	static const struct {
		const char *limits[GROUPS], *group;
		uint64_t bytes;
		const char *where;
	} cases[] = {
		{ { NULL, "max\n", "max\n", "100\n" }, SERVICE "/slot0", MACHINE,
		    "the machine" },
		{ { NULL, "6400\n", "max\n", "100\n" }, SERVICE "/slot0", 6400,
		    "judgebox.slice" },
		{ { NULL, "6400\n", "6000\n", "100\n" }, SERVICE "/slot0/box", 6000,
		    "judgebox.slice/judgebox-sandbox.service" },
		{ { NULL, "6000\n", "6400\n", NULL }, SERVICE, 6000, "judgebox.slice" },
		{ { NULL, "6400\n", NULL, NULL }, SERVICE "/supervisor", 6400,
		    "judgebox.slice" },
		/* of version 1, which has a number for "none" */
		{ { "9223372036854771712\n", "9223372036854771712\n", NULL, NULL },
		    "/judgebox.slice", MACHINE, "the machine" },
		{ { "5000\n", NULL, NULL, NULL }, "/", 5000, "/" },
		{ { "5000\n", "6000\n", NULL, NULL }, "/judgebox.slice", 5000, "/" },
		{ { NULL, "\n", NULL, NULL }, "/judgebox.slice", MACHINE, "the machine" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct room r = room_with(cases[i].limits, cases[i].group);

		assert_int_equal(r.bytes, cases[i].bytes);
		assert_string_equal(r.where, cases[i].where);
	}
}

static void
a_process_is_in_the_group_that_counts_its_memory(void **state)
{
	static const struct {
		const char *text, *path;
		bool found, v2;
	} cases[] = {
		{ "0::/judgebox.slice/x\n", "/judgebox.slice/x", true, true },
		{ "5:pids:/p\n4:memory:/m/slot1\n3:cpu,cpuacct:/c\n0::/u\n", "/m/slot1",
		    true, false },
		{ "0::/u\n4:hugetlb,memory:/m\n", "/m", true, false },
		{ "4:memory_of_old:/m\n1:name=systemd:/s\n0::/u\n", "/u", true, true },
		{ "5:pids:/p\n", "", false, false },
		{ "", "", false, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct room_group g = { 0 };

		assert_int_equal(room_group_of(cases[i].text, &g), cases[i].found);
		assert_string_equal(g.path, cases[i].path);
		assert_int_equal(g.v2, cases[i].v2);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_smallest_bound_above_the_slots_counts),
		cmocka_unit_test(a_process_is_in_the_group_that_counts_its_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
