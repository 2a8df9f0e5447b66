#include "lang/lang.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/conf.h"
#include "base/path.h"
#include "base/scope.h"
#include "lang/java.h"

#define LANGS_MAX 256

struct langs {
	struct lang *all; /* [count], sorted by id once loading is over */
	unsigned count;
};

/* A language file as it is written: the public half, and of the helper's half what says
 * whether the language's programs are here. */
struct file {
	struct lang lang;
	struct words home, version, compile, run;
};

#define FILE_ROW(kind, member, help) CONF_ROW(kind, struct file, member, 0, 0, help)
#define LANG_ROW(kind_, member, help_)                                                   \
	{                                                                                \
		.name = #member, .kind = CONF_##kind_,                                   \
		.offset = offsetof(struct file, lang.member),                            \
		.size = sizeof(((struct file *)0)->lang.member), .help = (help_)         \
	}
#define HELPER_ROW(name_)                                                                \
	{                                                                                \
		.name = (name_), .kind = CONF_SKIP, .help = "the helper's"               \
	}

static const struct conf_key file_keys[] = {
	LANG_ROW(TEXT, id, "name in requests and answers"),
	LANG_ROW(TEXT, name, "name for people"),
	LANG_ROW(WORDS, aliases, "further names in requests"),
	LANG_ROW(WORDS, extensions, "of source files"),
	FILE_ROW(WORDS, version, "prints the version"),
	LANG_ROW(TEXT, source, "name of the main file"),
	LANG_ROW(TEXT, named_by, "what names it otherwise: java"),
	FILE_ROW(WORDS, compile, "absent: interpreted"),
	HELPER_ROW("artifact"),
	FILE_ROW(WORDS, run, "runs one test"),
	HELPER_ROW("env"),
	HELPER_ROW("paths"),
	HELPER_ROW("class"),
	HELPER_ROW("compile_class"),
	HELPER_ROW("prefer"),
	FILE_ROW(WORDS, home, "directories; {home} is the first that is there"),
	HELPER_ROW("prepare"),
	HELPER_ROW("heap_reserve"),
	HELPER_ROW("warm"),
	LANG_ROW(WORDS, options, "compile options a client may ask for"),
	{ .name = "floor", .kind = CONF_GROUP },
	{ .name = "compile_floor", .kind = CONF_GROUP },
	{ .name = "selftest", .kind = CONF_GROUP },
	{ .name = NULL },
};

#define TEST_ROW(member) CONF_ROW(TEXT, struct lang_selftest, member, 0, 0, "a program")

static const struct conf_key selftest_keys[] = {
	TEST_ROW(hello),
	TEST_ROW(echo),
	TEST_ROW(compile_error),
	TEST_ROW(runtime_error),
	TEST_ROW(time_limit),
	TEST_ROW(threads),
	{ .name = NULL },
};

/* Requests are matched in lower case, so a name with capitals could never be asked for.
 */
static bool
is_name(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789.+#_-");

	return n > 0 && n < LANG_ID_MAX && s[n] == '\0';
}

/* Only absolute words name programs of this machine; "./main" is made by the compiler.
 * Not access(X_OK): it asks whether we may execute it, and where the service manager
 * forbids us to (NoExecPaths=) a box still can. */
static bool
has_program(const struct words *argv)
{
	const char *program = words_next(argv, NULL);
	struct stat st;

	if (program == NULL || program[0] != '/')
		return true;
	return stat(program, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 0111) != 0;
}

/* Of the words of a command only the first matters here. */
static bool
is_installed(struct file *f)
{
	const char *home = words_first_present(&f->home);
	struct words *const all[] = { &f->version, &f->compile, &f->run };
	struct err none = { 0 };

	for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (home != NULL && words_fill(all[i], "{home}", home, &none) == -1)
			return false;
		if (!has_program(all[i]))
			return false;
	}
	return true;
}

static int
check_file(const struct conf *c, const struct file *f, struct err *e)
{
	const struct lang *l = &f->lang;

	if (!is_name(l->id))
		return conf_fault(
		    c, "id", e, "id: 1 to %d of a-z 0-9 . + # _ -", LANG_ID_MAX - 1);
	for (const char *a = words_next(&l->aliases, NULL); a != NULL;
	     a = words_next(&l->aliases, a))
		if (!is_name(a))
			return conf_fault(c, "aliases", e,
			    "aliases: '%.40s' is not 1 to %d of a-z 0-9 . + # _ -", a,
			    LANG_ID_MAX - 1);
	struct err why = { 0 };
	if (path_check_name(l->source, strlen(l->source), &why) == -1)
		return conf_fault(c, "source", e, "source: %s", why.msg);
	if (l->named_by[0] != '\0' && strcmp(l->named_by, "java") != 0)
		return conf_fault(
		    c, "named_by", e, "named_by: '%.15s' is not java", l->named_by);
	if (f->run.count == 0)
		return conf_fault(c, "run", e, "run: must name a program");
	return 0;
}

static int
check_unique(
    const struct conf *c, const struct langs *l, const struct lang *new, struct err *e)
{
	const struct lang *old = langs_find(l, new->id);

	if (old != NULL)
		return conf_fault(c, "id", e, "'%s' is a name of language '%s' already",
		    new->id, old->id);
	for (const char *a = words_next(&new->aliases, NULL); a != NULL;
	     a = words_next(&new->aliases, a)) {
		old = langs_find(l, a);
		if (old != NULL)
			return conf_fault(c, "aliases", e,
			    "'%s' of language '%s' is a name of language '%s' already", a,
			    new->id, old->id);
	}
	return 0;
}

