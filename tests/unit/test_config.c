/* The helper's configuration: defaults, and the sentence for what may not be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "sandbox/config.h"

/* Loads a file of this text; path[] gets its name, for messages begin with it. */
static int
load(const char *text, struct config *c, char path[40], struct err *e)
{
	strcpy(path, "/tmp/judgebox-test-XXXXXX");
	int fd = mkstemp(path);

	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	int r = config_load(path, c, e);
	unlink(path);
	return r;
}

/* What stands there commented out is what holds: "#key" is taken for "key".  The paths
 * are the installation's own. */
static void
the_shipped_file_tells_the_defaults(void **state)
{
	const char *top = getenv("SRCDIR");
	char path[400], line[200], text[8192] = "";
	struct config want, c;
	struct err e = { 0 };

	(void)state;
	snprintf(path, sizeof(path), "%s/packaging/common/sandbox.conf",
	    top != NULL ? top : ".");
	FILE *in = fopen(path, "re");
	assert_non_null(in);
	while (fgets(line, sizeof(line), in) != NULL)
		if (line[0] == '#' && strchr(" \n", line[1]) == NULL)
			strncat(text, line + 1, sizeof(text) - strlen(text) - 1);
	fclose(in);
	assert_non_null(strstr(text, "cpu_share"));
	assert_int_equal(load("", &want, path, &e), 0);
	if (load(text, &c, path, &e) == -1)
		fail_msg("%s", e.msg);
	assert_int_equal(c.slots, want.slots);
	assert_int_equal(c.shared_slots, want.shared_slots);
	assert_int_equal(c.jobs_bytes, want.jobs_bytes);
	assert_int_equal(c.max_slots, want.max_slots);
	assert_int_equal(c.idle_timeout, want.idle_timeout);
	assert_int_equal(c.uid_base, want.uid_base);
	assert_int_equal(c.max_wait, want.max_wait);
	assert_int_equal(c.work_inodes, want.work_inodes);
	assert_int_equal(c.cache_bytes, want.cache_bytes);
	assert_string_equal(c.cgroup, want.cgroup);
	assert_string_equal(c.log_level, want.log_level);
	assert_string_equal(c.landlock, want.landlock);
	assert_memory_equal(&c.monitor, &want.monitor, sizeof(c.monitor));
	assert_memory_equal(&c.caps, &want.caps, sizeof(c.caps));
}

static void
mistakes_are_named_with_their_line(void **state)
{
	static const struct {
		const char *text, *msg;
	} cases[] = {
		{ "\nuid_bass = 5;", ":2: unknown key 'uid_bass'" },
		{ "max_slots = 3;\nslots = 4;",
		    ":1: max_slots: 3 is less than slots, which is 4 here" },
		{ "idle_timeout = 0;", ":1: idle_timeout: 0 is outside 100..86400000" },
		{ "uid_base = 0;", ":1: uid_base: 0 is outside 65536..4000000000" },
		{ "\n\nlog_level = \"loud\";",
		    ":3: log_level: 'loud' is none of error, warn, info, debug" },
		{ "caps = {\n cpu_share = 0; };",
		    ":2: cpu_share: must be from 0.001 to 64" },
		{ "launcher = \"judgebox-slot\";",
		    ":1: launcher: 'judgebox-slot' is not an absolute path" },
		{ "socket = \"\";", ":1: socket: '' is not an absolute path" },
		{ "landlock = \"yes\";",
		    ":1: landlock: 'yes' is none of auto, required, off" },
		{ "\nmonitor = { action = \"tell\"; };",
		    ":2: monitor.action: 'tell' is none of record, kill, off" },
		{ "monitor = { syscalls_per_s = 1; };",
		    ":1: syscalls_per_s: 1 is outside 100..1000000000" },
		{ "accept_weaker = \"shared-account\";",
		    ":1: accept_weaker: must be a list of strings" },
		{ "slots = 1;\naccept_weaker = [ \"shared-limits\", \"*\" ];",
		    ":2: accept_weaker: '*' is no name of what may be weaker" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct config c;
		struct err e = { 0 };
		char path[40];

		assert_int_equal(load(cases[i].text, &c, path, &e), -1);
		assert_memory_equal(e.msg, path, strlen(path));
		assert_string_equal(e.msg + strlen(path), cases[i].msg);
	}
}

static void
two_slots_are_spare_unless_told_otherwise(void **state)
{
	static const struct {
		const char *text;
		unsigned slots, all;
	} cases[] = {
		{ "slots = 3;", 3, 5 },
		{ "slots = 3; max_slots = 3;", 3, 3 },
		{ "slots = 1; max_slots = 64;", 1, 64 },
		{ "slots = 63;", 63, CONFIG_SLOTS_MAX },
		{ "slots = 64;", 64, CONFIG_SLOTS_MAX },
	};
	struct config c;
	struct err e = { 0 };
	char path[40];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(load(cases[i].text, &c, path, &e), 0);
		assert_int_equal(config_slots(&c), cases[i].slots);
		assert_int_equal(config_all_slots(&c), cases[i].all);
	}
	assert_int_equal(load("", &c, path, &e), 0);
	assert_in_range(config_slots(&c), 1, CONFIG_SLOTS_MAX);
	assert_true(config_all_slots(&c) > config_slots(&c) ||
		    config_slots(&c) == CONFIG_SLOTS_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_shipped_file_tells_the_defaults),
		cmocka_unit_test(mistakes_are_named_with_their_line),
		cmocka_unit_test(two_slots_are_spare_unless_told_otherwise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
