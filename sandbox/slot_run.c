#include "sandbox/slot_run.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/fd.h"
#include "base/log.h"
#include "sandbox/making.h"
#include "sandbox/prepared.h"
#include "sandbox/slot_order.h"

/* --- a run --- */

static bool
work_fits(const struct slot *s, const struct run *r)
{
	uint64_t wanted = r->job->work != -1 ? r->job->serial : 0;

	return !s->work_dirty && s->work_serial == wanted &&
	       s->work_bytes == r->limits.file_bytes;
}

/* Once per run: a client that repeats itself must not fill a socket we would wait for. */
void
slot_kill_run(struct slot *s, enum wire_fired why)
{
	if (s->run->kill != WIRE_FIRED_NONE)
		return;
	s->run->kill = why;
	if (s->run_sent) /* else advance() does it when there is something to kill */
		slot_order_kill(s);
}

/* The next thing the run needs before it can run: a /work, a launcher, the order. */
static void
advance(struct slot *s)
{
	struct run *r = s->run;
	unsigned filter = job_filter(r);
	struct err e = { 0 };
	int ok;

	if (run_is_staged(r))
		ok = slot_order_compile(s, &e);
	else if (!work_fits(s, r))
		ok = slot_order_work(s, &e);
	else if (!s->launcher_ready[filter])
		ok = slot_order_launcher(s, filter, &e);
	else
		ok = slot_order_run(s, filter, &e);
	if (ok == 0) {
		if (s->run_sent && r->kill != WIRE_FIRED_NONE)
			slot_order_kill(s);
		return;
	}
	if (e.code == ERR_OVER_LIMIT || e.code == ERR_BAD_INPUT) {
		/* the run's words did not fit; the slot is as good as before */
		struct wire_outcome o = { .violation = -1, .fault = e };

		s->state = SLOT_IDLE;
		s->deadline_us = SLOT_NEVER;
		slot_finish_run(s, &o);
		return;
	}
	slot_fail(s, &e);
}

void
slot_run(struct slot *s, struct run *r)
{
	s->run = r;
	s->state = SLOT_BUSY;
	r->started_us = clock_us();
	advance(s);
}

/* --- what slots say --- */

/* Returns the length, or -1 after slot_fail(). */
static long
receive(struct slot *s, struct watcher *w, union inner_message *m, int *passed)
{
	struct err e = { 0 };
	int fds[FD_PASS_MAX];
	unsigned nfds;
	long n = fd_recv(w->fd, m, sizeof(*m), fds, &nfds, &e);

	*passed = -1;
	if (n >= (long)sizeof(m->type)) {
		if (nfds > 0)
			*passed = fds[0];
		if (nfds > 1)
			fd_close_all(fds + 1, nfds - 1);
		return n;
	}
	if (n >= 0) {
		fd_close_all(fds, nfds);
		err_set(&e, ERR_PROTO, "a message of %ld bytes", n);
	}
	err_wrap(&e, "slot %u", s->index);
	slot_fail(s, &e);
	return -1;
}

static void
unexpected(struct slot *s, uint32_t type)
{
	struct err e = { 0 };

	err_set(&e, ERR_PROTO, "slot %u: unexpected message %u", s->index, type);
	slot_fail(s, &e);
}

static bool
done_well(struct slot *s, const union inner_message *m, long n)
{
	struct err e = { 0 };

	if (n != sizeof(m->done) || m->type != INNER_DONE) {
		unexpected(s, m->type);
		return false;
	}
	if (m->done.fault.code == ERR_NONE)
		return true;
	e = m->done.fault;
	e.msg[sizeof(e.msg) - 1] = '\0';
	err_wrap(&e, "slot %u", s->index);
	slot_fail(s, &e);
	return false;
}

static void
on_control(struct watcher *w, uint32_t events)
{
	static union inner_message m;
	struct slot *s = w->owner;
	int passed;

	(void)events;
	long n = receive(s, w, &m, &passed);
	if (n == -1)
		return;
	fd_close_all(&passed, 1);
	if (!done_well(s, &m, n))
		return;
	if (s->state == SLOT_STARTING) {
		s->state = SLOT_IDLE;
		s->deadline_us = SLOT_NEVER;
		s->host->up(s->host->owner, s);
		return;
	}
	if (s->state != SLOT_BUSY || s->run_sent) {
		unexpected(s, m.type);
		return;
	}
	s->work_dirty = false;
	s->work_serial = s->run->job->work != -1 ? s->run->job->serial : 0;
	s->work_bytes = s->run->limits.file_bytes;
	advance(s);
}

static const char *
monitor_name(const struct wire_outcome *o)
{
	return o->violation == WIRE_VIOLATION_SYSCALLS ? "syscall rate"
	       : o->violation == WIRE_VIOLATION_MEMORY ? "memory growth"
						       : NULL;
}

