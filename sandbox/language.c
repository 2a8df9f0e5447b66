#include "sandbox/language.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/conf.h"
#include "base/path.h"
#include "base/scope.h"
#include "sandbox/warm/frozen.h"

struct languages {
	struct language *item[LANGUAGES_MAX]; /* owned, each with its lists */
	unsigned count;
};

/* What a language keeps of a file as lists. */
#define LISTS(X)                                                                         \
	X(extensions) X(compile) X(run) X(version) X(env) X(paths) X(options) X(prefer)

struct file {
	struct language lang; /* all but its lists */
#define MEMBER(name) struct words name;
	LISTS(MEMBER)
#undef MEMBER
	char class[32], compile_class[32];
	struct words home; /* directories, and {home} is the first that is there */
};

static const struct conf_key keys[] = {
	{ "id", CONF_TEXT, offsetof(struct file, lang.id),
	    sizeof(((struct language *)0)->id), 0, 0, "name on the wire" },
	{ "source", CONF_TEXT, offsetof(struct file, lang.source),
	    sizeof(((struct language *)0)->source), 0, 0, "name of the main file" },
	{ "artifact", CONF_TEXT, offsetof(struct file, lang.artifact),
	    sizeof(((struct language *)0)->artifact), 0, 0, "what the compiler leaves" },
	{ "extensions", CONF_WORDS, offsetof(struct file, extensions), 0, 0, 0, "" },
	{ "compile", CONF_WORDS, offsetof(struct file, compile), 0, 0, 0, "" },
	{ "run", CONF_WORDS, offsetof(struct file, run), 0, 0, 0, "" },
	{ "version", CONF_WORDS, offsetof(struct file, version), 0, 0, 0, "" },
	{ "env", CONF_WORDS, offsetof(struct file, env), 0, 0, 0, "" },
	{ "paths", CONF_WORDS, offsetof(struct file, paths), 0, 0, 0, "" },
	{ "options", CONF_WORDS, offsetof(struct file, options), 0, 0, 0, "" },
	{ "prefer", CONF_WORDS, offsetof(struct file, prefer), 0, 0, 0, "" },
	{ "home", CONF_WORDS, offsetof(struct file, home), 0, 0, 0, "" },
	{ "heap_reserve", CONF_BYTES, offsetof(struct file, lang.heap_reserve), 8, 0,
	    1ULL << 34, "memory that is not heap" },
	{ "warm", CONF_BOOL, offsetof(struct file, lang.warm), sizeof(bool), 0, 0, "" },
	{ "class", CONF_TEXT, offsetof(struct file, class), 32, 0, 0, "seccomp class" },
	{ "compile_class", CONF_TEXT, offsetof(struct file, compile_class), 32, 0, 0,
	    "" },
	{ .name = "prepare", .kind = CONF_GROUP },
	/* the public half, read by the application */
	{ .name = "name", .kind = CONF_SKIP },
	{ .name = "aliases", .kind = CONF_SKIP },
	{ .name = "named_by", .kind = CONF_SKIP },
	{ .name = "floor", .kind = CONF_SKIP },
	{ .name = "compile_floor", .kind = CONF_SKIP },
	{ .name = "selftest", .kind = CONF_SKIP },
	{ .name = NULL },
};

static const struct conf_key prepare_keys[] = {
	CONF_ROW(WORDS, struct language_prepare, files, 0, 0, "names and sources"),
	CONF_ROW(WORDS, struct language_prepare, command, 0, 0, ""),
	CONF_ROW(TEXT, struct language_prepare, unless, 0, 0, "a file"),
	CONF_ROW(WORDS, struct language_prepare, of, 0, 0, "files"),
	CONF_ROW(WORDS, struct language_prepare, words, 0, 0, ""),
	CONF_ROW(WORDS, struct language_prepare, sets, 0, 0, "compile options"),
	CONF_ROW(WORDS, struct language_prepare, beside, 0, 0, "harmless options"),
	CONF_ROW(BOOL, struct language_prepare, quiet, 0, 0, ""),
	{ .name = NULL },
};

