#include "sandbox/making.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/scope.h"
#include "sandbox/artifact.h"
#include "sandbox/kept.h"

#define MIB(n) ((uint64_t)(n) << 20)

static uint64_t
least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Time is not capped as that of requests is: nobody waits for it, and a slow machine
 * takes a minute for what it will be spared in every compile. */
static struct wire_limits
making_limits(const struct config *c)
{
	const struct wire_limits caps = config_caps_on_wire(c);

	return (struct wire_limits){ .cpu_us = 300000000,
		.wall_us = 900000000,
		.memory_bytes = least(caps.memory_bytes, MIB(1536)),
		.file_bytes = least(caps.file_bytes, MAKING_BYTES_MAX),
		.stack_bytes = least(caps.stack_bytes, MIB(64)),
		.processes = (uint32_t)least(caps.processes, 64),
		.open_files = (uint32_t)least(caps.open_files, 256),
		.cpu_share_milli = config_default_share(c) };
}

static struct job *
make_job(const struct library *library, const struct language *l, const char *source,
    const char *set, struct err *e)
{
	struct bundle_writer w = { 0 };
	struct words options = { 0 };
	scope_fd sources = -1;
	int r = bundle_add(&w, l->source, source, strlen(source), e);

	if (r == 0 && l->prepare->loads)
		r = library_add(library, &w, e);
	if (r == 0)
		sources = bundle_seal(&w, e);
	bundle_free(&w);
	if (sources == -1 || (set[0] != '\0' && words_add(&options, set, e) == -1))
		return NULL;
	struct job *j = job_new(l, &options, sources, e);
	if (j != NULL)
		take_fd(&sources);
	return j;
}

struct run *
making_run(const struct config *config, const struct library *library,
    const struct language *l, const char *source, const char *set, struct err *e)
{
	struct job *j = make_job(library, l, source, set, e);
	struct run *r = j != NULL ? run_new(NULL, j, RUN_PREPARE, e) : NULL;

	if (j != NULL)
		job_drop(j); /* the run holds it */
	if (r == NULL)
		return NULL;
	r->limits = making_limits(config);
	for (unsigned i = 1; i < 3; i++)
		r->fds[i] = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (r->fds[1] != -1 && r->fds[2] != -1)
		return r;
	err_sys(e, "open /dev/null");
	run_free(r);
	return NULL;
}

const char *
making_artifact(const char *file, uint64_t *most)
{
	bool is_tree = language_prepares_tree(file);

	*most = is_tree ? BUNDLE_BYTES : MAKING_BYTES_MAX;
	return is_tree ? LANGUAGE_MADE_TREE : LANGUAGE_MADE;
}

static int
store_tree(int dir, const char *name, int fd, uint64_t size, struct err *e)
{
	scope_free struct bundle_entry *files = NULL;
	uint32_t count = 0;

	/* our copy: the slot's could still be written */
	scope_fd copy = artifact_copy(fd, size, e);
	if (copy == -1)
		return -1;
	scope_fd sealed = fd_seal(take_fd(&copy), e);
	if (sealed == -1 || bundle_open(sealed, &files, &count, e) == -1)
		return -1;
	return kept_store(dir, name, sealed, files, count, e);
}

int
making_store(
    int dir, const char *name, const char *file, int fd, bool is_tree, struct err *e)
{
	struct bundle_entry one = { 0 };
	struct stat st;

	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode) ||
	    (uint64_t)st.st_size > MAKING_BYTES_MAX ||
	    is_tree != language_prepares_tree(file))
		return err_set(e, ERR_PROTO, "the slot passed no such file");
	one.size = (uint64_t)st.st_size;
	if (is_tree)
		return store_tree(dir, name, fd, one.size, e);
	snprintf(one.name, sizeof(one.name), "%s", file);
	return kept_store(dir, name, fd, &one, 1, e);
}
