/* The configuration: what it may say, and the sentence for what it may not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "app/settings.h"
#include "tree.h"

struct fixture {
	char dir[40], main[64], conf_d[64];
};

static void
put_file(const char *dir, const char *name, const char *text)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	FILE *f = fopen(path, "we");
	assert_non_null(f);
	assert_int_equal(fputs(text, f) >= 0, 1);
	fclose(f);
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	snprintf(f->dir, sizeof(f->dir), "/tmp/jb-settings-XXXXXX");
	if (mkdtemp(f->dir) == NULL)
		return -1;
	snprintf(f->main, sizeof(f->main), "%s/m.conf", f->dir);
	snprintf(f->conf_d, sizeof(f->conf_d), "%s/conf.d", f->dir);
	mkdir(f->conf_d, 0755);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	int rc = tree_remove(f->dir);
	free(f);
	return rc;
}

static void
an_empty_file_is_the_built_in_site(void **state)
{
	const struct fixture *f = *state;
	struct settings s;
	struct err e = { 0 };

	put_file(f->dir, "m.conf", "");
	assert_int_equal(settings_load(f->main, &s, &e), 0);
	assert_int_equal(s.workers, 0);
	assert_int_equal(s.max_workers, 0);
	assert_int_equal(s.idle_timeout, 300000);
	assert_int_equal(s.requests_per_worker, 10000);
	assert_int_equal(s.drain_timeout, 70000);
	assert_string_equal(s.socket_group, "www-data");
	assert_int_equal(s.site.max_body_bytes, 1 << 20);
	assert_int_equal(s.site.nprofiles, 5);
}

/* What stands there commented out is what holds: "#key" is taken for "key". */
static void
the_shipped_file_tells_the_defaults(void **state)
{
	const struct fixture *f = *state;
	const char *top = getenv("SRCDIR");
	struct settings want, s;
	struct err e = { 0 };
	char path[400], line[200], text[16384] = "";

	snprintf(path, sizeof(path), "%s/packaging/common/judgebox.conf",
	    top != NULL ? top : ".");
	FILE *in = fopen(path, "re");
	assert_non_null(in);
	while (fgets(line, sizeof(line), in) != NULL)
		if (line[0] == '#' && strchr(" \n", line[1]) == NULL)
			strncat(text, line + 1, sizeof(text) - strlen(text) - 1);
	fclose(in);
	put_file(f->dir, "m.conf", text);
	settings_defaults(&want);
	if (settings_load(f->main, &s, &e) == -1)
		fail_msg("%s", e.msg);
	assert_non_null(strstr(text, "slack_ms"));
	assert_int_equal(s.workers, want.workers);
	assert_int_equal(s.max_workers, want.max_workers);
	assert_int_equal(s.idle_timeout, want.idle_timeout);
	assert_int_equal(s.requests_per_worker, want.requests_per_worker);
	assert_int_equal(s.drain_timeout, want.drain_timeout);
	assert_string_equal(s.log_level, want.log_level);
	assert_int_equal(s.site.max_body_bytes, want.site.max_body_bytes);
	assert_int_equal(s.site.max_source_bytes, want.site.max_source_bytes);
	assert_int_equal(s.site.max_tests, want.site.max_tests);
	assert_int_equal(s.site.max_answer_bytes, want.site.max_answer_bytes);
	assert_int_equal(s.site.cors_origins.count, 0);
	assert_memory_equal(&s.site.cap, &want.site.cap, sizeof(s.site.cap));
	assert_memory_equal(
	    &s.site.compile_cap, &want.site.compile_cap, sizeof(s.site.cap));
	assert_int_equal(s.site.nprofiles, want.site.nprofiles);
	const struct profile *p = &s.site.profiles[0], *q = &want.site.profiles[0];
	assert_memory_equal(&p->run, &q->run, sizeof(p->run));
	assert_memory_equal(&p->compile, &q->compile, sizeof(p->compile));
	assert_true(p->slack_ms == q->slack_ms && p->fork == q->fork);
}

