#include "sandbox/images.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/scope.h"
#include "sandbox/library.h"
#include "sandbox/warm/frozen.h"
#include "sandbox/warmth.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

#define QUIET_US 50000             /* that long nothing ran before one is made */
#define GAP_US   500000            /* between two that only replace used ones */
#define LOOK_US  10000000          /* how often one asks whether they are still needed */
#define RETRY_US (60ULL * 1000000) /* after a failure, doubled up to 64 times */

/* Freezing needs this much, whatever the site's caps say of users' programs. */
static const struct wire_limits making = {
	.cpu_us = 10000000,
	.wall_us = 20000000,
	.memory_bytes = 512 << 20,
	.file_bytes = BUNDLE_BYTES,
	.stack_bytes = 1 << 30, /* its libraries keep away from the largest stack */
	.processes = 16,
	.open_files = 256,
};

struct image {
	int fd; /* sealed */
	uint64_t uses;
};

/* Of one language. */
struct rack {
	const struct language *lang; /* NULL: it has none */
	struct words command;        /* of the images */
	struct stat interpreter;     /* as it was before they were made */
	struct image image[CONFIG_IMAGES_MAX];
	unsigned n, failures;
	uint64_t next_us; /* none is made before */
};

struct images {
	const struct config *config; /* borrowed */
	struct library library;
	int sink_read, sink_write; /* for what an interpreter says while it is frozen */
	struct warmth *warmth;
	bool making;
	uint64_t plan_us; /* when to look again */
	uint64_t hits, misses;
	unsigned nracks;
	struct rack rack[LANGUAGES_MAX]; /* by language */
};

/* --- life --- */

static int
open_sink(struct images *s, struct err *e)
{
	int p[2];

	if (pipe2(p, O_CLOEXEC | O_NONBLOCK) == -1)
		return err_sys(e, "pipe");
	s->sink_read = p[0];
	s->sink_write = p[1];
	return 0;
}

static bool
any_warm(const struct languages *l)
{
	for (unsigned i = 0; i < languages_count(l); i++)
		if (languages_at(l, i)->warm)
			return true;
	return false;
}

int
images_open(const struct config *config, const struct languages *languages,
    struct images **out, struct err *e)
{
	*out = NULL;
	if (config->warm_images == 0 || !any_warm(languages))
		return 0;
	struct images *s = calloc(1, sizeof(*s));
	if (s == NULL)
		return err_sys(e, "calloc");
	s->config = config;
	s->sink_read = s->sink_write = -1;
	s->nracks = languages_count(languages);
	for (unsigned i = 0; i < s->nracks; i++)
		if (languages_at(languages, i)->warm)
			s->rack[i].lang = languages_at(languages, i);
	s->warmth = warmth_new(s->nracks, e);
	if (s->warmth == NULL ||
	    library_read(config->warm_library, &s->library, e) == -1 ||
	    open_sink(s, e) == -1) {
		images_free(s);
		return -1;
	}
	s->plan_us = IMAGES_NEVER;
	*out = s;
	return 0;
}

static void
drop_image(struct rack *k, unsigned i)
{
	close(k->image[i].fd);
	k->image[i] = k->image[--k->n];
}

static void
drop_all(struct rack *k)
{
	while (k->n > 0)
		drop_image(k, 0);
}

void
images_free(struct images *s)
{
	int fds[2];

	if (s == NULL)
		return;
	for (unsigned i = 0; i < s->nracks; i++)
		drop_all(&s->rack[i]);
	fds[0] = s->sink_read;
	fds[1] = s->sink_write;
	fd_close_all(fds, 2);
	warmth_free(s->warmth);
	library_free(&s->library);
	free(s);
}

/* --- use --- */

void
images_saw(struct images *s, const struct language *l, uint64_t user)
{
	if (s == NULL)
		return;
	warmth_saw(s->warmth, l->index, user, clock_us());
}

void
images_disturb(struct images *s)
{
	if (s != NULL)
		s->plan_us = clock_us() + QUIET_US;
}

/* The words of the command it was frozen with, and perhaps more after them. */
static bool
begins_with(const struct words *argv, const struct words *command)
{
	return argv->count >= command->count && argv->len >= command->len &&
	       memcmp(argv->data, command->data, command->len) == 0;
}

