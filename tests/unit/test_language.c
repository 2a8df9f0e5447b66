/* Commands, environments and the files they come from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sandbox/command.h"
#include "sandbox/language.h"

static void
fill(struct words *w, const char *const *list)
{
	struct err e = { 0 };

	for (; *list != NULL; list++)
		assert_int_equal(words_add(w, *list, &e), 0);
}

static void
join(const struct words *w, char *out, size_t size)
{
	out[0] = '\0';
	for (const char *s = words_next(w, NULL); s != NULL; s = words_next(w, s))
		snprintf(
		    out + strlen(out), size - strlen(out), "%s%s", out[0] ? "|" : "", s);
}

static void
tokens_are_replaced(void **state)
{
	static const struct {
		const char *const command[6];
		const char *expected;
	} cases[] = {
		{ { "cc", "{source}", NULL }, "cc|src/main.c" },
		{ { "cc", "{sources}", NULL }, "cc|src/main.c|b.c" },
		{ { "cc", "{options}", "-o", "m", NULL }, "cc|-O3|-g|-o|m" },
		{ { "java", "-Xmx{heap_mb}m", "{stem}", NULL },
		    "java|-Xmx176m|src/main" },
		{ { "x", "{memory_mb}/{stack_kb}", NULL }, "x|256/1024" },
		{ { "x", "{unknown}", "a{source", "", NULL }, "x|{unknown}|a{source|" },
		{ { "x", "--opt={sources}", NULL }, "x|--opt={sources}" },
		{ { "x", "{prefer}", "y", NULL }, "x|second|y" },
		{ { "x{prefer}", NULL }, "x{prefer}" },
	};
	static struct language l = { .heap_reserve = 80 << 20 };
	static struct words options, extensions, prefer;
	struct bundle_entry files[3] = { { .name = "src/main.c" }, { .name = "b.c" },
		{ .name = "data.txt" } };
	struct wire_limits limits = { .memory_bytes = 256 << 20, .stack_bytes = 1 << 20 };
	struct command_call call = {
		.files = files, .nfiles = 3, .options = &options, .limits = &limits
	};

	(void)state;
	fill(&options, (const char *const[]){ "-O3", "-g", NULL });
	fill(&extensions, (const char *const[]){ ".c", NULL });
	fill(&prefer, (const char *const[]){ "/nonexistent/first", "first", "/dev/null",
			  "second", "/dev/zero", "third", NULL });
	l.extensions = &extensions;
	l.prefer = &prefer;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct words command = { 0 }, out = { 0 };
		struct err e = { 0 };
		char text[512];

		fill(&command, cases[i].command);
		assert_int_equal(command_fill(&l, &command, &call, &out, &e), 0);
		join(&out, text, sizeof(text));
		assert_string_equal(text, cases[i].expected);
	}
}

static void
a_small_heap_keeps_a_quarter(void **state)
{
	static struct language l = { .heap_reserve = 80 << 20 };
	struct wire_limits limits = { .memory_bytes = 64 << 20 };
	struct command_call call = { .limits = &limits };
	struct words command = { 0 }, out = { 0 };
	struct err e = { 0 };

	(void)state;
	fill(&command, (const char *const[]){ "{heap_mb}", NULL });
	assert_int_equal(command_fill(&l, &command, &call, &out, &e), 0);
	assert_string_equal(words_next(&out, NULL), "16");
}

/* A language's own word counts: getenv(3) takes the first of two. */
static void
a_variable_is_replaced_not_doubled(void **state)
{
	static struct language l;
	struct words env = { 0 }, own = { 0 };
	struct err e = { 0 };
	char text[512];

	(void)state;
	assert_int_equal(language_environment(&l, &env, &e), 0);
	join(&env, text, sizeof(text));
	assert_string_equal(text,
	    "PATH=/usr/bin:/bin|HOME=/work|TMPDIR=/tmp|LANG=C.UTF-8|LC_ALL=C.UTF-8|"
	    "USER=box|LOGNAME=box|LIBC_FATAL_STDERR_=1");
	fill(&own, (const char *const[]){ "LC_ALL=C", "HOMES=2", "PATH=/x", NULL });
	l.env = &own;
	assert_int_equal(language_environment(&l, &env, &e), 0);
	join(&env, text, sizeof(text));
	assert_string_equal(text,
	    "HOME=/work|TMPDIR=/tmp|LANG=C.UTF-8|USER=box|LOGNAME=box|"
	    "LIBC_FATAL_STDERR_=1|LC_ALL=C|HOMES=2|PATH=/x");
}