static void
every_key_can_be_set(void **state)
{
	const struct fixture *f = *state;
	struct settings s;
	struct err e = { 0 };

	put_file(f->dir, "m.conf",
	    "socket = \"/s\"; socket_group = \"\"; user = \"u\"; helper = \"/h\";\n"
	    "languages = \"/l\"; workers = 3; requests_per_worker = 0;\n"
	    "max_workers = 3; idle_timeout = \"1m\";\n"
	    "drain_timeout = \"2m\"; log_level = \"debug\"; max_body_bytes = \"2M\";\n"
	    "max_source_bytes = 1000; max_tests = 7; max_answer_bytes = \"1M\";\n"
	    "cors_origins = [\"https://a\", \"https://b\"];\n"
	    "local_hosts = [\"a.test\", \"b\"];\n"
	    "caps = { cpu_ms = \"1m\"; memory_bytes = \"1G\"; processes = 0; };\n"
	    "compile_caps = { wall_ms = \"40s\"; };\n"
	    "profiles = { mine = { cpu_ms = \"9s\"; cpu_share = 0.5; slack_ms = 1; fork "
	    "= false;\n"
	    "  compile = { wall_ms = \"11s\"; }; }; default = { processes = 9; }; };\n");
	if (settings_load(f->main, &s, &e) == -1)
		fail_msg("%s", e.msg);
	assert_string_equal(s.helper, "/h");
	assert_int_equal(s.drain_timeout, 120000);
	assert_int_equal(settings_log_level(&s), LOG_LEVEL_DEBUG);
	assert_int_equal(s.site.max_tests, 7);
	assert_true(words_has(&s.site.cors_origins, "https://b"));
	assert_true(words_has(&s.site.access.local_hosts, "a.test"));
	assert_int_equal(s.site.cap.memory_bytes, 1 << 30);
	assert_int_equal(s.site.cap.processes, 0); /* no cap */

	const struct profile *p = site_profile(&s.site, "mine");
	assert_non_null(p);
	assert_int_equal(p->run.cpu_ms, 9000);
	assert_int_equal(p->run.cpu_share, 500);
	assert_int_equal(p->run.processes, 9); /* default's, though it is named later */
	assert_int_equal(p->slack_ms, 1);
	assert_false(p->fork);
	assert_int_equal(p->compile.wall_ms, 11000);
	assert_int_equal(s.site.profiles[0].compile.wall_ms, 30000);
}

