/* Language files: what is read of them, and what is said of bad ones. */
#include "unit.h"

#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lang/lang.h"

#define DIR_TEMPLATE "/tmp/judgebox-test-XXXXXX"

struct sample {
	const char *name, *text;
};

static int
load(const struct sample *files, struct langs **out, struct err *e)
{
	char dir[] = DIR_TEMPLATE, path[128];

	assert_non_null(mkdtemp(dir));
	for (const struct sample *f = files; f->name != NULL; f++) {
		snprintf(path, sizeof(path), "%s/%s", dir, f->name);
		FILE *file = fopen(path, "w");
		assert_non_null(file);
		assert_true(fputs(f->text, file) >= 0);
		fclose(file);
	}
	int r = langs_load(dir, out, e);
	for (const struct sample *f = files; f->name != NULL; f++) {
		snprintf(path, sizeof(path), "%s/%s", dir, f->name);
		unlink(path);
	}
	rmdir(dir);
	return r;
}

static const char full[] =
    "id = \"cpp\";\nname = \"C++ (g++)\";\naliases = [ \"c++\", \"g++\" ];\n"
    "version = [ \"/bin/sh\" ];\nsource = \"main.cpp\";\nextensions = [ \".cpp\" ];\n"
    "compile = [ \"/bin/sh\", \"{sources}\" ];\nartifact = \"main\";\nrun = [ \"./main\" "
    "];\n"
    "env = [ \"A=b\" ];\npaths = [ \"/etc/x\" ];\nclass = \"native\";\n"
    "compile_class = \"compiler\";\nheap_reserve = \"80M\";\n"
    "options = [ \"-O2\" ];\nfloor = { memory_bytes = \"64M\"; };\n"
    "compile_floor = { processes = 9; };\n"
    "selftest = { hello = \"h\"; echo = \"e\"; compile_error = \"c\";\n"
    "runtime_error = \"r\"; time_limit = \"t\"; threads = \"th\"; };\n";

static void
the_public_half_is_read(void **state)
{
	const struct sample files[] = { { "zz.conf", full },
		{ "a.conf", "id=\"zsh\"; source=\"m\"; run=[\"/nonexistent/zsh\"];" },
		{ "b.conf", "id=\"bb\"; source=\"m\"; run=[\"/bin/sh\"];" },
		{ "b.conf~", "garbage" }, { ".b.conf", "garbage" }, { NULL, NULL } };
	struct langs *l = NULL;
	struct err e = { 0 };

	(void)state;
	CHECK_OK(load(files, &l, &e), e);
	CHECK_INT("count", langs_count(l), 3);
	CHECK_STR("sorted by id", langs_at(l, 0)->id, "bb");
	CHECK_STR("sorted by id", langs_at(l, 1)->id, "cpp");
	CHECK_STR("sorted by id", langs_at(l, 2)->id, "zsh");
	const struct lang *c = langs_find(l, "g++");
	assert_ptr_equal(c, langs_at(l, 1));
	CHECK_STR("name", c->name, "C++ (g++)");
	CHECK_STR("source", c->source, "main.cpp");
	assert_true(c->compiled && c->installed);
	CHECK_INT("floor", c->floor.memory_bytes, 64 << 20);
	CHECK_INT("no floor", c->floor.processes, 0);
	CHECK_INT("compile floor", c->compile_floor.processes, 9);
	assert_true(words_has(&c->options, "-O2") && !words_has(&c->options, "-O3"));
	CHECK_STR("hello", c->selftest.hello, "h");
	CHECK_STR("threads", c->selftest.threads, "th");
	assert_true(!langs_at(l, 2)->installed && !langs_at(l, 2)->compiled);
	CHECK_STR("a name for want of one", langs_at(l, 2)->name, "zsh");
	assert_null(langs_find(l, "C++"));
	assert_null(langs_find(l, ""));
	langs_free(l);
}

#define OK_A "id=\"aa\"; source=\"m\"; run=[\"x\"]; aliases=[\"al\"];"

