#include "sandbox/job.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/fd.h"
#include "base/scope.h"
#include "sandbox/artifact.h"
#include "sandbox/command.h"
#include "sandbox/toolchain.h"
#include "sandbox/warm/frozen.h"

static uint64_t
next_serial(void)
{
	static uint64_t serial; /* the helper has one thread */

	return ++serial;
}

/* What lies beside a compiled program: the files that are not its sources. */
static int
find_data_files(struct job *j, struct err *e)
{
	struct bundle_part data[BUNDLE_FILES];
	uint32_t n = 0;

	for (uint32_t i = 1; i < j->nfiles; i++)
		if (!language_is_source(j->lang, j->files[i].name))
			data[n++] = (struct bundle_part){ j->sources, &j->files[i] };
	if (n > 0)
		j->work = bundle_join(data, n, e);
	return n == 0 || j->work != -1 ? 0 : -1;
}

struct job *
job_new(
    const struct language *lang, const struct words *options, int sources, struct err *e)
{
	struct job *j = calloc(1, sizeof(*j));

	if (j == NULL) {
		err_sys(e, "calloc");
		return NULL;
	}
	*j = (struct job){ .refs = 1,
		.serial = next_serial(),
		.lang = lang,
		.options = *options,
		.sources = -1,
		.artifact = -1,

		.program = -1,
		.work = -1 };
	if (bundle_open(sources, &j->files, &j->nfiles, e) == -1) {
		job_drop(j);
		return NULL;
	}
	j->sources = sources;
	if (language_is_compiled(lang)) {
		if (find_data_files(j, e) == 0)
			return j;
		j->sources = -1; /* still the caller's */
		job_drop(j);
		return NULL;
	}
	j->work = fcntl(sources, F_DUPFD_CLOEXEC, 0);
	if (j->work == -1) {
		err_sys(e, "keep the sources");
		j->sources = -1; /* still the caller's */
		job_drop(j);
		return NULL;
	}
	j->ready = true;
	return j;
}

struct job *
job_of_program(const struct language *lang, int program, struct err *e)
{
	struct job *j = calloc(1, sizeof(*j));

	if (j == NULL) {
		err_sys(e, "calloc");
		return NULL;
	}
	*j = (struct job){ .refs = 1,
		.serial = next_serial(),
		.lang = lang,
		.sources = -1,
		.artifact = -1,
		.program = fcntl(program, F_DUPFD_CLOEXEC, 0),
		.work = -1,
		.ready = true };
	if (j->program != -1)
		return j;
	err_sys(e, "dup");
	job_drop(j);
	return NULL;
}

struct job *
job_hold(struct job *j)
{
	j->refs++;
	return j;
}

void
job_drop(struct job *j)
{
	int fds[4];

	if (j == NULL || --j->refs > 0)
		return;
	memcpy(
	    fds, (int[4]){ j->sources, j->program, j->work, j->artifact }, sizeof(fds));
	fd_close_all(fds, 4);
	if (j->room != NULL)
		j->room->held -= j->bytes;
	free(j->files);
	free(j);
}

void
job_hold_bytes(struct job *j, struct job_room *room, uint64_t bytes)
{
	j->room = room;
	j->bytes += bytes;
	room->held += bytes;
}

/* A data file may bear the name of one that the compiler made. */
static int
check_work(int work, struct err *e)
{
	scope_free struct bundle_entry *entries = NULL;
	uint32_t count;

	if (bundle_open(work, &entries, &count, e) == 0)
		return 0;
	e->code = ERR_BAD_INPUT;
	return -1;
}

/* The files of a tree, and the job's own beside them: what lies in /work. */
static int
make_work(const struct job *j, int fd, struct err *e)
{
	scope_free struct bundle_entry *tree = NULL, *data = NULL;
	struct bundle_part parts[2 * BUNDLE_FILES];
	uint32_t ntree = 0, ndata = 0;
	int work = -1;

	if (bundle_open(fd, &tree, &ntree, e) == -1)
		return -1;
	if (j->work == -1) {
		work = fcntl(fd, F_DUPFD_CLOEXEC, 0);
		return work != -1 ? work : err_sys(e, "dup");
	}
	if (bundle_open(j->work, &data, &ndata, e) == -1)
		return -1;
	for (uint32_t i = 0; i < ntree; i++)
		parts[i] = (struct bundle_part){ fd, &tree[i] };
	for (uint32_t i = 0; i < ndata; i++)
		parts[ntree + i] = (struct bundle_part){ j->work, &data[i] };
	work = bundle_join(parts, ntree + ndata, e);
	if (work == -1 || check_work(work, e) == -1) {
		fd_close_all(&work, 1);
		if (e->code == ERR_OVER_LIMIT) /* too many files: the job's own */
			e->code = ERR_BAD_INPUT;
		return -1;
	}
	return work;
}