/* $ is the directory. */
static const struct {
	const char *what, *text, *msg;
} bad[] = {
	{ "unknown key", "\nwokers = 3;", "$/m.conf:2: unknown key 'wokers'" },
	{ "syntax", "workers = ;", "$/m.conf:1: syntax error" },
	{ "named twice", "workers = 1;\nworkers = 2;",
	    "$/m.conf:2: duplicate setting name" },
	{ "a word for a number", "workers = \"many\";",
	    "$/m.conf:1: workers: must be a number" },
	{ "negative", "workers = -1;", "$/m.conf:1: workers: must not be negative" },
	{ "out of range", "workers = 1025;",
	    "$/m.conf:1: workers: 1025 is outside 0..1024" },
	{ "more than the most", "workers = 8;\nmax_workers = 7;",
	    "$/m.conf:1: workers: 8 is above max_workers, 7" },
	{ "idle for no time", "idle_timeout = 0;",
	    "$/m.conf:1: idle_timeout: 0 is outside 1000..86400000" },
	{ "a number for a word", "user = 5;", "$/m.conf:1: user: must be a string" },
	{ "a unit that is none", "drain_timeout = \"7 s\";",
	    "$/m.conf:1: drain_timeout: '7 s' has an unknown unit" },
	{ "log level", "\n\nlog_level = \"loud\";",
	    "$/m.conf:3: log_level: 'loud' is none of error, warn, info, debug" },
	{ "who needs no key", "\nanonymous = \"all\";",
	    "$/m.conf:2: anonymous: 'all' is none of loopback, off, address" },
	{ "a rate without a period", "anonymous_limits = {\n  rate = \"60\";\n};",
	    "$/m.conf:2: anonymous_limits.rate: '60' is not like 60/min (s, min, h, "
	    "day)" },
	{ "a limit that strangers have not", "anonymous_limits = {\n  cpu = 5;\n};",
	    "$/m.conf:2: unknown key 'cpu'" },
	{ "no throttle above a share", "caps = {\n  cpu_share = 0.5;\n};",
	    "$/m.conf:2: profiles.default.cpu_share: 0, no throttle, is above "
	    "caps.cpu_share" },
	{ "nor of a compile", "compile_caps = {\n  cpu_share = 2;\n};",
	    "$/m.conf:2: profiles.default.compile.cpu_share: 0, no throttle, is above "
	    "compile_caps.cpu_share" },
	{ "no limit of a profile is 0", "profiles = { editor = {\n  cpu_ms = 0; }; };",
	    "$/m.conf:2: cpu_ms: 0 is outside 1..600000" },
	{ "unknown limit", "caps = {\n  memory = 5;\n};",
	    "$/m.conf:2: unknown key 'memory'" },
	{ "unknown key of a profile", "profiles = { editor = {\n  cpu = 5; }; };",
	    "$/m.conf:2: unknown key 'cpu'" },
	{ "caps are no group", "caps = 5;", "$/m.conf:1: caps: must be a group { … }" },
	{ "a relative path", "workers = 1;\nhelper = \"s.sock\";",
	    "$/m.conf:2: helper: 's.sock' is not an absolute path" },
	{ "no path", "languages = \"\";",
	    "$/m.conf:1: languages: '' is not an absolute path" },
	{ "an origin with a slash", "cors_origins = [ \"*\", \"https://a/\" ];",
	    "$/m.conf:1: cors_origins: 'https://a/' is not like https://host or "
	    "http://host:port, in lower case" },
	{ "an origin without a scheme", "cors_origins = [ \"null\", \"a.example\" ];",
	    "$/m.conf:1: cors_origins: 'a.example' is not like https://host or "
	    "http://host:port, in lower case" },
	{ "an origin in capitals",
	    "cors_origins = [ \"http://[::1]:80\", \"https://A\" ];",
	    "$/m.conf:1: cors_origins: 'https://A' is not like https://host or "
	    "http://host:port, in lower case" },
	{ "a host with a port", "local_hosts = [ \"a.test\", \"a.test:80\" ];",
	    "$/m.conf:1: local_hosts: 'a.test:80' is no name of a host, in lower case "
	    "and without port" },
	{ "a host of capitals", "local_hosts = [ \"A.test\" ];",
	    "$/m.conf:1: local_hosts: 'A.test' is no name of a host, in lower case "
	    "and without port" },
	{ "no host at all", "local_hosts = [ \"\" ];",
	    "$/m.conf:1: local_hosts: '' is no name of a host, in lower case "
	    "and without port" },
	{ "origins are no list", "cors_origins = \"*\";",
	    "$/m.conf:1: cors_origins: must be a list of strings" },
	{ "profile above its cap",
	    "profiles = { editor = {\n  memory_bytes = \"600M\"; }; };",
	    "$/m.conf:2: profiles.editor.memory_bytes: 629145600 is above "
	    "caps.memory_bytes, 536870912" },
	{ "cap below a profile", "\ncaps = { memory_bytes = \"200M\"; };",
	    "$/m.conf:2: profiles.default.memory_bytes: 268435456 is above "
	    "caps.memory_bytes, 209715200" },
	{ "compile above its cap",
	    "profiles = { default = { compile = {\n  wall_ms = \"31s\"; }; }; };",
	    "$/m.conf:2: profiles.default.compile.wall_ms: 31000 is above "
	    "compile_caps.wall_ms, 30000" },
	{ "source above body", "\nmax_source_bytes = \"2M\";",
	    "$/m.conf:2: max_source_bytes: 2097152 is above max_body_bytes, 1048576" },
	{ "body below source", "\nmax_body_bytes = \"64K\";",
	    "$/m.conf:2: max_source_bytes: 102400 is above max_body_bytes, 65536" },
	{ "socket path too long",
	    "socket = "
	    "\"/1234567890123456789012345678901234567890123456789012345678901234567890"
	    "123456789012345678901234567890123456789\";",
	    "$/m.conf:1: socket: longer than 107 bytes" },
};

static void
says_file_line_and_what(void **state)
{
	const struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct settings s = { .workers = 77 };
		struct err e = { 0 };
		char wanted[300];

		put_file(f->dir, "m.conf", bad[i].text);
		snprintf(wanted, sizeof(wanted), "%s%s", f->dir, bad[i].msg + 1);
		if (settings_load(f->main, &s, &e) == 0)
			fail_msg("%s: accepted", bad[i].what);
		if (strcmp(e.msg, wanted) != 0)
			fail_msg("%s: '%s', not '%s'", bad[i].what, e.msg, wanted);
		assert_int_equal(s.workers, 77); /* outputs untouched */
	}
}

static void
a_missing_file_is_an_error(void **state)
{
	const struct fixture *f = *state;
	struct settings s;
	struct err e = { 0 };
	char wanted[100];

	assert_int_equal(settings_load(f->main, &s, &e), -1);
	snprintf(wanted, sizeof(wanted), "read %s", f->main);
	assert_string_equal(e.msg, wanted);
	assert_int_equal(e.sys, 2);
}