static const struct {
	const char *what;
	struct sample files[3];
	const char *where, *message; /* "DIR/" + where + message */
} bad[] = {
	{ "unknown key", { { "a.conf", "id=\"a\";\ncolour=1;" } },
	    "a.conf:2: ", "unknown key 'colour'" },
	{ "a key of neither reader", { { "a.conf", OK_A "\nproc=false;" } },
	    "a.conf:2: ", "unknown key 'proc'" },
	{ "unknown limit", { { "a.conf", OK_A "\nfloor={\nspeed=1; };" } },
	    "a.conf:3: ", "unknown key 'speed'" },
	{ "unknown self-test", { { "a.conf", OK_A "\nselftest={ bye=\"\"; };" } },
	    "a.conf:2: ", "unknown key 'bye'" },
	{ "syntax", { { "a.conf", "id=\"a\";\n?" } }, "a.conf:2: ", "syntax error" },
	{ "no id", { { "a.conf", "source=\"m\"; run=[\"x\"];" } },
	    "a.conf:0: ", "id: 1 to 31 of a-z 0-9 . + # _ -" },
	{ "capitals", { { "a.conf", "id=\"Aa\"; source=\"m\"; run=[\"x\"];" } },
	    "a.conf:1: ", "id: 1 to 31 of a-z 0-9 . + # _ -" },
	{ "alias with a blank",
	    { { "a.conf", "id=\"a\"; source=\"m\"; run=[\"x\"];\naliases=[\"b c\"];" } },
	    "a.conf:2: ", "aliases: 'b c' is not 1 to 31 of a-z 0-9 . + # _ -" },
	{ "source climbs", { { "a.conf", "id=\"a\"; source=\"../m\"; run=[\"x\"];" } },
	    "a.conf:1: ",
	    "source: a file name is relative and plain: letters, digits, . _ + - $ and "
	    "/" },
	{ "nothing to run", { { "a.conf", "id=\"a\"; source=\"m\";\nrun=[];" } },
	    "a.conf:2: ", "run: must name a program" },
	{ "named by nobody knows what", { { "a.conf", OK_A "\nnamed_by = \"kotlin\";" } },
	    "a.conf:2: ", "named_by: 'kotlin' is not java" },
	{ "wrong kind", { { "a.conf", "id=7;" } }, "a.conf:1: ", "id: must be a string" },
	{ "id twice", { { "a.conf", OK_A }, { "b.conf", OK_A } },
	    "b.conf:1: ", "'aa' is a name of language 'aa' already" },
	{ "alias twice",
	    { { "a.conf", OK_A },
		{ "b.conf",
		    "id=\"bb\"; source=\"m\"; run=[\"x\"];\naliases=[\"al\"];" } },
	    "b.conf:2: ", "'al' of language 'bb' is a name of language 'aa' already" },
	{ "id is another's alias",
	    { { "a.conf", OK_A }, { "b.conf", "id=\"al\"; source=\"m\"; run=[\"x\"];" } },
	    "b.conf:1: ", "'al' is a name of language 'aa' already" },
};

static void
bad_files_are_refused_with_their_line(void **state)
{
	(void)state;
	for (unsigned i = 0; i < LENGTH(bad); i++) {
		struct sample files[4] = { { NULL, NULL } };
		struct langs *l = NULL;
		struct err e = { 0 };
		char want[240];

		memcpy(files, bad[i].files, sizeof(bad[i].files));
		CHECK_INT(bad[i].what, load(files, &l, &e), -1);
		assert_null(l);
		assert_memory_equal(e.msg, "/tmp/judgebox-test-", 19);
		snprintf(want, sizeof(want), "%s%s", bad[i].where, bad[i].message);
		CHECK_STR(bad[i].what, e.msg + sizeof(DIR_TEMPLATE), want);
		assert_int_equal(e.code, ERR_BAD_INPUT);
	}
}

static void
a_directory_must_be_there(void **state)
{
	struct langs *l = NULL;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(langs_load("/nonexistent/languages.d", &l, &e), -1);
	CHECK_STR("message", e.msg, "read directory /nonexistent/languages.d");
	assert_true(e.sys != 0);
}

static void
an_empty_directory_has_no_languages(void **state)
{
	const struct sample none[] = { { NULL, NULL } };
	struct langs *l = NULL;
	struct err e = { 0 };

	(void)state;
	CHECK_OK(load(none, &l, &e), e);
	CHECK_INT("count", langs_count(l), 0);
	assert_null(langs_find(l, "cpp"));
	langs_free(l);
}