static uint64_t
size_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 ? (uint64_t)st.st_size : 0;
}

static void
adopt_sealed(struct job *j, int made[2], bool is_tree)
{
	int *place = is_tree ? &j->work : &j->program;

	fd_close_all(place, 1);
	*place = take_fd(&made[1]);
	j->artifact = take_fd(&made[0]);
	j->is_tree = is_tree;
	j->ready = true;
}

void
job_adopt_made(struct job *j, int made[2], bool is_tree)
{
	bool both = is_tree && j->work != -1; /* the tree, and what was made of it */

	if (j->room != NULL)
		job_hold_bytes(
		    j, j->room, size_of(made[0]) + (both ? size_of(made[1]) : 0));
	adopt_sealed(j, made, is_tree);
}

/* What is run, made of what was compiled. */
static int
make_runnable(const struct job *j, int sealed, bool is_tree, struct err *e)
{
	if (is_tree)
		return make_work(j, sealed, e);
	int fd = fcntl(sealed, F_DUPFD_CLOEXEC, 0);
	return fd != -1 ? fd : err_sys(e, "dup");
}

int
job_adopt_sealed(struct job *j, int fd, bool is_tree, struct err *e)
{
	int made[2] = { fd, make_runnable(j, fd, is_tree, e) };

	if (made[1] == -1)
		return -1;
	adopt_sealed(j, made, is_tree); /* the cache's, and counted there */
	return 0;
}

int
job_adopt_size(int fd, uint64_t *size, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode) ||
	    st.st_size > BUNDLE_BYTES + (1 << 20))
		return err_set(e, ERR_PROTO, "the slot passed no artifact");
	*size = (uint64_t)st.st_size;
	return 0;
}

int
job_adopt_copy(const struct job *j, int fd, bool is_tree, int made[2], struct err *e)
{
	uint64_t size = 0;

	if (job_adopt_size(fd, &size, e) == -1)
		return -1;
	if (j->room != NULL && j->room->held + size > 2 * j->room->most)
		return err_set(e, ERR_SYS, "open jobs hold %llu bytes already",
		    (unsigned long long)j->room->held);
	/* our copy: the slot's is charged to it, and could still be written */
	scope_fd copy = artifact_copy(fd, size, e);
	if (copy == -1)
		return -1;
	scope_fd sealed = fd_seal(take_fd(&copy), e);
	if (sealed == -1)
		return -1;
	made[1] = make_runnable(j, sealed, is_tree, e);
	if (made[1] == -1)
		return -1;
	made[0] = take_fd(&sealed);
	return 0;
}

int
job_adopt(struct job *j, int fd, bool is_tree, struct err *e)
{
	int made[2] = { -1, -1 };

	if (job_adopt_copy(j, fd, is_tree, made, e) == -1)
		return -1;
	job_adopt_made(j, made, is_tree);
	return 0;
}

/* --- the key --- */

#define KEY_FORMAT "judgebox artifact 2"

static int
add_toolchain(struct digest_maker *m, const struct language *l, struct err *e)
{
	struct toolchain t;

	toolchain_look(l, &t);
	if (digest_part(m, KEY_FORMAT, sizeof(KEY_FORMAT), e) == -1 ||
	    digest_part(m, &l->file, sizeof(l->file), e) == -1)
		return -1;
	return digest_part(m, &t, sizeof(t), e);
}

static int
add_sources(struct digest_maker *m, const struct job *j, struct err *e)
{
	if (digest_part(m, j->options.data, j->options.len, e) == -1)
		return -1;
	for (uint32_t i = 0; i < j->nfiles; i++) {
		const struct bundle_entry *f = &j->files[i];

		if (digest_part(m, f->name, strlen(f->name), e) == -1 ||
		    digest_file(m, j->sources, f->offset, f->size, e) == -1)
			return -1;
	}
	return 0;
}

