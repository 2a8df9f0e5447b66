#include "sandbox/slot_order.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/scope.h"
#include "sandbox/prepared.h"
#include "sandbox/warm/frozen.h"

#define PREPARE_US 10000000
#define HELP_US    200000 /* beyond a run's own wall limit: then slot_check() helps */

/* A socket pair of which one end goes to the slot; the other is watched here. */
static int
make_channel(struct slot *s, struct watcher *w, int *theirs, struct err *e)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1)
		return err_sys(e, "socketpair");
	w->fd = pair[0];
	*theirs = pair[1];
	return loop_add(s->host->loop, w, e);
}

int
slot_order_work(struct slot *s, struct err *e)
{
	const struct run *r = s->run;
	struct inner_prepare m = { .type = INNER_PREPARE,
		.work_bytes = r->limits.file_bytes };

	s->deadline_us = clock_us() + PREPARE_US;
	return fd_send(
	    s->control.fd, &m, sizeof(m), &r->job->work, r->job->work != -1 ? 1 : 0, e);
}

int
slot_order_launcher(struct slot *s, unsigned filter, struct err *e)
{
	struct inner_launch m = { .type = INNER_LAUNCH, .filter = filter };
	scope_fd theirs = -1;

	if (make_channel(s, &s->launcher[filter], &theirs, e) == -1)
		return -1;
	s->deadline_us = clock_us() + PREPARE_US;
	return fd_send(s->control.fd, &m, sizeof(m), &theirs, 1, e);
}

static void
expect_end(struct slot *s)
{
	s->run_sent = true;
	s->helped = false;
	s->deadline_us = clock_us() + s->run->limits.wall_us + HELP_US;
}

/* The keeper and its launchers. */
static unsigned
at_rest(const struct slot *s)
{
	unsigned n = 1;

	for (unsigned i = 0; i < SECCOMP_FILTERS; i++)
		n += s->launcher_ready[i];
	return n;
}

/* A frozen interpreter for this run, -1: none fits. */
static int
choose_image(const struct slot *s, struct inner_run *m)
{
	int image = images_pick(s->host->images, s->run, &m->argv);

	if (image != -1)
		m->has_program = m->thaws = 1;
	return image;
}

int
slot_order_run(struct slot *s, unsigned filter, struct err *e)
{
	static struct inner_run m;
	struct run *r = s->run;
	int fds[4];
	unsigned n = 0;

	if (job_command(r, NULL, &m, e) == -1)
		return -1;
	m.at_rest = at_rest(s);
	int image = choose_image(s, &m);
	if (image != -1)
		fds[n++] = image;
	else if (m.has_program != 0)
		fds[n++] = r->job->program;
	for (unsigned i = 0; i < 3; i++)
		fds[n++] = r->fds[i];
	if (fd_send(s->launcher[filter].fd, &m, inner_pack_run(&m), fds, n, e) == -1)
		return -1;
	expect_end(s);
	return 0;
}

/* A compiler that finds prepared files may say things in other words.  Its first try is
 * recorded, and only if it was silent and went well that was it: see redo_plainly() of
 * slot_run.c. */
static int
find_prepared(struct slot *s, struct run *r, struct words *out, struct err *e)
{
	const struct language *l = r->job->lang;

	*out = (struct words){ 0 };
	if (r->kind != RUN_COMPILE || r->plain)
		return 0;
	if (prepared_words(s->host->prepared, l, &r->job->options, out, e) == -1)
		return -1;
	r->prepared = out->count > 0;
	if (out->count == 0 || !l->prepare->quiet)
		return 0;
	for (unsigned i = 0; i < 2; i++) {
		r->said[i] = fd_memfd_new("judgebox-said", e);
		if (r->said[i] == -1)
			return -1;
	}
	return 0;
}

static const char *
artifact_of(const struct slot *s, uint64_t *most)
{
	const struct run *r = s->run;

	*most = BUNDLE_BYTES;
	return r->kind == RUN_COMPILE   ? r->job->lang->artifact
	       : r->kind == RUN_PREPARE ? prepared_artifact(s->host->prepared, r, most)
					: FROZEN_IMAGE;
}

int
slot_order_compile(struct slot *s, struct err *e)
{
	static struct inner_compile m;
	static struct words prepared;
	struct run *r = s->run;
	scope_fd theirs = -1;

	memset(&m, 0, sizeof(m));
	m.type = INNER_COMPILE;
	m.filter = job_filter(r);
	m.work_bytes = r->limits.file_bytes;
	snprintf(m.artifact, sizeof(m.artifact), "%s", artifact_of(s, &m.artifact_bytes));
	if (r->kind == RUN_FREEZE) /* a file, as a test's input is */
		snprintf(m.input, sizeof(m.input), "%s", r->job->lang->source);
	if (find_prepared(s, r, &prepared, e) == -1 ||
	    job_command(r, &prepared, &m.run, e) == -1 ||
	    make_channel(s, &s->compile, &theirs, e) == -1)
		return -1;
	m.run.at_rest = at_rest(s) + 2; /* the compile stage and its launcher */
	const int *streams = r->said[0] != -1 ? r->said : r->fds + 1;
	const int fds[4] = { theirs, r->job->sources, streams[0], streams[1] };
	if (fd_send(s->control.fd, &m, sizeof(m), fds, 4, e) == -1)
		return -1;
	expect_end(s);
	return 0;
}

void
slot_order_kill(struct slot *s)
{
	struct inner_kill m = { .type = INNER_KILL, .fired = s->run->kill };
	struct err e = { 0 };
	int sock =
	    run_is_staged(s->run) ? s->compile.fd : s->launcher[job_filter(s->run)].fd;
	if (fd_send(sock, &m, sizeof(m), NULL, 0, &e) == -1)
		log_debug("slot %u: kill: %s", s->index, e.msg); /* it just ended */
}