/* "file", or "tree/" */
static int
check_made_name(const char *name, struct err *e)
{
	char plain[PATH_NAME_MAX + 2];
	size_t n = strlen(name) - (language_prepares_tree(name) ? 1 : 0);

	snprintf(plain, sizeof(plain), "%.*s", (int)n, name);
	return path_check_name(plain, n, e);
}

/* It lies beside the source. */
static int
settle_library(struct language_prepare *p, struct err *e)
{
	static const char token[] = "{library}";

	for (const char *w = words_next(&p->command, NULL); w != NULL;
	     w = words_next(&p->command, w))
		p->loads = p->loads || strstr(w, token) != NULL;
	return words_fill(&p->command, token, "/work/" FROZEN_LIBRARY, e);
}

static int
read_prepare(const struct conf *c, struct file *f, struct err *e)
{
	struct words names;

	if (conf_names(c, "prepare", &names, e) == -1)
		return -1;
	if (names.count == 0)
		return 0;
	scope_free struct language_prepare *p = calloc(1, sizeof(*p));
	if (p == NULL)
		return err_sys(e, "calloc");
	if (conf_read(c, "prepare", prepare_keys, p, e) == -1)
		return -1;
	if (f->compile.count == 0 || p->files.count == 0 || p->files.count % 2 != 0 ||
	    p->command.count == 0 || p->words.count == 0 || p->sets.count == 0)
		return conf_fault(c, "prepare", e,
		    "prepare: needs compile, pairs of files, command, words and sets");
	if (settle_library(p, e) == -1)
		return -1;
	if (p->of.count > LANGUAGE_OF_MAX)
		return conf_fault(c, "prepare", e, "prepare: of names %d files at most",
		    LANGUAGE_OF_MAX);
	for (const char *n = words_next(&p->files, NULL); n != NULL;
	     n = words_next(&p->files, words_next(&p->files, n)))
		if (check_made_name(n, e) == -1)
			return conf_fault(
			    c, "prepare", e, "prepare: '%.60s' is not a plain name", n);
	f->lang.prepare = take_ptr(&p);
	return 0;
}

static int
check_language(const struct conf *c, struct file *f, struct err *e)
{
	struct language *l = &f->lang;
	int class = seccomp_class_of(f->class);
	int compile_class = seccomp_class_of(f->compile_class);

	if (l->id[0] == '\0' || f->run.count == 0 || l->source[0] == '\0')
		return conf_fault(c, NULL, e, "id, source and run are required");
	if (path_check_name(l->source, strlen(l->source), e) == -1)
		return conf_fault(c, "source", e, "source: not a plain file name");
	if (class == -1)
		return conf_fault(
		    c, "class", e, "class: no seccomp class '%s'", f->class);
	if ((f->compile.count == 0) != (l->artifact[0] == '\0'))
		return conf_fault(c, NULL, e, "compile and artifact go together");
	if (f->compile.count > 0 && compile_class == -1)
		return conf_fault(c, "compile_class", e,
		    "compile_class: no seccomp class '%s'", f->compile_class);
	if (f->prefer.count % 2 != 0)
		return conf_fault(c, "prefer", e, "prefer: a file and a word, in pairs");
	for (const char *p = words_next(&f->paths, NULL); p != NULL;
	     p = words_next(&f->paths, p))
		if (p[0] != '/' || strstr(p, "..") != NULL)
			return conf_fault(
			    c, "paths", e, "paths: '%s' is not absolute", p);
	for (const char *v = words_next(&f->env, NULL); v != NULL;
	     v = words_next(&f->env, v))
		if (strchr(v, '=') == NULL || v[0] == '=')
			return conf_fault(
			    c, "env", e, "env: '%.40s' is not NAME=value", v);
	l->class = (enum seccomp_class) class;
	l->compile_class =
	    compile_class == -1 ? l->class : (enum seccomp_class)compile_class;
	return 0;
}

static int
digest_of_file(const char *path, struct digest *out, struct err *e)
{
	struct stat st;

	scope_fd fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1 || fstat(fd, &st) == -1)
		return err_sys(e, "read %s", path);
	struct digest_maker *m = digest_begin(e);
	if (m != NULL && digest_file(m, fd, 0, (uint64_t)st.st_size, e) == -1) {
		digest_end(m, NULL, e);
		return -1;
	}
	return digest_end(m, out, e);
}