static bool
is_same_file(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev &&
	       a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* An upgrade of it comes with another library, which an old one should not load from. */
static bool
is_same_interpreter(const struct rack *k)
{
	struct stat now;

	return stat(words_next(k->lang->run, NULL), &now) == 0 &&
	       is_same_file(&now, &k->interpreter);
}

int
images_pick(struct images *s, const struct run *r, const struct words *argv)
{
	struct rack *k = s != NULL ? &s->rack[r->job->lang->index] : NULL;
	struct image *best = NULL;

	if (k == NULL || r->kind != RUN_TEST || k->lang == NULL)
		return -1;
	if (k->n > 0 && !is_same_interpreter(k))
		drop_all(k);
	for (unsigned i = 0; i < k->n; i++)
		if (best == NULL || k->image[i].uses < best->uses)
			best = &k->image[i];
	if (best == NULL || !begins_with(argv, &k->command)) {
		s->misses++;
		log_debug("%s started cold tag=%u", k->lang->id, r->tag);
		return -1;
	}
	best->uses++;
	s->hits++;
	log_debug("%s started warm tag=%u", k->lang->id, r->tag);
	return best->fd;
}

void
images_counts(const struct images *s, uint64_t *hits, uint64_t *misses)
{
	*hits = s != NULL ? s->hits : 0;
	*misses = s != NULL ? s->misses : 0;
}

/* --- making --- */

static unsigned
wanted(const struct images *s, const struct rack *k, uint64_t now_us)
{
	return warmth_wanted(
	    s->warmth, k->lang->index, (unsigned)s->config->warm_images, now_us);
}

static struct image *
most_used(struct rack *k)
{
	struct image *most = NULL;

	for (unsigned i = 0; i < k->n; i++)
		if (most == NULL || k->image[i].uses > most->uses)
			most = &k->image[i];
	return most;
}

/* When the next image of this language should be made. */
static uint64_t
rack_due_us(const struct images *s, struct rack *k, uint64_t now_us)
{
	unsigned want = wanted(s, k, now_us);

	if (want == 0 || (k->n >= want && most_used(k)->uses == 0))
		return IMAGES_NEVER;
	return k->next_us;
}

uint64_t
images_due_us(const struct images *s)
{
	return s == NULL || s->making ? IMAGES_NEVER : s->plan_us;
}

static int
make_sources(const struct images *s, const struct language *l, struct err *e)
{
	struct bundle_writer w = { 0 };
	int fd = -1;

	/* an empty main file: should nothing be preloaded, nothing is run */
	if (bundle_add(&w, l->source, "", 0, e) == 0 &&
	    library_add(&s->library, &w, e) == 0)
		fd = bundle_seal(&w, e);
	bundle_free(&w);
	return fd;
}

static struct run *
new_run(const struct images *s, const struct language *l, struct err *e)
{
	static const struct words no_options;

	scope_fd sources = make_sources(s, l, e);
	if (sources == -1)
		return NULL;
	struct job *j = job_new(l, &no_options, sources, e);
	if (j == NULL)
		return NULL;
	take_fd(&sources);
	struct run *r = run_new(NULL, j, RUN_FREEZE, e);
	job_drop(j);
	if (r == NULL)
		return NULL;
	r->limits = making;
	r->fds[1] = fcntl(s->sink_write, F_DUPFD_CLOEXEC, 0);
	r->fds[2] = fcntl(s->sink_write, F_DUPFD_CLOEXEC, 0);
	if (r->fds[1] != -1 && r->fds[2] != -1)
		return r;
	err_sys(e, "dup");
	run_free(r);
	return NULL;
}

static void
failed(struct rack *k, const struct err *e, uint64_t now_us)
{
	unsigned shift = k->failures < 6 ? k->failures : 6;

	k->failures++;
	k->next_us = now_us + (RETRY_US << shift);
	log_err(e, "no frozen %s: it starts cold", k->lang->id);
}

static void
give_up(struct images *s, struct rack *k, uint64_t now_us)
{
	unsigned want = wanted(s, k, now_us);

	while (k->n > want)
		drop_image(k, (unsigned)(most_used(k) - k->image));
}

/* NULL: not now, or it failed. */
static struct run *
look_at(struct images *s, struct rack *k, uint64_t now_us)
{
	struct err e = { 0 };

	give_up(s, k, now_us);
	if (rack_due_us(s, k, now_us) > now_us)
		return NULL;
	/* one change too early makes them be made again, one too late would not be seen
	 */
	if (k->n == 0 && stat(words_next(k->lang->run, NULL), &k->interpreter) == -1)
		return NULL;
	struct run *r = new_run(s, k->lang, &e);
	if (r == NULL)
		failed(k, &e, now_us);
	return r;
}

static void
plan(struct images *s, struct rack *k, uint64_t now_us)
{
	uint64_t due = rack_due_us(s, k, now_us);

	if (k->n > 0 && due > now_us + LOOK_US)
		due = now_us + LOOK_US;
	if (due < s->plan_us)
		s->plan_us = due;
}

struct run *
images_next(struct images *s, uint64_t now_us)
{
	struct run *r = NULL;

	s->plan_us = IMAGES_NEVER;
	for (unsigned i = 0; i < s->nracks; i++) {
		if (s->rack[i].lang == NULL)
			continue;
		if (r == NULL)
			r = look_at(s, &s->rack[i], now_us);
		plan(s, &s->rack[i], now_us);
	}
	s->making = r != NULL;
	return r;
}

/*
 * Of 4 KiB each, to map the pages of an image costs most of what its program does.  A
 * kernel that has no huge pages at hand, or does not know how (before 6.1), leaves it so.
 */
void
images_gather(int image)
{
	struct stat st;

	if (fstat(image, &st) == -1 || st.st_size < FROZEN_HUGE_PAGE)
		return;
	size_t size = (size_t)(st.st_size / FROZEN_HUGE_PAGE * FROZEN_HUGE_PAGE);
	size_t room = size + FROZEN_HUGE_PAGE;
	char *at = mmap(NULL, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (at == MAP_FAILED)
		return;
	char *whole = at + (-(uintptr_t)at & (FROZEN_HUGE_PAGE - 1));
	if (mmap(whole, size, PROT_READ, MAP_SHARED | MAP_FIXED, image, 0) == whole &&
	    madvise(whole, size, MADV_COLLAPSE) == -1)
		log_debug("no huge pages for an image: %s", strerror(errno));
	munmap(at, room);
}

/* What it said instead of being frozen, on one line. */
static void
read_sink(const struct images *s, char *text, size_t size)
{
	char rest[4096];
	ssize_t n = read(s->sink_read, text, size - 1);

	text[n > 0 ? n : 0] = '\0';
	for (char *c = text; *c != '\0'; c++)
		if ((unsigned char)*c < ' ')
			*c = ' ';
	while (read(s->sink_read, rest, sizeof(rest)) > 0)
		;
}

static int
check_outcome(const struct images *s, const struct run *r, const struct wire_outcome *o,
    struct err *e)
{
	char said[200];

	read_sink(s, said, sizeof(said));
	if (o->fault.code != ERR_NONE) {
		*e = o->fault;
		return -1;
	}
	if (o->exit_code != 0 || o->signal != 0 || o->fired != WIRE_FIRED_NONE ||
	    o->oom_kills > 0 || o->violation != -1 || o->exec_errno != 0 ||
	    r->job->program == -1)
		return err_set(e, ERR_SYS, "status %d, signal %d: %s", o->exit_code,
		    o->signal, said);
	return 0;
}

static int
adopt(struct rack *k, const struct run *r, struct err *e)
{
	static const struct words none;
	static struct inner_run command;

	if (job_command(r, &none, &command, e) == -1)
		return -1;
	int fd = fcntl(r->job->program, F_DUPFD_CLOEXEC, 0);
	if (fd == -1)
		return err_sys(e, "dup");
	k->command = command.argv; /* the same for all */
	k->image[k->n++] = (struct image){ .fd = fd };
	return 0;
}

void
images_made(struct images *s, const struct run *r, const struct wire_outcome *o)
{
	struct rack *k = &s->rack[r->job->lang->index];
	uint64_t now = clock_us();
	unsigned want = wanted(s, k, now);
	struct err e = { 0 };

	s->making = false;
	if (r->kill != WIRE_FIRED_NONE) {
		read_sink(s, (char[64]){ 0 }, 64);
		return; /* it gave way */
	}
	if (check_outcome(s, r, o, &e) == -1) {
		failed(k, &e, now);
		return;
	}
	/* the new one takes the place of the one that served most */
	while (k->n > 0 && k->n >= (want > 0 ? want : 1))
		drop_image(k, (unsigned)(most_used(k) - k->image));
	if (adopt(k, r, &e) == -1) {
		failed(k, &e, now);
		return;
	}
	k->failures = 0;
	k->next_us = now + (k->n < want ? QUIET_US : GAP_US);
	log_debug("froze %s images=%u", k->lang->id, k->n);
}
