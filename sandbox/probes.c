#include "sandbox/probes.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/scope.h"
#include "sandbox/artifact.h"
#include "sandbox/probe.h"
#include "sandbox/seccomp.h"

struct probes {
	int program; /* sealed copy of judgebox-slot */
	unsigned nslots, made;
	bool wanted[CLASS_MAX_]; /* some language is of this class */
	struct language lang[CLASS_MAX_];
	struct words command; /* of them all */
	struct {
		unsigned next; /* class to try next; CLASS_MAX_: none */
		bool seen;     /* it was up before */
		int out;       /* what the probe under way writes to; -1: none is */
	} slot[CONFIG_SLOTS_MAX];
};

static void
fill_language(struct probes *p, enum seccomp_class c)
{
	struct language *l = &p->lang[c];

	snprintf(l->id, sizeof(l->id), "probe");
	l->class = l->compile_class = c;
	l->run = &p->command;
}

static int
copy_program(int program, struct err *e)
{
	struct stat st;

	if (fstat(program, &st) == -1)
		return err_sys(e, "stat judgebox-slot");
	scope_fd copy = artifact_copy(program, (uint64_t)st.st_size, e);
	return copy == -1 ? -1 : fd_seal(take_fd(&copy), e);
}

int
probes_open(const struct languages *languages, int program, unsigned nslots,
    struct probes **out, struct err *e)
{
	*out = NULL;
	if (JB_FAULT(PROBES))
		return 0;
	struct probes *p = calloc(1, sizeof(*p));
	if (p == NULL)
		return err_sys(e, "calloc");
	*p = (struct probes){ .nslots = nslots, .program = -1 };
	p->wanted[CLASS_NATIVE] = true;
	for (unsigned i = 0; i < languages_count(languages); i++) {
		const struct language *l = languages_at(languages, i);
		p->wanted[l->class] = p->wanted[l->compile_class] = true;
	}
	for (unsigned i = 0; i < CONFIG_SLOTS_MAX; i++)
		p->slot[i].out = -1;
	for (int c = 0; c < CLASS_MAX_; c++)
		fill_language(p, (enum seccomp_class)c);
	if (words_add(&p->command, PROBE_NAME, e) == 0)
		p->program = copy_program(program, e);
	if (p->program == -1) {
		probes_close(p);
		return err_wrap(e, "probes");
	}
	*out = p;
	return 0;
}

void
probes_close(struct probes *p)
{
	if (p == NULL)
		return;
	for (unsigned i = 0; i < CONFIG_SLOTS_MAX; i++)
		fd_close_all(&p->slot[i].out, 1);
	fd_close_all(&p->program, 1);
	free(p);
}

unsigned
probes_made(const struct probes *p)
{
	return p != NULL ? p->made : 0;
}

void
probes_begin(struct probes *p, unsigned slot)
{
	fd_close_all(&p->slot[slot].out, 1);
	p->slot[slot].out = -1;
	p->slot[slot].next = 0;
}

/* At the first time each class is some slot's; the native one, the smallest, is all's. */
static bool
is_due(const struct probes *p, unsigned slot, unsigned class)
{
	if (class == CLASS_NATIVE)
		return true;
	return p->wanted[class] && !p->slot[slot].seen && class % p->nslots == slot;
}

static struct run *
make_run(struct probes *p, unsigned slot, unsigned class, struct err *e)
{
	struct job *j = job_of_program(&p->lang[class], p->program, e);
	struct run *r = j != NULL ? run_new(NULL, j, RUN_PROBE, e) : NULL;
	int out[2];

	if (j != NULL)
		job_drop(j); /* the run holds it */
	if (r == NULL)
		return NULL;
	r->limits = (struct wire_limits){ .cpu_us = 2000000,
		.wall_us = 10000000,
		.memory_bytes = 64 << 20,
		.file_bytes = 64 << 20, /* as a new slot has it: no other /work needed */
		.stack_bytes = 8 << 20,
		.processes = 16,
		.open_files = 64 };
	r->fds[0] = fd_memfd("judgebox-empty", "", 0, e);
	r->fds[2] = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (r->fds[0] != -1 && r->fds[2] != -1 &&
	    pipe2(out, O_CLOEXEC | O_NONBLOCK) == 0) {
		r->fds[1] = out[1];
		p->slot[slot].out = out[0];
		return r;
	}
	err_sys(e, "streams of a probe");
	run_free(r);
	return NULL;
}

int
probes_next(struct probes *p, unsigned slot, struct run **out, struct err *e)
{
	*out = NULL;
	while (p->slot[slot].next < CLASS_MAX_) {
		unsigned class = p->slot[slot].next++;

		if (!is_due(p, slot, class))
			continue;
		*out = make_run(p, slot, class, e);
		return *out != NULL ? 0 : -1;
	}
	p->slot[slot].seen = true;
	return 0;
}

/* The end of a program that was killed for its foreign call, or for want of its entry. */
static bool
ended_as_it_should(const struct wire_outcome *o)
{
	return (o->signal == SIGKILL || o->signal == SIGSEGV) &&
	       o->fired == WIRE_FIRED_NONE && o->oom_kills == 0;
}

int
probes_judge(struct probes *p, unsigned slot, const struct run *r,
    const struct wire_outcome *o, struct err *e)
{
	char text[256];
	ssize_t n = p->slot[slot].out != -1
			? read(p->slot[slot].out, text, sizeof(text) - 1)
			: -1;
	const char *class = seccomp_class_name(r->job->lang->class);

	fd_close_all(&p->slot[slot].out, 1);
	p->slot[slot].out = -1;
	text[n > 0 ? n : 0] = '\0';
	if (o->fault.code != ERR_NONE) {
		*e = o->fault;
		return err_wrap(e, "probe of class %s", class);
	}
	p->made++;
	if (strncmp(text, "breach ", 7) == 0)
		return err_set(e, ERR_BUG,
		    "probe of class %s: the box did not refuse: %.*s", class,
		    (int)strcspn(text + 7, "\n"), text + 7);
	if (strncmp(text, PROBE_HELD, strlen(PROBE_HELD)) != 0)
		return err_set(e, ERR_BUG,
		    "probe of class %s: ended with signal %d, exit code %d, before it "
		    "was "
		    "done",
		    class, o->signal, o->exit_code);
	if (!ended_as_it_should(o))
		return err_set(e, ERR_BUG,
		    "probe of class %s: the box did not refuse: a foreign call", class);
	if (o->violation == -1)
		return err_set(
		    e, ERR_BUG, "probe of class %s: no tripwire was reported", class);
	log_debug("slot %u holds: class %s", slot, class);
	return 0;
}