/* What the lists of commands call {home}: the same as the application takes. */
static int
settle_home(const struct conf *c, struct file *f, struct err *e)
{
	struct language_prepare *p = f->lang.prepare;
	struct words *const all[] = { &f->version, &f->compile, &f->run, &f->env,
		p != NULL ? &p->command : NULL };
	const char *home = words_first_present(&f->home);

	for (const char *h = words_next(&f->home, NULL); h != NULL;
	     h = words_next(&f->home, h))
		if (h[0] != '/' || strstr(h, "..") != NULL)
			return conf_fault(
			    c, "home", e, "home: '%.60s' is not absolute", h);
	for (unsigned i = 0; home != NULL && i < sizeof(all) / sizeof(all[0]); i++)
		if (all[i] != NULL && words_fill(all[i], "{home}", home, e) == -1)
			return -1;
	return 0;
}

/* In one block, so that free(3) releases it: there are a hundred kilobytes of room for
 * lists in a file, and one of words. */
static struct language *
pack(const struct file *f, struct err *e)
{
	size_t room = 0;

#define MEASURE(name) room += words_room(&f->name);
	LISTS(MEASURE)
#undef MEASURE
	struct language *l = malloc(sizeof(*l) + room);
	if (l == NULL) {
		err_sys(e, "malloc");
		return NULL;
	}
	*l = f->lang;
	char *at = (char *)(l + 1);
#define PACK(name) l->name = words_pack(&f->name, &at);
	LISTS(PACK)
#undef PACK
	return l;
}

static int
load_one(struct languages *all, const char *path, struct err *e)
{
	scope_conf c = NULL;

	if (all->count == LANGUAGES_MAX)
		return err_set(e, ERR_BAD_INPUT, "more than %d languages", LANGUAGES_MAX);
	scope_free struct file *f = calloc(1, sizeof(*f));
	if (f == NULL)
		return err_sys(e, "calloc");
	if (conf_open(path, &c, e) == -1 || conf_read(c, NULL, keys, f, e) == -1 ||
	    check_language(c, f, e) == -1 || digest_of_file(path, &f->lang.file, e) == -1)
		return -1;
	if (languages_find(all, f->lang.id) != NULL)
		return conf_fault(c, "id", e, "id: '%s' is taken", f->lang.id);
	if (read_prepare(c, f, e) == -1)
		return -1;
	f->lang.index = all->count;
	struct language *l = settle_home(c, f, e) == 0 ? pack(f, e) : NULL;
	if (l == NULL) {
		free(f->lang.prepare);
		return -1;
	}
	all->item[all->count++] = l;
	return 0;
}