int
job_make_key(struct job *j, struct err *e)
{
	struct digest_maker *m = digest_begin(e);

	if (m != NULL &&
	    (add_toolchain(m, j->lang, e) == -1 || add_sources(m, j, e) == -1)) {
		digest_end(m, NULL, e);
		return -1;
	}
	if (digest_end(m, &j->key, e) == -1)
		return -1;
	j->has_key = true;
	return 0;
}

/* --- runs ------------------------------------------------------------------------------
 */

unsigned
job_filter(const struct run *r)
{
	const struct language *l = r->job->lang;
	bool runs = r->kind == RUN_TEST || r->kind == RUN_FREEZE;
	enum seccomp_class class = runs ? l->class : l->compile_class;

	return seccomp_filter_index(class, r->kind != RUN_TEST || r->limits.no_fork == 0);
}

/* The library takes both variables away before the interpreter can see them. */
static int
add_hook(const struct job *j, struct inner_run *out, struct err *e)
{
	char awaited[sizeof(j->lang->source) + 32];

	snprintf(awaited, sizeof(awaited), "JUDGEBOX_WARM=%s", j->lang->source);
	out->freezes = 1;
	if (words_add(&out->env, "LD_PRELOAD=/work/" FROZEN_LIBRARY, e) == -1 ||
	    /* what is looked up before the image is made need not be by each program */
	    words_add(&out->env, "LD_BIND_NOW=1", e) == -1)
		return -1;
	return words_add(&out->env, awaited, e);
}

int
job_command(const struct run *r, const struct words *prepared, struct inner_run *out,
    struct err *e)
{
	const struct job *j = r->job;
	const struct words *command[] = { [RUN_TEST] = j->lang->run,
		[RUN_COMPILE] = j->lang->compile,
		[RUN_VERSION] = j->lang->version,
		[RUN_PROBE] = j->lang->run,
		[RUN_PREPARE] =
		    j->lang->prepare != NULL ? &j->lang->prepare->command : NULL,
		[RUN_FREEZE] = j->lang->run };
	struct command_call call = { .files = j->files,
		.nfiles = j->nfiles,
		.options = &j->options,
		.prepared = prepared,
		.limits = &r->limits };

	out->type = INNER_RUN;
	out->tag = r->tag;
	out->limits = r->limits;
	out->has_program =
	    (r->kind == RUN_TEST || r->kind == RUN_PROBE) && j->program != -1;
	out->thaws = out->freezes = 0;
	out->loads =
	    r->kind == RUN_FREEZE || (r->kind == RUN_PREPARE && j->lang->prepare->loads);
	if (command_fill(j->lang, command[r->kind], &call, &out->argv, e) == -1 ||
	    (r->kind == RUN_TEST && words_append(&out->argv, &r->args, e) == -1))
		return -1;
	if (language_environment(j->lang, &out->env, e) == -1)
		return -1;
	for (char **v = environ; JB_FAULT(ENVIRONMENT) && *v != NULL; v++)
		if (words_add(&out->env, *v, e) == -1)
			return -1;
	return r->kind == RUN_FREEZE ? add_hook(j, out, e) : 0;
}

struct run *
run_new(struct session *s, struct job *j, enum run_kind kind, struct err *e)
{
	struct run *r = calloc(1, sizeof(*r));

	if (r == NULL) {
		err_sys(e, "calloc");
		return NULL;
	}
	r->session = s;
	r->job = job_hold(j);
	r->kind = kind;
	r->asked_us = clock_us();
	r->fds[0] = r->fds[1] = r->fds[2] = -1;
	r->said[0] = r->said[1] = -1;
	return r;
}

void
run_unlink(struct run *r)
{
	if (r->link.newer == NULL)
		return;
	r->link.newer->older = r->link.older;
	r->link.older->newer = r->link.newer;
	r->link = (struct link){ NULL, NULL };
}

void
run_free(struct run *r)
{
	if (r == NULL)
		return;
	run_unlink(r);
	fd_close_all(r->fds, 3);
	fd_close_all(r->said, 2);
	job_drop(r->job);
	free(r);
}
