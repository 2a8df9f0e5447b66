#include "app/versions.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "box/box.h"

#define VERSION_MAX 64
#define PATIENCE_MS 1000 /* between attempts to reach the helper */

struct entry {
	atomic_bool known;
	bool asked; /* the child's own */
	char text[VERSION_MAX];
};

struct versions {
	unsigned count;
	atomic_uint slots;
	struct entry entries[];
};

static size_t
size_for(unsigned count)
{
	return sizeof(struct versions) + count * sizeof(struct entry);
}

int
versions_new(unsigned count, struct versions **out, struct err *e)
{
	struct versions *v = mmap(NULL, size_for(count), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (v == MAP_FAILED)
		return err_sys(e, "mmap");

	v->count = count;
	*out = v;
	return 0;
}

void
versions_free(struct versions *v)
{
	if (v != NULL)
		munmap(v, size_for(v->count));
}

unsigned
versions_slots(const struct versions *v)
{
	return atomic_load(&v->slots);
}

void
versions_read(const struct versions *v, const char **table)
{
	for (unsigned i = 0; i < v->count; i++)
		table[i] = atomic_load(&v->entries[i].known) ? v->entries[i].text : NULL;
}

static void
pause_ms(uint64_t ms)
{
	struct timespec t = { .tv_sec = (time_t)(ms / 1000),
		.tv_nsec = (long)(ms % 1000) * 1000000 };

	nanosleep(&t, NULL);
}

/*
 * "go version go1.19.8 linux/amd64" is 1.19.8: from the first digit of a word with a dot
 * in it to the end of the word.  Where there is none, the first line as it is.
 */
static void
pick_version(const char *line, char out[VERSION_MAX])
{
	static const char digits[] = "0123456789";
	static const char more[] = "0123456789.abcdefghijklmnopqrstuvwxyz"
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ+_-~";

	for (const char *at = strpbrk(line, digits); at != NULL;) {
		size_t n = strspn(at, more);
		if (memchr(at, '.', n) != NULL) {
			snprintf(out, VERSION_MAX, "%.*s", (int)n, at);
			return;
		}
		at = strpbrk(at + n, digits);
	}
	snprintf(out, VERSION_MAX, "%.*s", VERSION_MAX - 1, line);
}

/* The commands are the site's own, but what they print is still a program's output. */
static void
read_version(int fd, char out[VERSION_MAX])
{
	char text[512], line[256];
	size_t n = 0;
	ssize_t got = read(fd, text, sizeof(text));

	for (ssize_t i = 0; i < got && n < sizeof(line) - 1; i++) {
		if (text[i] == '\n' && n > 0)
			break;
		if (text[i] >= ' ' && text[i] <= '~' && (n > 0 || text[i] != ' '))
			line[n++] = text[i];
	}
	line[n] = '\0';
	pick_version(line, out);
}

static int
open_job(struct box *b, const char *id, struct err *e)
{
	const struct box_ask ask = { .language = id, .tests = 1 };
	struct box_place place = { 0 };

	for (;;) {
		struct err why = { 0 };
		if (box_job(b, &ask, &place, &why) == 0)
			return 0;
		if (why.code != ERR_BUSY) {
			*e = why;
			return -1;
		}
		pause_ms(place.retry_ms);
	}
}

/* Fails if the connection is broken; a language that cannot say its version does not. */
static int
ask(struct box *b, const struct lang *l, const struct limits *limits, struct entry *entry,
    struct err *e)
{
	int out[2] = { -1, -1 };
	struct outcome o = { 0 };
	uint32_t tag;

	if (open_job(b, l->id, e) == -1 || box_version(b, 1, limits, out, e) == -1)
		return -1;
	if (box_outcome(b, &tag, &o, e) == -1 || box_end(b, e) == -1) {
		fd_close_all(out, 2);
		return -1;
	}
	read_version(out[0], entry->text);
	if (entry->text[0] == '\0')
		read_version(out[1], entry->text); /* some speak on stderr */
	fd_close_all(out, 2);

	bool good = o.fault.code == ERR_NONE && o.signal == 0 && o.exit_code == 0 &&
		    entry->text[0] != '\0';
	if (o.fault.code != ERR_NONE)
		log_err(&o.fault, "version of %s", l->id);
	else if (!good)
		log_warn("version of %s: its command ended with status=%d signal=%d",
		    l->id, o.exit_code, o.signal);
	atomic_store(&entry->known, good);
	return 0;
}

/* As far as one connection gets.  0: nothing is left to ask. */
static int
ask_all(struct versions *v, const struct langs *langs, const struct limits *limits,
    const char *helper_path, struct err *e)
{
	scope_box b = NULL;

	if (box_connect(helper_path, &b, e) == -1)
		return -1;
	atomic_store(&v->slots, box_slots(b));
	for (unsigned i = 0; i < v->count; i++) {
		const struct lang *l = langs_at(langs, i);
		struct limits enough = *limits;

		if (v->entries[i].asked || !l->installed)
			continue;
		limits_raise(&enough, &l->compile_floor);
		limits_raise(&enough, &l->floor);
		int rc = ask(b, l, &enough, &v->entries[i], e);
		v->entries[i].asked = rc == 0 || e->code == ERR_BAD_INPUT;
		if (rc == -1)
			return err_wrap(e, "version of %s", l->id);
	}
	return 0;
}

void
versions_find(struct versions *v, const struct langs *langs, const struct limits *limits,
    const char *helper_path)
{
	char said[sizeof(((struct err *)0)->msg)] = "";

	for (;;) {
		struct err e = { 0 };

		if (ask_all(v, langs, limits, helper_path, &e) == 0)
			return;
		if (strcmp(said, e.msg) != 0) /* once, not every second */
			log_err(&e, "cannot ask the sandbox helper");
		snprintf(said, sizeof(said), "%s", e.msg);
		pause_ms(PATIENCE_MS);
	}
}