/* A file made for other options would be of no use, or worse. */
static void
options_choose_a_set_or_none(void **state)
{
	static const struct {
		const char *const options[4];
		int set;
	} cases[] = {
		{ { NULL }, 0 },
		{ { "-Wall", NULL }, 0 },
		{ { "-std=c17", NULL }, 0 },
		{ { "-std=c11", NULL }, 1 },
		{ { "-Wall", "-std=c11", NULL }, 1 },
		{ { "-std=c99", NULL }, -1 },
		{ { "-std=c11", "-std=c17", NULL }, -1 },
		{ { "-std=c11", "-O3", NULL }, -1 },
	};
	static struct language_prepare p;
	static struct words compile;
	static struct language l = { .prepare = &p, .compile = &compile };
	struct err e = { 0 };

	(void)state;
	fill(&compile, (const char *const[]){ "cc", "-std=c17", NULL });
	fill(&p.sets, (const char *const[]){ "", "-std=c11", NULL });
	fill(&p.beside, (const char *const[]){ "-Wall", NULL });
	fill(&p.words, (const char *const[]){ "-I", "x{dir}/y", "z", NULL });
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct words options = { 0 };

		fill(&options, cases[i].options);
		assert_int_equal(language_prepared_set(&l, &options), cases[i].set);
	}
	struct words out = { 0 };
	char text[512];

	assert_int_equal(language_prepared_words(&l, "/a", &out, &e), 0);
	assert_int_equal(language_prepared_words(&l, "/b", &out, &e), 0);
	join(&out, text, sizeof(text));
	assert_string_equal(text, "-I|x/a/y|z|-I|x/b/y|z");
}

static void
files_say_what_is_wrong_and_where(void **state)
{
	static const struct {
		const char *text, *msg;
		mode_t mode;
	} cases[] = {
		{ "id=\"a\"; source=\"m\"; run=[\"r\"]; class=\"native\";", "", 0644 },
		{ "id=\"a\";\ncolour=1;", "a.conf:2: unknown key 'colour'", 0644 },
		{ "id=\"a\"; source=\"m\"; run=[\"r\"];\nclass=\"magic\";",
		    "a.conf:2: class: no seccomp class 'magic'", 0644 },
		{ "id=\"a\"; source=\"m\"; class=\"native\";",
		    "a.conf:0: id, source and run are required", 0644 },
		{ "id=\"a\"; source=\"../m\"; run=[\"r\"]; class=\"native\";",
		    "a.conf:1: source: not a plain file name", 0644 },
		{ "id=\"a\"; source=\"m\"; run=[\"r\"]; class=\"native\"; "
		  "artifact=\"x\";",
		    "a.conf:0: compile and artifact go together", 0644 },
		{ "id=\"a\"; source=\"m\"; run=[\"r\"]; class=\"native\"; "
		  "paths=[\"etc\"];",
		    "a.conf:1: paths: 'etc' is not absolute", 0644 },
		{ "id=\"a\"; source=\"m\"; run=[\"r\"]; class=\"native\"; "
		  "env=[\"A=1\",\n\"B\"];",
		    "a.conf:1: env: 'B' is not NAME=value", 0644 },
		{ "id=\"a\"; source=\"m\"; run=[\"r\"]; class=\"native\"; "
		  "\nprepare={ sets=[\"\"]; };",
		    "a.conf:2: prepare: needs compile, pairs of files, command, words "
		    "and sets",
		    0644 },
		{ "id=\"a\"; source=\"m\"; run=[\"r\"]; class=\"native\"; "
		  "compile=[\"c\"]; artifact=\"m\"; compile_class=\"compiler\"; "
		  "prepare={\nfiles=[\"../x\",\"\"]; command=[\"c\"]; words=[\"w\"]; "
		  "sets=[\"\"]; };",
		    "a.conf:1: prepare: '../x' is not a plain name", 0644 },
		{ "id=\"a\"; source=\"m\"; run=[\"r\"]; class=\"native\"; "
		  "compile=[\"c\"]; artifact=\"m\"; compile_class=\"compiler\"; "
		  "prepare={\nfiles=[\"x/y/\",\"\"]; command=[\"c\"]; words=[\"w\"]; "
		  "sets=[\"\"]; unless=\"/x\"; };",
		    "", 0644 },
		{ "id=\"a\"; source=\"m\"; run=[\"r\"]; class=\"native\"; "
		  "compile=[\"c\"]; artifact=\"m\"; compile_class=\"compiler\"; "
		  "prepare={\nfiles=[\"x//\",\"\"]; command=[\"c\"]; words=[\"w\"]; "
		  "sets=[\"\"]; };",
		    "a.conf:1: prepare: 'x//' is not a plain name", 0644 },
		{ "id=\"a\"; source=\"m\"; run=[\"r\"]; class=\"native\"; "
		  "compile=[\"c\"]; artifact=\"m\"; compile_class=\"compiler\"; "
		  "prepare={\nfiles=[\"x\",\"\"]; command=[\"c\"]; words=[\"w\"]; "
		  "sets=[\"\"]; of=[\"a\",\"b\",\"c\",\"d\",\"e\"]; };",
		    "a.conf:1: prepare: of names 4 files at most", 0644 },
		{ "id=\"a\"; source=\"m\"; run=[\"r\"]; class=\"native\"; "
		  "\nprefer=[\"/bin/x\"];",
		    "a.conf:2: prefer: a file and a word, in pairs", 0644 },
		{ "id=\"a\"; source=\"m\"; run=[\"r\"]; class=\"native\"; "
		  "\nhome=[\"/usr\",\"lib\"];",
		    "a.conf:2: home: 'lib' is not absolute", 0644 },
		{ "id=\"a\"; source=\"m\"; run=[\"r\"]; class=\"native\"; "
		  "\nhome=[\"/usr/../etc\"];",
		    "a.conf:2: home: '/usr/../etc' is not absolute", 0644 },
		{ "id=\"a\"; source=\"m\"; run=[\"r\"]; class=\"native\";",
		    "a.conf must belong to root and be writable by nobody else", 0666 },
		{ "id=", "a.conf:1: syntax error", 0644 },
	};
	char dir[] = "/tmp/judgebox-test-XXXXXX", path[64];

	(void)state;
	assert_non_null(mkdtemp(dir));
	chmod(dir, 0755);
	snprintf(path, sizeof(path), "%s/a.conf", dir);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct languages *l = NULL;
		struct err e = { 0 };
		int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

		assert_int_equal(write(fd, cases[i].text, strlen(cases[i].text)),
		    (ssize_t)strlen(cases[i].text));
		close(fd);
		chmod(path, cases[i].mode);
		int r = languages_load(dir, &l, &e);
		assert_int_equal(r, cases[i].msg[0] == '\0' ? 0 : -1);
		const char *tail = strstr(e.msg, "a.conf");
		assert_string_equal(tail != NULL ? tail : "", cases[i].msg);
		languages_free(l);
	}
	unlink(path);
	rmdir(dir);
}