/* The files that are installed must be ones that this reader takes. */
static void
our_own_files_are_good(void **state)
{
	const char *src = getenv("SRCDIR");
	struct langs *l = NULL;
	struct err e = { 0 };
	char dir[512];

	(void)state;
	if (src == NULL)
		skip(); /* not run by make check */
	snprintf(dir, sizeof(dir), "%s/sandbox/languages", src);
	CHECK_OK(langs_load(dir, &l, &e), e);
	assert_true(langs_count(l) >= 6);
	for (unsigned i = 0; i < langs_count(l); i++) {
		const struct lang *lang = langs_at(l, i);

		if (lang->selftest.hello[0] == '\0' || lang->selftest.echo[0] == '\0')
			fail_msg("%s: has no self-test", lang->id);
		CHECK_INT(
		    lang->id, lang->compiled, lang->selftest.compile_error[0] != '\0');
	}
	langs_free(l);
}

static void
a_program_is_looked_for_at_home(void **state)
{
	static const struct {
		const char *text;
		bool installed;
	} cases[] = {
		{ "home=[\"/nonexistent\",\"/usr\"]; run=[\"{home}/bin/env\"];", true },
		{ "home=[\"/nonexistent\"]; run=[\"{home}/bin/env\"];", false },
		{ "home=[\"/usr\"]; run=[\"./m\"]; version=[\"{home}/bin/none\"];",
		    false },
		{ "run=[\"{home}/bin/env\"];", true }, /* made by its compiler, maybe */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[256];
		struct langs *l = NULL;
		struct err e = { 0 };

		snprintf(
		    text, sizeof(text), "id=\"bb\"; source=\"m\"; %s", cases[i].text);
		const struct sample files[] = { { "b.conf", text }, { NULL, NULL } };
		CHECK_OK(load(files, &l, &e), e);
		CHECK_INT(cases[i].text, langs_at(l, 0)->installed, cases[i].installed);
		langs_free(l);
	}
}

/* In a mount namespace of our own, with everything as under NoExecPaths=/. */
static int
load_without_exec(const char *dir)
{
	char program[128], text[256];
	struct langs *l = NULL;
	struct err e = { 0 };

	if (unshare(CLONE_NEWNS) == -1 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1 ||
	    mount("test", dir, "tmpfs", MS_NOEXEC, NULL) == -1)
		return 2;
	snprintf(program, sizeof(program), "%s/program", dir);
	snprintf(text, sizeof(text), "id=\"bb\"; source=\"m\"; run=[\"%s\"];", program);
	FILE *file = fopen(program, "w");
	if (file == NULL || fclose(file) != 0)
		return 3;
	const struct sample files[] = { { "b.conf", text }, { NULL, NULL } };
	if (load(files, &l, &e) == -1 || langs_at(l, 0)->installed)
		return 4; /* a file that nobody may execute is no program */
	langs_free(l);
	if (chmod(program, 0755) == -1 || access(program, X_OK) == 0)
		return 5;
	return load(files, &l, &e) == 0 && langs_at(l, 0)->installed ? 0 : 6;
}

static void
a_program_need_not_be_executable_by_us(void **state)
{
	char dir[] = DIR_TEMPLATE;
	int status;

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_non_null(mkdtemp(dir));
	pid_t pid = fork();
	if (pid == 0)
		_exit(load_without_exec(dir));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	rmdir(dir);
	assert_int_equal(status, 0);
}

/* --- which name a Java source wants --- */

#define MAIN "{ public static void main(String[] a) { } }"

