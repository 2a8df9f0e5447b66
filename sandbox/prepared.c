#include "sandbox/prepared.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/scope.h"
#include "sandbox/chore.h"
#include "sandbox/inner.h"
#include "sandbox/kept.h"
#include "sandbox/library.h"
#include "sandbox/making.h"
#include "sandbox/toolchain.h"

#define KEY_FORMAT "judgebox prepared 2"
#define TRIES_MAX  3

enum state {
	ABSENT,
	PRESENT, /* on disk, not looked into yet */
	ASKED,   /* the same, and wanted */
	MAKING,
	READY,
	HOPELESS, /* it cannot be made, or has no room */
};

struct item {
	const struct language *lang;
	const char *file, *source, *set; /* words of the language file */
	unsigned rank;                   /* of the set, in its language */
	char name[DIGEST_HEX];
	struct kept_mark seen; /* before it was looked into */
	enum state state;
	const struct run *run; /* that makes it; NULL: none does */
	unsigned tries;
};

struct prepared {
	const struct config *config;
	const struct languages *languages;
	int dir;
	struct library library; /* if a language asks for it */
	struct item *items;     /* owned; grouped by language */
	unsigned n;
	struct toolchain toolchain[LANGUAGES_MAX]; /* as the names have it */
	struct loop *loop;
	struct chore check;
	unsigned checking;
};

/* --- names --- */

static int
make_name(const struct prepared *p, struct item *it, struct err *e)
{
	const struct toolchain *t = &p->toolchain[it->lang->index];
	struct digest_maker *m = digest_begin(e);
	struct digest key;

	if (m != NULL &&
	    (digest_part(m, KEY_FORMAT, sizeof(KEY_FORMAT), e) == -1 ||
		digest_part(m, &it->lang->file, DIGEST_BYTES, e) == -1 ||
		digest_part(m, t, sizeof(*t), e) == -1 ||
		digest_part(m, it->file, strlen(it->file), e) == -1 ||
		digest_part(m, it->set, strlen(it->set), e) == -1 ||
		(it->lang->prepare->loads &&
		    digest_part(m, p->library.data, p->library.size, e) == -1))) {
		digest_end(m, NULL, e);
		return -1;
	}
	if (digest_end(m, &key, e) == -1)
		return -1;
	digest_hex(&key, it->name);
	return 0;
}

static bool
is_name(const struct prepared *p, const char *name)
{
	for (unsigned i = 0; i < p->n; i++)
		if (strcmp(p->items[i].name, name) == 0)
			return true;
	return false;
}

/* --- the directory --- */