static void
name_violation(const struct slot *s, struct wire_outcome *o)
{
	const uint64_t *a = o->violation_args;

	if (o->violation == -1 || s->run->kind == RUN_PROBE)
		return; /* a probe must have some */
	if (monitor_name(o) != NULL) {
		snprintf(
		    o->violation_name, sizeof(o->violation_name), "%s", monitor_name(o));
		return; /* log_noticed has its figures */
	}
	seccomp_call_name(
	    o->violation, o->foreign != 0, o->violation_name, sizeof(o->violation_name));
	log_warn("violation call=\"%s\" number=%d args=%#" PRIx64 ",%#" PRIx64
		 ",%#" PRIx64 ",%#" PRIx64 ",%#" PRIx64 ",%#" PRIx64
		 " language=%s slot=%u",
	    o->violation_name, o->violation, a[0], a[1], a[2], a[3], a[4], a[5],
	    s->run->job->lang->id, s->index);
}

static void
log_noticed(const struct slot *s, const struct wire_outcome *o)
{
	const char *killed = monitor_name(o) != NULL ? " action=kill" : "";

	if ((o->noticed & WIRE_NOTICED_SYSCALLS) != 0)
		log_info("noticed kind=syscall_rate per_s=%" PRIu64
			 " language=%s slot=%u%s",
		    o->syscalls_per_s, s->run->job->lang->id, s->index, killed);
	if ((o->noticed & WIRE_NOTICED_MEMORY) != 0)
		log_info("noticed kind=memory_growth mb_per_s=%" PRIu64
			 " language=%s slot=%u%s",
		    o->growth_per_s >> 20, s->run->job->lang->id, s->index, killed);
}

/* The run's facts are in; the slot is free, or not fit to be. */
static void
settle(struct slot *s, const struct inner_outcome *o)
{
	struct wire_outcome out = o->wire;
	struct err e = { 0 };

	out.fault.msg[sizeof(out.fault.msg) - 1] = '\0';
	name_violation(s, &out);
	log_noticed(s, &out);
	s->oom_seen += o->kills;
	if (o->unclean != 0) {
		err_set(&e, ERR_SYS, "slot %u: a process outlived its box", s->index);
		struct run *r = s->run;

		s->run = NULL;
		slot_fail(s, &e);
		s->run = r;
		slot_finish_run(s, &out);
		return;
	}
	s->failures = 0;
	s->state = SLOT_IDLE;
	s->deadline_us = SLOT_NEVER;
	slot_finish_run(s, &out);
}

static void
on_launcher(struct watcher *w, uint32_t events)
{
	static union inner_message m;
	struct slot *s = w->owner;
	unsigned filter = (unsigned)(w - s->launcher);
	int passed;

	(void)events;
	long n = receive(s, w, &m, &passed);
	if (n == -1)
		return;
	fd_close_all(&passed, 1);
	if (!s->launcher_ready[filter]) {
		if (!done_well(s, &m, n))
			return;
		s->launcher_ready[filter] = true;
		advance(s);
		return;
	}
	if (n != sizeof(m.outcome) || m.type != INNER_OUTCOME || s->state != SLOT_BUSY ||
	    !s->run_sent || run_is_staged(s->run)) {
		unexpected(s, m.type);
		return;
	}
	s->work_dirty = s->work_dirty || m.outcome.dirty != 0;
	settle(s, &m.outcome);
}

/* --- artifacts --- */

/* What takes longer to copy than others should wait is copied by a child. */
#define COPY_BYTES    (4 << 20)
#define COPY_US(size) (2000000 + (size) / 8) /* 8 MB/s: a disk that others use, too */

struct copy {
	struct prepared *prepared;
	const struct run *run;
	int fd;
	bool is_tree;
};

static int
copy_artifact(void *arg, int made[CHORE_MADE], struct err *e)
{
	const struct copy *c = arg;

	if (c->run->kind == RUN_PREPARE)
		return prepared_store(c->prepared, c->run, c->fd, c->is_tree, e);
	if (job_adopt_copy(c->run->job, c->fd, c->is_tree, made, e) == -1)
		return -1;
	if (c->run->kind == RUN_FREEZE)
		images_gather(made[1]);
	return 0;
}

static void
on_copied(void *owner, const struct err *why, int made[CHORE_MADE])
{
	struct slot *s = owner;
	struct inner_outcome o = s->compiled;

	if (why->code == ERR_NONE && s->run->kind == RUN_PREPARE)
		prepared_stored(s->host->prepared, s->run);
	else if (why->code == ERR_NONE)
		job_adopt_made(s->run->job, made, s->made_tree);
	else {
		o.wire.fault = *why;
		err_wrap(&o.wire.fault, "artifact");
	}
	fd_close_all(made, CHORE_MADE);
	settle(s, &o);
}