static const struct {
	const char *what, *code, *name; /* NULL: what the language file says */
} sources[] = {
	{ "the usual", "public class Main " MAIN, "Main" },
	{ "another", "public class Code " MAIN, "Code" },
	{ "an interface", "public interface Code " MAIN, "Code" },
	{ "an enum", "public enum Code { A; static void main() {} }", "Code" },
	{ "a record", "public record Code(int a) " MAIN, "Code" },
	{ "an annotation", "public @interface Code { }", "Code" },
	{ "modifiers", "public\n\tstrictfp final class Code<T extends List<T>>" MAIN,
	    "Code" },
	{ "sealed", "public sealed interface S permits A, B { } non-sealed class A { }",
	    "S" },
	{ "public behind others", "abstract public class Code { }", "Code" },
	{ "not the first", "class A { public int x; } enum B { } public class Code " MAIN,
	    "Code" },
	{ "two public ones", "public class A { } public class B { }", "A" },
	{ "a nested one", "class A { public class B { } } public class C { }", "C" },
	{ "only a nested one", "class A { public class B { } }", NULL },
	{ "without blanks", "import java.util.*;public class Code{}", "Code" },
	{ "a package", "package org.example;\npublic class Code " MAIN,
	    "org/example/Code" },
	{ "a package of one word", "package a; class Main " MAIN, "a/Main" },
	{ "blanks in a package",
	    "/* x */ package\n a /* . */ . b\t; public class Code { }", "a/b/Code" },
	{ "a package without a class", "package a.b;", "a/b/Main" },
	{ "a package with an import", "package a; import b.C; public class D { }",
	    "a/D" },
	{ "the word in a comment", "// package a;\npublic class Code { }", "Code" },
	{ "a package that goes up", "package ../a; public class Code { }", NULL },
	{ "an absolute package", "package /a; public class Code { }", NULL },
	{ "an empty word in a package", "package a..b; public class Code { }", NULL },
	{ "no word in a package", "package ; public class Code { }", NULL },
	{ "a dot at a package's end", "package a.; public class Code { }", NULL },
	{ "two words in a package", "package a b; public class Code { }", NULL },
	{ "a number in a package", "package a.1b; public class Code { }", NULL },
	{ "a package that is not ASCII", "package \xc3\xbc; public class Code { }",
	    NULL },
	{ "an escape in a package", "package \\u0061; public class Code { }", NULL },
	{ "a package without an end", "package a.b", "a/b/Main" },
	{ "a package that is too deep",
	    "package a.b.c.d.e.f.g.h.i; public class Code { }", "Code" },
	{ "an import that looks like one",
	    "import a.record.B; import static public_.C.class_;"
	    "public class Code { }",
	    "Code" },
	{ "annotations",
	    "@A(x = \"public class B {\", y = {1, C.class}) @b.D public class Code { }",
	    "Code" },
	{ "an annotation called record", "@record public class Code { }", "Code" },
	{ "comments",
	    "// public class A\n/* public class B { */ public /*x*/ class //\n Code {}",
	    "Code" },
	{ "a comment that never ends", "/* public class B { }", NULL },
	{ "brackets in literals",
	    "class A { char c = '{', d = '\\'', e = '\"'; String s = \"}{\\\"{\"; }"
	    "public class Code { }",
	    "Code" },
	{ "a text block",
	    "class A { String s = \"\"\"\n } \" public class B { \\\"\"\" \"\"\"; }"
	    "public class Code { }",
	    "Code" },
	{ "a string without an end",
	    "class A { String s = \"{ ; }\n public class Code { }", NULL },
	{ "none public, the usual", "class A " MAIN " class Main " MAIN, NULL },
	{ "none public, one starts",
	    "class Node { int main; } class Code " MAIN " class B " MAIN, "Code" },
	{ "none public, none starts", "class A { } class B { void mains() { } }", NULL },
	{ "main of a nested one", "class A { class B " MAIN " }", NULL },
	{ "main without a class", "void main() { }", NULL },
	{ "letters, digits, $", "public class _$9aZ { }", "_$9aZ" },
	{ "a name that is none", "public class 9a { }", NULL },
	{ "a path", "public class ../../x { }", NULL },
	{ "a folder", "public class a/b { }", "a" },
	{ "an option", "public class -jar { }", NULL },
	{ "an argument file", "public class @x { }", NULL },
	{ "a word for a shell", "public class $(id) { }", "$" },
	{ "not ASCII", "public class \xc3\x9c { }", NULL },
	{ "an escape in the name", "public class C\\u006fde { }", NULL },
	{ "an escape for a blank", "public class Code\\u0020{ }", NULL },
	{ "an escape in a literal", "public class Code { char c = '\\u0041'; }", "Code" },
	{ "no name", "public class", NULL },
	{ "no name but a brace", "public class {", NULL },
	{ "nothing", "", NULL },
	{ "closing first", "}}) public class Code { }", "Code" },
};

static void
the_public_type_names_the_file(void **state)
{
	struct lang java = { .source = "Main.java", .named_by = "java" };
	char name[PATH_NAME_MAX + 1], want[PATH_NAME_MAX + 8];

	(void)state;
	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		const char *code = sources[i].code;

		lang_main_file(
		    &java, code[0] != '\0' ? code : NULL, strlen(code), false, name);
		snprintf(want, sizeof(want), "%s.java",
		    sources[i].name != NULL ? sources[i].name : "Main");
		CHECK_STR(sources[i].what, name, want);
	}
}