static int
read_file(const char *path, struct langs *l, struct err *e)
{
	scope_conf c = NULL;
	scope_free struct file *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return err_sys(e, "calloc");
	if (conf_open(path, &c, e) == -1 || conf_read(c, NULL, file_keys, f, e) == -1 ||
	    conf_read(c, "floor", limits_keys, &f->lang.floor, e) == -1 ||
	    conf_read(c, "compile_floor", limits_keys, &f->lang.compile_floor, e) == -1 ||
	    conf_read(c, "selftest", selftest_keys, &f->lang.selftest, e) == -1 ||
	    check_file(c, f, e) == -1 || check_unique(c, l, &f->lang, e) == -1)
		return -1;
	if (l->count == LANGS_MAX)
		return err_set(
		    e, ERR_OVER_LIMIT, "%s: more than %d languages", path, LANGS_MAX);
	if (f->lang.name[0] == '\0')
		snprintf(f->lang.name, sizeof(f->lang.name), "%s", f->lang.id);
	f->lang.compiled = f->compile.count > 0;
	f->lang.installed = is_installed(f);
	l->all[l->count++] = f->lang;
	return 0;
}

/* A package manager's leftovers (.cpp.conf.dpkg-new) and editors' (cpp.conf~) stay out.
 */
static int
is_language_file(const struct dirent *d)
{
	size_t len = strlen(d->d_name);

	return d->d_name[0] != '.' && len > 5 &&
	       strcmp(d->d_name + len - 5, ".conf") == 0;
}

static int
by_id(const void *a, const void *b)
{
	return strcmp(((const struct lang *)a)->id, ((const struct lang *)b)->id);
}

static int
read_all(
    const char *dir, struct dirent **names, int count, struct langs *l, struct err *e)
{
	for (int i = 0; i < count; i++) {
		char path[512];

		if (snprintf(path, sizeof(path), "%s/%s", dir, names[i]->d_name) >=
		    (int)sizeof(path))
			return err_set(e, ERR_BAD_INPUT, "%s: path too long", dir);
		if (read_file(path, l, e) == -1)
			return -1;
	}
	if (l->count > 0)
		qsort(l->all, l->count, sizeof(*l->all), by_id);
	return 0;
}

int
langs_load(const char *dir, struct langs **out, struct err *e)
{
	struct dirent **names = NULL;
	int count = scandir(dir, &names, is_language_file, alphasort);
	if (count == -1)
		return err_sys(e, "read directory %s", dir);

	struct langs *l = calloc(1, sizeof(*l));
	if (l != NULL)
		l->all = calloc(
		    (size_t)(count < LANGS_MAX ? count : LANGS_MAX) + 1, sizeof(*l->all));
	int failed = l == NULL || l->all == NULL ? err_sys(e, "calloc")
						 : read_all(dir, names, count, l, e);
	for (int i = 0; i < count; i++)
		free(names[i]);
	free(names);
	if (failed == -1) {
		langs_free(l);
		return -1;
	}
	*out = l;
	return 0;
}

void
langs_free(struct langs *l)
{
	if (l == NULL)
		return;
	free(l->all);
	free(l);
}

unsigned
langs_count(const struct langs *l)
{
	return l->count;
}

const struct lang *
langs_at(const struct langs *l, unsigned i)
{
	return &l->all[i];
}

const struct lang *
langs_find(const struct langs *l, const char *name)
{
	for (unsigned i = 0; i < l->count; i++)
		if (strcmp(l->all[i].id, name) == 0 ||
		    words_has(&l->all[i].aliases, name))
			return &l->all[i];
	return NULL;
}

/* javac takes a file anywhere, java finds the class by its package: so there it goes. */
static void
place_java(const struct lang *l, const char *code, size_t len, bool named,
    char name[PATH_NAME_MAX + 1])
{
	const char *dot = strrchr(l->source, '.'), *slash = strrchr(name, '/');
	int stem = dot != NULL ? (int)(dot - l->source) : (int)strlen(l->source);
	char usual[sizeof(l->source)], base[PATH_NAME_MAX + 1],
	    full[JAVA_NAME_MAX + PATH_NAME_MAX + 2];
	struct java_source java;
	struct err e;

	snprintf(usual, sizeof(usual), "%.*s", stem, l->source);
	/* what may not be a name at all is left to be refused */
	if (path_check_name(name, strlen(name), &e) == -1 ||
	    !java_look(code, len, usual, &java))
		return;
	if (!named && java.type[0] != '\0')
		snprintf(base, sizeof(base), "%s%s", java.type, l->source + stem);
	else
		snprintf(base, sizeof(base), "%s", slash != NULL ? slash + 1 : name);
	snprintf(full, sizeof(full), "%s%s", java.folder, base);
	snprintf(name, PATH_NAME_MAX + 1, "%s",
	    path_check_name(full, strlen(full), &e) == 0 ? full : base);
}

void
lang_main_file(const struct lang *l, const char *code, size_t len, bool named,
    char name[PATH_NAME_MAX + 1])
{
	if (!named)
		snprintf(name, PATH_NAME_MAX + 1, "%s", l->source);
	if (l->named_by[0] != '\0')
		place_java(l, code, len, named, name);
}