/* Returns true when the run goes on in on_copied(). */
static bool
adopt(struct slot *s, int fd, bool is_tree, struct err *e)
{
	struct job *j = s->run->job;
	struct copy c = { s->host->prepared, s->run, fd, is_tree };
	bool prepares = s->run->kind == RUN_PREPARE;
	const int keep[CHORE_KEEP] = { fd, j->work,
		prepares ? prepared_dir(s->host->prepared) : -1, -1 };
	uint64_t size = 0;

	int r = prepares ? 0 : job_adopt_size(fd, &size, e);
	if (prepares)
		size = MAKING_BYTES_MAX;
	if (r == 0 && size > COPY_BYTES) {
		s->made_tree = is_tree;
		s->deadline_us = clock_us() + COPY_US(size);
		r = chore_start(&s->chore, s->host->loop, copy_artifact, &c, keep, e);
		if (r == 0)
			return true;
	} else if (r == 0)
		r = job_adopt(j, fd, is_tree, e);
	if (r == -1)
		err_wrap(e, "artifact");
	return false;
}

static bool
is_silent(const struct run *r)
{
	struct stat st;

	for (unsigned i = 0; i < 2; i++)
		if (fstat(r->said[i], &st) == -1 || st.st_size != 0)
			return false;
	return true;
}

/* With prepared files, diagnostics name other places.  Where there is something to say,
 * the compiler says it without them, to whoever asked. */
static bool
redo_plainly(struct slot *s, bool went_well)
{
	struct run *r = s->run;
	bool recorded = r->said[0] != -1;
	bool is_quiet = recorded && is_silent(r);
	bool good = is_quiet && went_well;

	fd_close_all(r->said, 2);
	if (!recorded || good || !s->have_compiled || r->kill != WIRE_FIRED_NONE ||
	    s->compiled.wire.fired != WIRE_FIRED_NONE ||
	    s->compiled.wire.fault.code != ERR_NONE)
		return false;
	log_debug("compiled again: said=%d exit=%d signal=%d", !is_quiet,
	    s->compiled.wire.exit_code, s->compiled.wire.signal);
	r->plain = true;
	r->prepared = false;
	s->oom_seen += s->compiled.kills;
	s->have_compiled = false;
	s->run_sent = false;
	advance(s);
	return true;
}

static void
take_artifact(struct slot *s, const struct inner_artifact *a, int *fd)
{
	struct inner_outcome o = { .type = INNER_OUTCOME, .wire.violation = -1 };
	struct wire_outcome *w = &o.wire;

	if (s->have_compiled)
		o = s->compiled;
	bool good = w->exit_code == 0 && w->signal == 0 && w->fired == WIRE_FIRED_NONE &&
		    w->exec_errno == 0 && w->oom_kills == 0 && w->violation == -1;
	bool went_well = s->have_compiled && w->fault.code == ERR_NONE &&
			 (good || JB_FAULT(KEEP_GOOD));

	if (!s->have_compiled)
		w->fault = a->fault.code != ERR_NONE
			       ? a->fault
			       : (struct err){ .code = ERR_PROTO,
					 .msg = "artifact without an outcome" };
	else if (went_well && a->fault.code != ERR_NONE)
		w->fault = a->fault;
	slot_drop_watcher(s, &s->compile);
	if (redo_plainly(s, went_well && w->fault.code == ERR_NONE)) {
		fd_close_all(fd, 1);
		return;
	}
	if (s->run->prepared)
		log_debug(
		    "compiled with prepared files language=%s", s->run->job->lang->id);
	bool copying = went_well && w->fault.code == ERR_NONE &&
		       adopt(s, *fd, a->is_tree != 0, &w->fault);
	fd_close_all(fd, 1); /* charged to the slot: gone before its next run starts */
	if (copying)
		return;

	settle(s, &o);
}

static void
on_compile(struct watcher *w, uint32_t events)
{
	static union inner_message m;
	struct slot *s = w->owner;
	int passed;

	(void)events;
	long n = receive(s, w, &m, &passed);
	if (n == -1)
		return;
	if (m.type == INNER_OUTCOME && n == sizeof(m.outcome) && !s->have_compiled) {
		s->compiled = m.outcome;
		s->have_compiled = true;
		if (m.outcome.unclean != 0)
			settle(s, &m.outcome);
	} else if (m.type == INNER_ARTIFACT && n == sizeof(m.artifact))
		take_artifact(s, &m.artifact, &passed);
	else
		unexpected(s, m.type);
	fd_close_all(&passed, 1);
}

const struct slot_ears slot_run_ears = {
	.control = on_control,
	.launcher = on_launcher,
	.compile = on_compile,
	.copied = on_copied,
};