static void
fragments_follow_in_order_of_their_names(void **state)
{
	const struct fixture *f = *state;
	struct settings s;
	struct err e = { 0 };

	put_file(f->dir, "m.conf", "workers = 1; max_tests = 1;");
	put_file(f->conf_d, "20-b.conf", "workers = 20;");
	put_file(f->conf_d, "10-a.conf", "workers = 10; max_tests = 10;");
	put_file(f->conf_d, "30-c.conf~", "workers = 30;");
	put_file(f->conf_d, ".40-d.conf", "workers = 40;");
	put_file(f->conf_d, "README", "not a configuration");
	assert_int_equal(settings_load(f->main, &s, &e), 0);
	assert_int_equal(s.workers, 20);
	assert_int_equal(s.site.max_tests, 10);
}

/* The blame goes to the file that set the value last. */
static void
a_fault_in_a_fragment_names_it(void **state)
{
	const struct fixture *f = *state;
	struct settings s;
	struct err e = { 0 };
	char wanted[200];

	put_file(f->dir, "m.conf", "caps = { memory_bytes = \"1G\"; };");
	put_file(f->conf_d, "a.conf",
	    "\nprofiles = { default = {\n memory_bytes = \"2G\"; }; };");
	assert_int_equal(settings_load(f->main, &s, &e), -1);
	snprintf(wanted, sizeof(wanted),
	    "%s/a.conf:3: profiles.default.memory_bytes: 2147483648 is above "
	    "caps.memory_bytes, 1073741824",
	    f->conf_d);
	assert_string_equal(e.msg, wanted);

	put_file(f->conf_d, "a.conf", "\nnonsense = 1;");
	assert_int_equal(settings_load(f->main, &s, &e), -1);
	snprintf(
	    wanted, sizeof(wanted), "%s/a.conf:2: unknown key 'nonsense'", f->conf_d);
	assert_string_equal(e.msg, wanted);
}

static void
profiles_are_limited_in_number(void **state)
{
	const struct fixture *f = *state;
	struct settings s;
	struct err e = { 0 };
	char text[2000] = "profiles = {\n";

	for (int i = 0; i < SITE_PROFILES; i++)
		snprintf(
		    text + strlen(text), sizeof(text) - strlen(text), "p%d = { };\n", i);
	strcat(text, "};");
	put_file(f->dir, "m.conf", text);
	assert_int_equal(settings_load(f->main, &s, &e), -1);
	assert_non_null(strstr(e.msg, "m.conf:29: profile 'p27': more than 32 profiles"));
}

/* Takes the '#' from "#key = value;": text has a blank after it. */
static void
uncomment(const char *from, const char *to)
{
	char line[400];
	FILE *in = fopen(from, "re"), *out = fopen(to, "we");

	assert_non_null(in);
	assert_non_null(out);
	while (fgets(line, sizeof(line), in) != NULL)
		fputs(line + (line[0] == '#' && line[1] != ' ' && line[1] != '\n'), out);
	fclose(in);
	fclose(out);
}

/* Lines "name = …". */
static unsigned
count_settings(const char *path)
{
	char line[400];
	FILE *in = fopen(path, "re");
	unsigned n = 0;

	assert_non_null(in);
	while (fgets(line, sizeof(line), in) != NULL) {
		size_t name = strspn(line, "abcdefghijklmnopqrstuvwxyz_");
		n += name > 0 && strncmp(line + name, " = ", 3) == 0;
	}
	fclose(in);
	return n;
}

/* The sample names every key, with the value it has when it is not named. */
static void
the_sample_tells_the_defaults(void **state)
{
	const struct fixture *f = *state;
	const char *build = getenv("BUILDDIR");
	struct settings *s = calloc(2, sizeof(*s));
	struct err e = { 0 };
	char path[300];

	snprintf(path, sizeof(path), "%s/packaging/built/judgebox.conf",
	    build != NULL ? build : ".");
	if (settings_load(path, &s[0], &e) == -1)
		fail_msg("as installed: %s", e.msg);
	uncomment(path, f->main);
	if (settings_load(f->main, &s[1], &e) == -1)
		fail_msg("uncommented: %s", e.msg);
	assert_memory_equal(&s[0], &s[1], sizeof(*s));
	free(s);

	/* and it is really all of them: each line that could be commented out was */
	assert_int_equal(count_settings(f->main), 38);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(an_empty_file_is_the_built_in_site),
		CASE(the_shipped_file_tells_the_defaults),
		CASE(every_key_can_be_set),
		CASE(says_file_line_and_what),
		CASE(a_missing_file_is_an_error),
		CASE(fragments_follow_in_order_of_their_names),
		CASE(a_fault_in_a_fragment_names_it),
		CASE(profiles_are_limited_in_number),
		CASE(the_sample_tells_the_defaults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
