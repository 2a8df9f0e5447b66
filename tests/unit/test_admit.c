/* What may run, and what a client is told who asked for too much. */
#include "unit.h"

#include <stdlib.h>
#include <unistd.h>

#include "judge/judge.h"

static const char lang_a[] =
    "id=\"aa\"; aliases=[\"alpha\"]; source=\"main.a\"; run=[\"/bin/sh\"];"
    "options=[\"-O2\",\"-g\"]; floor={ processes=100; memory_bytes=\"300M\"; };"
    "compile_floor={ memory_bytes=\"2G\"; };";
static const char lang_b[] = "id=\"bb\"; source=\"b/Main.b\"; run=[\"/bin/sh\"];";
static const char lang_c[] = "id=\"cc\"; source=\"main.c\"; run=[\"/nonexistent/c\"];";

static struct langs *langs;

static void
write_file(const char *dir, const char *name, const char *text)
{
	struct err e = { 0 };
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	CHECK_OK(fputs(text, f) >= 0 ? 0 : -1, e);
	fclose(f);
}

static int
load_langs(void **state)
{
	char dir[] = "/tmp/judgebox-test-XXXXXX";
	const char *names[] = { "a.conf", "b.conf", "c.conf" };
	struct err e = { 0 };
	char path[128];

	(void)state;
	assert_non_null(mkdtemp(dir));
	write_file(dir, names[0], lang_a);
	write_file(dir, names[1], lang_b);
	write_file(dir, names[2], lang_c);
	CHECK_OK(langs_load(dir, &langs, &e), e);
	for (unsigned i = 0; i < LENGTH(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		unlink(path);
	}
	rmdir(dir);
	return 0;
}

static int
free_langs(void **state)
{
	(void)state;
	langs_free(langs);
	return 0;
}

/* A job of language aa with one file and two tests, as a dialect would make it. */
static struct job *
make_job(void)
{
	struct job *job = job_new();

	snprintf(job->language, sizeof(job->language), "aa");
	bytes_set(&job_add_file(job)->content, "code", 4);
	job_add_test(job);
	job_add_test(job);
	return job;
}

static unsigned
row_of(const char *json)
{
	unsigned row = 0;

	while (strcmp(limits_json[row], json) != 0)
		row++;
	return row;
}

static void
ask(struct limits_asked *asked, const char *json, uint64_t value)
{
	limits_set(&asked->value, row_of(json), value);
	asked->given |= 1u << row_of(json);
}

static void
ask_short(struct limits_asked *asked, const char *json, uint64_t value)
{
	ask(asked, json, value);
	asked->short_form |= 1u << row_of(json);
}

static void
add_file(struct job *job, const char *name)
{
	struct job_file *f = job_add_file(job);

	snprintf(f->name, sizeof(f->name), "%s", name);
}

/* --- one change each, and what is said about it --- */

static void
language_unknown(struct job *job)
{
	snprintf(job->language, sizeof(job->language), "cobol");
}
static void
language_not_installed(struct job *job)
{
	snprintf(job->language, sizeof(job->language), "cc");
}
static void
profile_unknown(struct job *job)
{
	snprintf(job->profile, sizeof(job->profile), "vip");
}
static void
source_large(struct job *job)
{
	static char big[102401];

	bytes_set(&job->files[0].content, big, sizeof(big));
}
static void
sources_large_together(struct job *job)
{
	static char half[51200];

	bytes_set(&job->files[0].content, half, sizeof(half));
	add_file(job, "x");
	bytes_set(&job->files[1].content, half, sizeof(half));
	add_file(job, "y");
	bytes_set(&job->files[2].content, "z", 1);
}
static void
files_many(struct job *job)
{
	char name[16];

	for (unsigned i = 0; i < BOX_FILES_MAX; i++) {
		snprintf(name, sizeof(name), "f%u", i);
		add_file(job, name);
	}
}
static void
tests_many(struct job *job)
{
	while (job->ntests < 257)
		job_add_test(job);
}
static void
name_climbs(struct job *job)
{
	add_file(job, "../x");
}
static void
name_empty(struct job *job)
{
	add_file(job, "");
}
static void
name_twice(struct job *job)
{
	add_file(job, "x");
	add_file(job, "x");
}
static void
name_of_main(struct job *job)
{
	add_file(job, "main.a");
}
static void
name_file_and_folder(struct job *job)
{
	add_file(job, "x/y");
	add_file(job, "xa");
	add_file(job, "x");
}
static void
option_unlisted(struct job *job)
{
	struct err e;

	words_add(&job->compile_args, "-O2", &e);
	words_add(&job->compile_args, "-fplugin=x", &e);
}
static void
args_many(struct job *job)
{
	struct err e;

	for (unsigned i = 0; i < 101; i++)
		words_add(&job->args, "x", &e);
}
static void
test_args_many(struct job *job)
{
	struct err e;

	job->tests[1].args = calloc(1, sizeof(struct words));
	for (unsigned i = 0; i < 50; i++) {
		words_add(&job->args, "x", &e);
		words_add(job->tests[1].args, "y", &e);
	}
	words_add(job->tests[1].args, "y", &e);
}
static void
time_limit_high(struct job *job)
{
	job->has_time_limit = true;
	job->time_limit_ms = 30001;
}
static void
time_limit_zero(struct job *job)
{
	job->has_time_limit = true;
}
static void
cpu_high(struct job *job)
{
	ask(&job->limits, "cpuMs", 30001);
}
static void
memory_high_short(struct job *job)
{
	ask_short(&job->limits, "memoryBytes", 1024ULL << 20);
}
static void
memory_high(struct job *job)
{
	ask(&job->limits, "memoryBytes", 1024ULL << 20);
}
static void
memory_low(struct job *job)
{
	ask_short(&job->limits, "memoryBytes", 1 << 19);
}
static void
test_wall_high(struct job *job)
{
	ask(&job->tests[1].limits, "wallMs", 60001);
}
static void
test_processes_zero(struct job *job)
{
	ask(&job->tests[0].limits, "processes", 0);
}
static void
files_for_all(struct job *job)
{
	ask(&job->limits, "openFiles", 1024);
	ask(&job->limits, "processes", 17);
}
static void
files_for_the_floor(struct job *job)
{
	ask(&job->limits, "openFiles", 330);
}
static void
test_files_for_all(struct job *job)
{
	ask(&job->limits, "openFiles", 1024);
	ask(&job->limits, "processes", 16);
	ask(&job->tests[1].limits, "processes", 100);
}
static void
cpus_beyond_any(struct job *job)
{
	ask_short(&job->limits, "cpus", 64500);
}

static const struct {
	void (*change)(struct job *job);
	enum problem_code code;
	const char *path, *text;
} refused[] = {
	{ language_unknown, PROBLEM_UNSUPPORTED_LANGUAGE, "language",
	    "language 'cobol' is not available here; there are: aa, bb" },
	{ language_not_installed, PROBLEM_UNSUPPORTED_LANGUAGE, "language",
	    "language 'cc' is not available here; there are: aa, bb" },
	{ profile_unknown, PROBLEM_UNKNOWN_PROFILE, "profile",
	    "there is no profile 'vip'; there are: default, proctorx, editor, platform, "
	    "letscode" },
	{ source_large, PROBLEM_SOURCE_TOO_LARGE, "code",
	    "the source has 102401 bytes, at most 102400 are allowed" },
	{ sources_large_together, PROBLEM_SOURCE_TOO_LARGE, "files",
	    "the source has 102401 bytes, at most 102400 are allowed" },
	{ files_many, PROBLEM_BAD_FIELD, "files", "513 files, at most 512 are allowed" },
	{ tests_many, PROBLEM_TOO_MANY_TESTS, "tests",
	    "257 tests, at most 256 are allowed" },
	{ name_climbs, PROBLEM_BAD_FILE_NAME, "files",
	    "file name '../x': a file name is relative and plain: letters, digits, . _ + "
	    "- $ and /" },
	{ name_empty, PROBLEM_BAD_FILE_NAME, "files",
	    "file name '': a file name has 1 to 120 bytes" },
	{ name_twice, PROBLEM_BAD_FILE_NAME, "files",
	    "file names 'x' and 'x' exclude each other" },
	{ name_of_main, PROBLEM_BAD_FILE_NAME, "files",
	    "file names 'main.a' and 'main.a' exclude each other" },
	{ name_file_and_folder, PROBLEM_BAD_FILE_NAME, "files",
	    "file names 'x/y' and 'x' exclude each other" },
	{ option_unlisted, PROBLEM_BAD_FIELD, "compileArgs[1]",
	    "language 'aa' does not take the compile option '-fplugin=x'" },
	{ args_many, PROBLEM_BAD_FIELD, "args",
	    "more than 100 arguments or 4096 bytes of them" },
	{ test_args_many, PROBLEM_BAD_FIELD, "tests[1].args",
	    "more than 100 arguments or 4096 bytes of them" },
	{ time_limit_high, PROBLEM_LIMIT_TOO_HIGH, "timeLimitMs",
	    "timeLimitMs: 30001 asked, at most 30000 allowed" },
	{ time_limit_zero, PROBLEM_BAD_FIELD, "timeLimitMs",
	    "timeLimitMs: 0 asked, at least 1 needed" },
	{ cpu_high, PROBLEM_LIMIT_TOO_HIGH, "limits.cpuMs",
	    "limits.cpuMs: 30001 asked, at most 30000 allowed" },
	{ memory_high_short, PROBLEM_LIMIT_TOO_HIGH, "memoryMb",
	    "memoryMb: 1024 asked, at most 512 allowed" },
	{ memory_high, PROBLEM_LIMIT_TOO_HIGH, "limits.memoryBytes",
	    "limits.memoryBytes: 1073741824 asked, at most 536870912 allowed" },
	{ memory_low, PROBLEM_BAD_FIELD, "memoryMb",
	    "memoryMb: 0.5 asked, at least 1 needed" },
	{ test_wall_high, PROBLEM_LIMIT_TOO_HIGH, "tests[1].limits.wallMs",
	    "tests[1].limits.wallMs: 60001 asked, at most 60000 allowed" },
	{ test_processes_zero, PROBLEM_BAD_FIELD, "tests[0].limits.processes",
	    "tests[0].limits.processes: 0 asked, at least 1 needed" },
	{ files_for_all, PROBLEM_LIMIT_TOO_HIGH, "limits.openFiles",
	    "limits.openFiles: 1024 asked for each of 17 processes, at most 16384 "
	    "allowed for all" },
	{ files_for_the_floor, PROBLEM_LIMIT_TOO_HIGH, "limits.openFiles",
	    "limits.openFiles: 330 asked for each of 100 processes, at most 16384 "
	    "allowed for all" },
	{ test_files_for_all, PROBLEM_LIMIT_TOO_HIGH, "tests[1].limits.openFiles",
	    "tests[1].limits.openFiles: 1024 asked for each of 100 processes, at most "
	    "16384 allowed for all" },
	{ cpus_beyond_any, PROBLEM_LIMIT_TOO_HIGH, "cpus",
	    "cpus: 64.5 asked, at most 64 allowed" },
};

static void
refusals_name_what_and_where(void **state)
{
	struct site site;

	(void)state;
	site_defaults(&site);
	for (unsigned i = 0; i < LENGTH(refused); i++) {
		struct job *job = make_job();
		const struct lang *lang = NULL;
		struct problem p = { 0 };

		refused[i].change(job);
		CHECK_INT(refused[i].text, judge_admit(job, &site, langs, &lang, &p), -1);
		CHECK_STR(refused[i].path, p.text, refused[i].text);
		CHECK_STR(refused[i].text, p.path, refused[i].path);
		CHECK_INT(refused[i].text, p.code, refused[i].code);
		assert_null(lang);
		job_free(job);
	}
}

static const struct lang *
admit(struct job *job, const struct site *site)
{
	const struct lang *lang = NULL;
	struct problem p = { 0 };

	if (judge_admit(job, site, langs, &lang, &p) == -1)
		fail_msg("refused: %s", p.text);
	return lang;
}

static void
gaps_are_filled(void **state)
{
	struct job *job = job_new();
	struct site site;

	(void)state;
	site_defaults(&site);
	snprintf(job->language, sizeof(job->language), "alpha");
	assert_ptr_equal(admit(job, &site), langs_find(langs, "aa"));
	CHECK_STR("alias", job->language, "aa");
	assert_true(job->nfiles == 1 && job->ntests == 1);
	CHECK_STR("main file", job->files[0].name, "main.a");
	CHECK_STR("profile", job->effective.name, "default");
	job_free(job);
}

static void
a_named_main_file_keeps_its_name(void **state)
{
	struct job *job = job_new();
	struct site site;

	(void)state;
	site_defaults(&site);
	snprintf(job->language, sizeof(job->language), "bb");
	add_file(job, "src/solve.b");
	add_file(job, "b/Main.b");
	job->main_named = true;
	admit(job, &site);
	CHECK_STR("main file", job->files[0].name, "src/solve.b");
	job_free(job);
}

static void
sizes_at_the_cap_pass(void **state)
{
	struct job *job = make_job();
	struct site site;

	(void)state;
	site_defaults(&site);
	site.max_source_bytes = 4;
	site.max_tests = 2;
	ask(&job->limits, "cpuMs", site.cap.cpu_ms);
	ask_short(&job->limits, "memoryBytes", site.cap.memory_bytes);
	admit(job, &site);
	job_free(job);
}

/* profile, then the language's floor, then the request, then the test's own */
static const struct {
	const char *what, *profile;
	uint64_t time_limit;                             /* 0: not given */
	uint64_t cpu, wall, test_cpu, test_wall, memory; /* 0: not given */
	uint64_t got_cpu, got_wall, got_memory;          /* of test 1 */
} layers[] = {
	{ "profile and floor", "", 0, 0, 0, 0, 0, 0, 3000, 10000, 300 << 20 },
	{ "above the floor", "platform", 0, 0, 0, 0, 0, 0, 10000, 10000, 512 << 20 },
	{ "request below the floor", "", 0, 0, 0, 0, 0, 64 << 20, 3000, 10000, 64 << 20 },
	{ "time limit and slack", "proctorx", 2000, 0, 0, 0, 0, 0, 2000, 2500,
	    300 << 20 },
	{ "no slack", "editor", 2000, 0, 0, 0, 0, 0, 2000, 2000, 300 << 20 },
	{ "cpu below wall", "", 0, 5000, 0, 0, 0, 0, 5000, 10000, 300 << 20 },
	{ "cpu beyond wall takes it along", "", 0, 12000, 0, 0, 0, 0, 12000, 19000,
	    300 << 20 },
	{ "both as asked", "", 0, 12000, 11000, 0, 0, 0, 12000, 11000, 300 << 20 },
	{ "wall alone", "", 0, 0, 1000, 0, 0, 0, 3000, 1000, 300 << 20 },
	{ "limits after time limit", "proctorx", 2000, 0, 9000, 0, 0, 0, 2000, 9000,
	    300 << 20 },
	{ "the test's own", "", 0, 4000, 0, 20000, 0, 0, 20000, 27000, 300 << 20 },
	{ "the test's both", "", 0, 4000, 5000, 20000, 21000, 0, 20000, 21000,
	    300 << 20 },
	{ "slack under the cap", "default", 30000, 0, 0, 0, 0, 0, 30000, 35000,
	    300 << 20 },
};

/* I-33 */
static void
processes_and_files_for_each_share(void **state)
{
	static const struct {
		const char *language;
		unsigned asked[2], test_asked[2]; /* processes, files; 0: not */
		unsigned got[2], test_got[2];
	} cases[] = {
		{ "bb", { 0, 0 }, { 0, 0 }, { 64, 256 }, { 64, 256 } },
		{ "bb", { 65, 0 }, { 0, 0 }, { 65, 252 }, { 65, 252 } },
		{ "bb", { 256, 0 }, { 10, 0 }, { 256, 64 }, { 10, 256 } },
		{ "bb", { 10, 0 }, { 256, 0 }, { 10, 256 }, { 256, 64 } },
		{ "bb", { 0, 1024 }, { 0, 0 }, { 16, 1024 }, { 16, 1024 } },
		{ "bb", { 0, 0 }, { 0, 512 }, { 64, 256 }, { 32, 512 } },
		{ "bb", { 32, 512 }, { 0, 0 }, { 32, 512 }, { 32, 512 } },
		{ "aa", { 0, 0 }, { 0, 300 }, { 100, 163 }, { 100, 300 } },
	};
	struct site site;

	(void)state;
	site_defaults(&site);
	for (unsigned i = 0; i < LENGTH(cases); i++) {
		static const char *const names[] = { "processes", "openFiles" };
		struct job *job = make_job();

		snprintf(job->language, sizeof(job->language), "%s", cases[i].language);
		for (unsigned k = 0; k < 2; k++) {
			if (cases[i].asked[k] != 0)
				ask(&job->limits, names[k], cases[i].asked[k]);
			if (cases[i].test_asked[k] != 0)
				ask(&job->tests[1].limits, names[k],
				    cases[i].test_asked[k]);
		}
		admit(job, &site);
		const struct limits *run = &job->effective.run,
				    *test = &job->test_limits[1],
				    *compile = &job->effective.compile;
		CHECK_INT("processes", run->processes, cases[i].got[0]);
		CHECK_INT("files", run->open_files, cases[i].got[1]);
		CHECK_INT("of a test", test->processes, cases[i].test_got[0]);
		CHECK_INT("of a test", test->open_files, cases[i].test_got[1]);
		assert_true(compile->processes * compile->open_files <= LIMITS_ALL_FILES);
		job_free(job);
	}
}

static void
limits_come_in_layers(void **state)
{
	struct site site;

	(void)state;
	site_defaults(&site);
	site.cap.wall_ms = 35000;
	for (unsigned i = 0; i < LENGTH(layers); i++) {
		struct job *job = make_job();

		snprintf(job->profile, sizeof(job->profile), "%s", layers[i].profile);
		job->has_time_limit = layers[i].time_limit != 0;
		job->time_limit_ms = layers[i].time_limit;
		if (layers[i].cpu != 0)
			ask(&job->limits, "cpuMs", layers[i].cpu);
		if (layers[i].wall != 0)
			ask(&job->limits, "wallMs", layers[i].wall);
		if (layers[i].memory != 0)
			ask(&job->limits, "memoryBytes", layers[i].memory);
		if (layers[i].test_cpu != 0)
			ask(&job->tests[1].limits, "cpuMs", layers[i].test_cpu);
		if (layers[i].test_wall != 0)
			ask(&job->tests[1].limits, "wallMs", layers[i].test_wall);
		admit(job, &site);
		const struct limits *l = &job->test_limits[1];
		CHECK_INT(layers[i].what, l->cpu_ms, layers[i].got_cpu);
		CHECK_INT(layers[i].what, l->wall_ms, layers[i].got_wall);
		CHECK_INT(layers[i].what, l->memory_bytes, layers[i].got_memory);
		CHECK_INT("floor", l->processes, 100);
		CHECK_INT(
		    "compile floor", job->effective.compile.memory_bytes, 2LL << 30);
		assert_memory_equal(
		    &job->test_limits[0], &job->effective.run, sizeof(struct limits));
		job_free(job);
	}
}

static void
no_throttle_is_more_than_any_share(void **state)
{
	struct job *job = make_job();
	const struct lang *lang = NULL;
	struct problem p = { 0 };
	struct site site;

	(void)state;
	site_defaults(&site);
	ask_short(&job->limits, "cpus", 0);
	admit(job, &site);
	site.cap.cpu_share = 500;
	assert_int_equal(judge_admit(job, &site, langs, &lang, &p), -1);
	CHECK_STR("cpus", p.text, "cpus: 0 (no limit) asked, at most 0.5 allowed");
	assert_int_equal(p.code, PROBLEM_LIMIT_TOO_HIGH);
	job_free(job);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(processes_and_files_for_each_share),
		cmocka_unit_test(refusals_name_what_and_where),
		cmocka_unit_test(gaps_are_filled),
		cmocka_unit_test(a_named_main_file_keeps_its_name),
		cmocka_unit_test(sizes_at_the_cap_pass),
		cmocka_unit_test(limits_come_in_layers),
		cmocka_unit_test(no_throttle_is_more_than_any_share),
	};

	return cmocka_run_group_tests(tests, load_langs, free_langs);
}