/* Whoever may write a language file may run anything: root alone. */
static int
check_owner(const char *path, struct err *e)
{
	struct stat st;

	if (stat(path, &st) == -1)
		return err_sys(e, "stat %s", path);
	if (st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return err_set(e, ERR_BAD_INPUT,
		    "%s must belong to root and be writable by nobody else", path);
	return 0;
}

static int
is_conf(const struct dirent *d)
{
	size_t n = strlen(d->d_name);

	return d->d_name[0] != '.' && n > 5 && strcmp(d->d_name + n - 5, ".conf") == 0;
}

int
languages_load(const char *dir, struct languages **out, struct err *e)
{
	struct dirent **names = NULL;
	int r = 0;

	if (check_owner(dir, e) == -1)
		return -1;
	struct languages *l = calloc(1, sizeof(*l));
	if (l == NULL)
		return err_sys(e, "calloc");
	int n = scandir(dir, &names, is_conf, alphasort);
	if (n == -1)
		r = err_sys(e, "read %s", dir);
	for (int i = 0; i < n; i++) {
		char path[600];

		snprintf(path, sizeof(path), "%s/%s", dir, names[i]->d_name);
		free(names[i]);
		if (r == 0 && (check_owner(path, e) == -1 || load_one(l, path, e) == -1))
			r = -1;
	}
	free(names);
	if (r == 0 && l->count == 0)
		r = err_set(e, ERR_BAD_INPUT, "no language file in %s", dir);
	if (r == 0)
		*out = l;
	else
		languages_free(l);
	return r;
}

void
languages_free(struct languages *l)
{
	for (unsigned i = 0; l != NULL && i < l->count; i++) {
		free(l->item[i]->prepare);
		free(l->item[i]);
	}
	free(l);
}

const struct language *
languages_at(const struct languages *l, unsigned i)
{
	return i < l->count ? l->item[i] : NULL;
}

unsigned
languages_count(const struct languages *l)
{
	return l->count;
}

const struct language *
languages_find(const struct languages *l, const char *id)
{
	for (unsigned i = 0; i < l->count; i++)
		if (strcmp(l->item[i]->id, id) == 0)
			return l->item[i];
	return NULL;
}

int
languages_paths(const struct languages *l, struct words *paths, struct err *e)
{
	*paths = (struct words){ 0 };
	for (unsigned i = 0; i < l->count; i++) {
		const struct words *w = l->item[i]->paths;

		for (const char *p = words_next(w, NULL); p != NULL; p = words_next(w, p))
			if (!words_has(paths, p) && words_add(paths, p, e) == -1)
				return -1;
	}
	return 0;
}

bool
language_is_compiled(const struct language *l)
{
	return words_next(l->compile, NULL) != NULL;
}

bool
language_is_source(const struct language *l, const char *file)
{
	size_t n = strlen(file);

	for (const char *x = words_next(l->extensions, NULL); x != NULL;
	     x = words_next(l->extensions, x))
		if (n > strlen(x) && strcmp(file + n - strlen(x), x) == 0)
			return true;
	return false;
}

/* --- prepared files --- */

bool
language_prepares_tree(const char *file)
{
	return file[0] != '\0' && file[strlen(file) - 1] == '/';
}

/* Without those that make no difference, and that the command names anyway, what is left
 * must be one set's: none, or one word. */
int
language_prepared_set(const struct language *l, const struct words *options)
{
	const struct language_prepare *p = l->prepare;
	const char *chosen = NULL;
	int n = 0;

	for (const char *o = words_next(options, NULL); o != NULL;
	     o = words_next(options, o)) {
		if (words_has(&p->beside, o))
			continue;
		if (chosen != NULL)
			return -1; /* two that matter: the last may win, or not */
		chosen = o;
	}
	if (chosen == NULL || words_has(l->compile, chosen))
		chosen = "";
	for (const char *s = words_next(&p->sets, NULL); s != NULL;
	     s = words_next(&p->sets, s), n++)
		if (strcmp(s, chosen) == 0)
			return n;
	return -1;
}

int
language_prepared_words(
    const struct language *l, const char *dir, struct words *out, struct err *e)
{
	for (const char *w = words_next(&l->prepare->words, NULL); w != NULL;
	     w = words_next(&l->prepare->words, w)) {
		const char *at = strstr(w, "{dir}");
		char full[512];

		snprintf(full, sizeof(full), "%.*s%s%s",
		    at != NULL ? (int)(at - w) : (int)strlen(w), w, at != NULL ? dir : "",
		    at != NULL ? at + 5 : "");
		if (words_add(out, full, e) == -1)
			return -1;
	}
	return 0;
}

/* --- environments --- */

/* Two of one name would be the first one's to most who look, and that is ours. */
static bool
names_variable(const struct words *env, const char *variable)
{
	size_t n = strcspn(variable, "=") + 1;

	for (const char *v = words_next(env, NULL); v != NULL; v = words_next(env, v))
		if (strncmp(v, variable, n) == 0)
			return true;
	return false;
}

int
language_environment(const struct language *l, struct words *out, struct err *e)
{
	static const char *const fixed[] = { "PATH=/usr/bin:/bin", "HOME=/work",
		"TMPDIR=/tmp", "LANG=C.UTF-8", "LC_ALL=C.UTF-8", "USER=box",
		"LOGNAME=box", "LIBC_FATAL_STDERR_=1" };
	struct words w = { 0 };

	for (unsigned i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		if (!names_variable(l->env, fixed[i]) && words_add(&w, fixed[i], e) == -1)
			return -1;
	if (words_append(&w, l->env, e) == -1)
		return -1;
	*out = w;
	return 0;
}