/* Files of compilers that were, and of makings that were cut short. */
static void
remove_strangers(const struct prepared *p)
{
	int fd = openat(p->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd != -1 ? fdopendir(fd) : NULL;

	for (struct dirent *de = d != NULL ? readdir(d) : NULL; de != NULL;
	     de = readdir(d))
		if (strcmp(de->d_name, ".") != 0 && strcmp(de->d_name, "..") != 0 &&
		    !is_name(p, de->d_name))
			kept_remove(p->dir, de->d_name);
	if (d != NULL)
		closedir(d);
}

static void
look_for(const struct prepared *p, struct item *it)
{
	struct err absent = { 0 };

	it->state = ABSENT;
	it->tries = 0;
	it->run = NULL;
	it->seen = (struct kept_mark){ 0 };
	if (kept_look(p->dir, it->name, &it->seen, &absent) == 0)
		it->state = it->set[0] == '\0' ? ASKED : PRESENT;
}

static bool
is_wanted(const struct language *l)
{
	const char *unless = l->prepare->unless;

	return access(words_next(l->compile, NULL), X_OK) == 0 &&
	       (unless[0] == '\0' || access(unless, F_OK) == -1);
}

/* The names of a language's files, and which of them are there.  A compiler that is not
 * there may come, and be seen like one that changed. */
static int
look_again(struct prepared *p, const struct language *l, struct err *e)
{
	toolchain_look_prepared(l, &p->toolchain[l->index]);
	for (unsigned i = 0; i < p->n; i++) {
		if (p->items[i].lang != l)
			continue;
		if (make_name(p, &p->items[i], e) == -1)
			return -1;
		look_for(p, &p->items[i]);
		if (!is_wanted(l))
			p->items[i].state = HOPELESS;
	}
	return 0;
}

/* --- before it is used --- */

static int
check_item(void *arg, int made[CHORE_MADE], struct err *e)
{
	const struct prepared *p = arg;

	(void)made;
	return kept_check(p->dir, p->items[p->checking].name, e);
}

static void check_next(struct prepared *p);

static void
on_checked(void *owner, const struct err *why, int made[CHORE_MADE])
{
	struct prepared *p = owner;
	struct item *it = &p->items[p->checking];

	fd_close_all(made, CHORE_MADE);
	if (it->state == ASKED && why->code == ERR_NONE)
		it->state = READY;
	else if (it->state == ASKED) {
		log_err(why, "prepared file %s is removed", it->file);
		kept_remove(p->dir, it->name);
		it->state = ABSENT;
	}
	check_next(p);
}

static void
check_next(struct prepared *p)
{
	const int keep[CHORE_KEEP] = { p->dir, -1, -1, -1 };
	struct err e = { 0 };

	if (p->check.loop != NULL)
		return;
	for (unsigned i = 0; i < p->n; i++) {
		if (p->items[i].state != ASKED)
			continue;
		p->checking = i;
		if (chore_start(&p->check, p->loop, check_item, p, keep, &e) == -1)
			log_err(&e, "prepared files are not looked at");
		return;
	}
}

/* --- life --- */

static unsigned
count_items(const struct languages *languages)
{
	const struct language *l;
	unsigned n = 0;

	for (unsigned i = 0; (l = languages_at(languages, i)) != NULL; i++)
		if (l->prepare != NULL)
			n += l->prepare->sets.count * (l->prepare->files.count / 2u);
	return n;
}

static void
add_items(struct prepared *p, const struct language *l)
{
	const struct words *sets = &l->prepare->sets, *files = &l->prepare->files;
	unsigned rank = 0;

	for (const char *s = words_next(sets, NULL); s != NULL;
	     s = words_next(sets, s), rank++)
		for (const char *f = words_next(files, NULL), *source; f != NULL;
		     f = words_next(files, source)) {
			source = words_next(files, f);
			p->items[p->n++] = (struct item){ .lang = l,
				.file = f,
				.source = source,
				.set = s,
				.rank = rank };
		}
}

static int
open_dir(struct prepared *p, struct err *e)
{
	char path[sizeof(p->config->cache) + 16];
	struct stat st;

	snprintf(path, sizeof(path), "%s/prepared", p->config->cache);
	mkdir(path, 0755); /* open says what is wrong with it */
	p->dir = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (p->dir == -1 || fstat(p->dir, &st) == -1)
		return err_sys(e, "prepared: open %s", path);
	if (st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return err_set(e, ERR_BAD_INPUT,
		    "prepared: %s must belong to root and be writable by nobody else",
		    path);
	return 0;
}

static int
fill(struct prepared *p, struct err *e)
{
	const struct language *l;

	for (unsigned i = 0; (l = languages_at(p->languages, i)) != NULL; i++) {
		if (l->prepare == NULL)
			continue;
		if (l->prepare->loads && p->library.data == NULL &&
		    library_read(p->config->warm_library, &p->library, e) == -1)
			return -1;
		add_items(p, l);
		if (look_again(p, l, e) == -1)
			return -1;
	}
	remove_strangers(p);
	check_next(p);
	return 0;
}

int
prepared_open(const struct config *config, const struct languages *languages,
    struct loop *loop, struct prepared **out, struct err *e)
{
	unsigned most = count_items(languages);
	struct prepared *p = NULL;

	if (config->prepared_bytes == 0 || most == 0)
		return 0;
	p = calloc(1, sizeof(*p));
	if (p == NULL)
		return err_sys(e, "calloc");
	p->dir = -1;
	p->config = config;
	p->languages = languages;
	p->loop = loop;
	p->check.done = on_checked;
	p->check.owner = p;
	p->items = calloc(most, sizeof(*p->items));
	if (p->items == NULL) {
		free(p);
		return err_sys(e, "calloc");
	}
	if (open_dir(p, e) == 0 && fill(p, e) == 0) {
		*out = p;
		return 0;
	}
	prepared_close(p);
	if (e->code == ERR_BAD_INPUT)
		return -1;
	log_err(e, "nothing is prepared");
	*e = (struct err){ 0 };
	return 0;
}

void
prepared_close(struct prepared *p)
{
	if (p == NULL)
		return;
	chore_end(&p->check);
	if (p->dir != -1)
		close(p->dir);
	library_free(&p->library);
	free(p->items);
	free(p);
}

/* --- use --- */

static void
refresh(struct prepared *p, const struct language *l)
{
	struct toolchain now;
	struct err e = { 0 };

	toolchain_look_prepared(l, &now);
	if (memcmp(&now, &p->toolchain[l->index], sizeof(now)) == 0)
		return;
	log_info("prepared files are made anew language=%s", l->id);
	chore_end(&p->check);
	if (look_again(p, l, &e) == -1)
		log_err(&e, "prepared files");
	remove_strangers(p);
	check_next(p);
}

/* Its digest was right once.  If a file was touched since, it must be right again. */
static bool
is_as_checked(const struct prepared *p, struct item *it)
{
	struct kept_mark now = { 0 };
	struct err gone = { 0 };

	if (kept_look(p->dir, it->name, &now, &gone) == -1)
		now = (struct kept_mark){ 0 };
	bool same = memcmp(&now, &it->seen, sizeof(now)) == 0;
	it->seen = now;
	return same;
}

int
prepared_words(struct prepared *p, const struct language *l, const struct words *options,
    struct words *out, struct err *e)
{
	int set = -1;

	*out = (struct words){ 0 };
	if (p != NULL && l->prepare != NULL)
		set = language_prepared_set(l, options);
	if (set == -1)
		return 0;
	refresh(p, l);
	const char *name = words_next(&l->prepare->sets, NULL);
	while (set-- > 0)
		name = words_next(&l->prepare->sets, name);
	for (unsigned i = 0; i < p->n; i++) {
		struct item *it = &p->items[i];
		char dir[sizeof(INNER_PREPARED_DIR) + DIGEST_HEX + 1];

		if (it->lang != l || strcmp(it->set, name) != 0)
			continue;
		if (it->state == PRESENT || (it->state == READY && !is_as_checked(p, it)))
			it->state = ASKED;
		if (it->state != READY)
			continue;
		snprintf(dir, sizeof(dir), "%s/%s", INNER_PREPARED_DIR, it->name);
		if (language_prepared_words(l, dir, out, e) == -1)
			return -1;
	}
	check_next(p);
	return 0;
}

/* --- making --- */

int
prepared_dir(const struct prepared *p)
{
	return p != NULL ? p->dir : -1;
}

static uint64_t
bytes_kept(const struct prepared *p)
{
	uint64_t bytes = 0;

	for (unsigned i = 0; i < p->n; i++)
		bytes += p->items[i].seen.bytes;
	return bytes;
}

/* As large as the same file of another set; nobody knows before the first. */
static bool
has_room(const struct prepared *p, const struct item *it)
{
	uint64_t bytes = 0;

	for (unsigned i = 0; i < p->n; i++)
		if (p->items[i].lang == it->lang && p->items[i].seen.bytes > bytes &&
		    strcmp(p->items[i].file, it->file) == 0)
			bytes = p->items[i].seen.bytes;
	return bytes_kept(p) + bytes <= p->config->prepared_bytes;
}

/* One at a time: making one takes memory, and a slot.  What most ask for comes first, in
 * all languages. */
static struct item *
next_item(const struct prepared *p)
{
	struct item *next = NULL;

	for (unsigned i = 0; p != NULL && i < p->n; i++) {
		if (p->items[i].run != NULL)
			return NULL;
		if (p->items[i].state == ABSENT &&
		    (next == NULL || p->items[i].rank < next->rank))
			next = &p->items[i];
	}
	return next;
}

bool
prepared_is_wanting(const struct prepared *p)
{
	return next_item(p) != NULL;
}

struct run *
prepared_next(struct prepared *p)
{
	struct err e = { 0 };

	for (struct item *it; (it = next_item(p)) != NULL;) {
		struct run *r = NULL;

		if (!has_room(p, it))
			log_info("prepared_bytes leaves no room for %s language=%s",
			    it->file, it->lang->id);
		else
			r = making_run(
			    p->config, &p->library, it->lang, it->source, it->set, &e);
		it->state = r != NULL ? MAKING : HOPELESS;
		it->run = r;
		if (e.code != ERR_NONE)
			log_err(&e, "%s is not prepared", it->file);
		e = (struct err){ 0 };
		if (r != NULL) {
			r->prepares = (unsigned)(it - p->items);
			log_debug("prepares %s", it->file);
			return r;
		}
	}
	return NULL;
}

int
prepared_store(
    struct prepared *p, const struct run *r, int fd, bool is_tree, struct err *e)
{
	const struct item *it = &p->items[r->prepares];

	if (it->run != r)
		return err_set(e, ERR_GONE, "the compiler changed meanwhile");
	return making_store(p->dir, it->name, it->file, fd, is_tree, e);
}

const char *
prepared_artifact(const struct prepared *p, const struct run *r, uint64_t *most)
{
	return making_artifact(p->items[r->prepares].file, most);
}

void
prepared_stored(struct prepared *p, const struct run *r)
{
	struct item *it = &p->items[r->prepares];

	if (it->run != r)
		return; /* the compiler changed meanwhile */
	look_for(p, it);
	it->run = r;
	if (it->state == ABSENT)
		it->state = HOPELESS;
	if (bytes_kept(p) > p->config->prepared_bytes) {
		kept_remove(p->dir, it->name);
		it->seen.bytes = 0;
		it->state = HOPELESS;
	}
	check_next(p);
}

bool
prepared_gives_way(const struct prepared *p, const struct run *r)
{
	return p->items[r->prepares].tries < TRIES_MAX;
}

void
prepared_ended(struct prepared *p, const struct run *r, const struct wire_outcome *o)
{
	struct item *it = &p->items[r->prepares];
	bool there = o->fault.code == ERR_NONE && o->exit_code == 0 && o->signal == 0;

	if (there)
		log_info("prepared %s language=%s set=%s bytes=%" PRIu64 " ms=%" PRIu64,
		    it->file, it->lang->id, it->set[0] != '\0' ? it->set : "default",
		    it->seen.bytes, o->wall_us / 1000);
	else if (o->fired != WIRE_FIRED_CANCEL)
		log_warn(
		    "%s is not prepared language=%s exit=%d signal=%d cpu_ms=%" PRIu64
		    ": %s",
		    it->file, it->lang->id, o->exit_code, o->signal, o->cpu_us / 1000,
		    o->fault.msg);
	if (it->run != r)
		return;
	it->run = NULL;
	if (it->state != MAKING)
		return;
	/* one that failed by itself would fail again; a slot's fault may not */
	bool again = o->fired == WIRE_FIRED_CANCEL ||
		     (o->fault.code != ERR_NONE && it->tries < TRIES_MAX);
	it->tries++;
	it->state = again ? ABSENT : HOPELESS;
}