static void
no_name_is_too_long(void **state)
{
	struct lang java = { .source = "Main.java", .named_by = "java" };
	char code[400], name[PATH_NAME_MAX + 1], letters[201];
	struct err e;

	(void)state;
	memset(letters, 'x', sizeof(letters));
	for (int n = 90; n < 200; n++) {
		int len =
		    snprintf(code, sizeof(code), "public class %.*s { }", n, letters);

		lang_main_file(&java, code, (size_t)len, false, name);
		assert_int_equal(path_check_name(name, strlen(name), &e), 0);
		assert_int_equal(strlen(name), n > 100 ? 9 : n + 5);
	}
	/* a NUL is a mark like any other, and ends nothing */
	lang_main_file(&java, "\0public class Code { }", 22, false, name);
	CHECK_STR("NUL", name, "Code.java");
	lang_main_file(&java, "public class Co\0de { }", 22, false, name);
	CHECK_STR("NUL in a name", name, "Co.java");
}

/* A client's own name stays, in the directories where java looks for it. */
static void
a_named_file_lies_in_its_package(void **state)
{
	static const struct {
		const char *name, *code, *want;
	} cases[] = {
		{ "Main.java", "public class Other { }", "Main.java" },
		{ "Main.java", "package a.b; class Main { }", "a/b/Main.java" },
		{ "a/b/Main.java", "package a.b; class Main { }", "a/b/Main.java" },
		{ "src/a/b/Main.java", "package a.b; class Main { }", "a/b/Main.java" },
		{ "src/Main.java", "class Main { }", "Main.java" },
		{ "src/Main.java", "", "src/Main.java" },
		{ "src/Main.java", "package \\u0061;", "src/Main.java" },
		{ "../Main.java", "class Main { }", "../Main.java" }, /* to be refused */
		{ "/etc/Main.java", "package a;", "/etc/Main.java" },
	};
	struct lang java = { .source = "Main.java", .named_by = "java" };
	struct lang c = { .source = "main.c" };
	char name[PATH_NAME_MAX + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *code = cases[i].code;

		snprintf(name, sizeof(name), "%s", cases[i].name);
		lang_main_file(&java, code, strlen(code), true, name);
		CHECK_STR(cases[i].code, name, cases[i].want);
	}
	snprintf(name, sizeof(name), "src/main.c");
	lang_main_file(&c, "package a;", 10, true, name);
	CHECK_STR("C", name, "src/main.c");
}

/* A name and a package that are both as long as they may be. */
static void
long_packages_end_nowhere_else(void **state)
{
	struct lang java = { .source = "Main.java", .named_by = "java" };
	char code[400], name[PATH_NAME_MAX + 1], letters[101];
	struct err e;

	(void)state;
	memset(letters, 'x', sizeof(letters));
	for (int n = 1; n <= 100; n++)
		for (int m = 95; m <= 100; m++) {
			int len = snprintf(code, sizeof(code),
			    "package %.*s; public class %.*s { }", m, letters, n,
			    letters);

			lang_main_file(&java, code, (size_t)len, false, name);
			assert_int_equal(path_check_name(name, strlen(name), &e), 0);
			bool fits = m < 100 && m + 1 + n + 5 <= PATH_NAME_MAX;
			assert_int_equal(
			    strlen(name), m == 100 ? 9 : n + 5 + (fits ? m + 1 : 0));
		}
}

static void
other_languages_keep_their_name(void **state)
{
	struct lang c = { .source = "main.c" };
	char name[PATH_NAME_MAX + 1];

	(void)state;
	lang_main_file(&c, "public class Code { }", 21, false, name);
	CHECK_STR("C", name, "main.c");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_public_half_is_read),
		cmocka_unit_test(the_public_type_names_the_file),
		cmocka_unit_test(no_name_is_too_long),
		cmocka_unit_test(a_named_file_lies_in_its_package),
		cmocka_unit_test(long_packages_end_nowhere_else),
		cmocka_unit_test(other_languages_keep_their_name),
		cmocka_unit_test(bad_files_are_refused_with_their_line),
		cmocka_unit_test(a_directory_must_be_there),
		cmocka_unit_test(an_empty_directory_has_no_languages),
		cmocka_unit_test(our_own_files_are_good),
		cmocka_unit_test(a_program_is_looked_for_at_home),
		cmocka_unit_test(a_program_need_not_be_executable_by_us),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