/* One file for every place where distributions put a program. */
static void
home_is_the_first_that_is_there(void **state)
{
	static const struct {
		const char *home, *run, *env;
	} cases[] = {
		{ "[\"/nonexistent/a\",\"/usr\",\"/etc\"]", "/usr/bin/x", "L=/usr/lib" },
		{ "[\"/nonexistent/a\",\"/nonexistent/b\"]", "/nonexistent/a/bin/x",
		    "L=/nonexistent/a/lib" },
		{ "[ ]", "{home}/bin/x", "L={home}/lib" },
	};
	char dir[] = "/tmp/judgebox-test-XXXXXX", path[64];

	(void)state;
	assert_non_null(mkdtemp(dir));
	chmod(dir, 0755);
	snprintf(path, sizeof(path), "%s/a.conf", dir);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct languages *l = NULL;
		struct err e = { 0 };
		FILE *f = fopen(path, "we");

		assert_non_null(f);
		fprintf(f,
		    "id=\"a\"; source=\"m\"; class=\"native\"; home=%s;"
		    "run=[\"{home}/bin/x\",\"y\"]; env=[\"L={home}/lib\"];",
		    cases[i].home);
		fclose(f);
		chmod(path, 0644);
		if (languages_load(dir, &l, &e) == -1)
			fail_msg("%s", e.msg);
		const struct language *a = languages_find(l, "a");
		assert_non_null(a);
		assert_string_equal(words_next(a->run, NULL), cases[i].run);
		assert_string_equal(words_next(a->env, NULL), cases[i].env);
		assert_int_equal(a->run->count, 2);
		languages_free(l);
	}
	unlink(path);
	rmdir(dir);
}

/* What the project ships must be what the helper reads. */
static void
shipped_files_load(void **state)
{
	char dir[512];
	struct languages *l = NULL;
	struct err e = { 0 };
	const char *top = getenv("SRCDIR");

	(void)state;
	snprintf(dir, sizeof(dir), "%s/sandbox/languages", top != NULL ? top : ".");
	if (languages_load(dir, &l, &e) == -1)
		fail_msg("%s", e.msg);
	assert_true(languages_count(l) >= 13);
	assert_true(language_is_compiled(languages_find(l, "cpp")));
	assert_false(language_is_compiled(languages_find(l, "python")));
	const struct language_prepare *cpp = languages_find(l, "cpp")->prepare;
	assert_true(cpp->loads);
	assert_true(words_has(&cpp->command, "-fplugin=/work/judgebox-warm.so"));
	assert_false(languages_find(l, "java")->prepare->loads);
	languages_free(l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tokens_are_replaced),
		cmocka_unit_test(a_small_heap_keeps_a_quarter),
		cmocka_unit_test(a_variable_is_replaced_not_doubled),
		cmocka_unit_test(options_choose_a_set_or_none),
		cmocka_unit_test(files_say_what_is_wrong_and_where),
		cmocka_unit_test(home_is_the_first_that_is_there),
		cmocka_unit_test(shipped_files_load),
	};

	if (geteuid() != 0) {
		puts("SKIP: language files must belong to root: run the tests as root");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
