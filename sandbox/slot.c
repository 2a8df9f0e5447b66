#include "sandbox/slot.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/scope.h"
#include "sandbox/slot_spawn.h"

#define START_US   15000000 /* a slot is up after 20 ms; a busy machine may need longer */
#define PREPARE_US 10000000
#define HELP_US    200000  /* beyond a run's own wall limit: a throttled slot gets air */
#define GRACE_US   5000000 /* beyond that: it is thrown away */
#define BACKOFF_US 250000  /* after a failure, doubled up to 128 times */
#define NEVER      UINT64_MAX

static void on_control(struct watcher *w, uint32_t events);
static void on_launcher(struct watcher *w, uint32_t events);
static void on_compile(struct watcher *w, uint32_t events);
static void on_exit_of_slot(struct watcher *w, uint32_t events);
static void fail(struct slot *s, const struct err *why);
static void advance(struct slot *s);
static void send_kill(struct slot *s);

void
slot_init(struct slot *s, struct slot_host *host, unsigned index, unsigned cpu)
{
	*s = (struct slot){
		.host = host, .index = index, .cpu = cpu, .deadline_us = NEVER
	};
	s->exit = (struct watcher){ -1, on_exit_of_slot, s };
	s->control = (struct watcher){ -1, on_control, s };
	s->compile = (struct watcher){ -1, on_compile, s };
	for (unsigned i = 0; i < SECCOMP_FILTERS; i++)
		s->launcher[i] = (struct watcher){ -1, on_launcher, s };
	for (unsigned i = 0; i < METER_MAX_; i++)
		s->meters[i] = -1;
}

static void
drop_watcher(struct slot *s, struct watcher *w)
{
	if (w->fd == -1)
		return;
	loop_remove(s->host->loop, w);
	close(w->fd);
	w->fd = -1;
}

/* --- up
 * ----------------------------------------------------------------------------------- */

static int
send_setup(struct slot *s, struct err *e)
{
	struct inner_setup m = { .type = INNER_SETUP,
		.cpu = s->cpu,
		.cgroup_v2 = cgroups_v2(s->host->cgroups),
		.work_inodes = (uint32_t)s->host->config->work_inodes,
		.paths = s->host->paths };

	return fd_send(s->control.fd, &m, sizeof(m), NULL, 0, e);
}

int
slot_start(struct slot *s, struct err *e)
{
	struct slot_spawn spawn = { .index = s->index,
		.program = s->host->program,
		.filters = s->host->filters,
		.uid_base = (unsigned)s->host->config->uid_base,
		.cgroups = s->host->cgroups,
		.meters = s->meters };

	if (cgroups_make_slot(s->host->cgroups, s->index, s->meters, e) == -1)
		return err_wrap(e, "slot %u", s->index);
	if (slot_spawn(&spawn, e) == -1) {
		fd_close_all(s->meters, METER_MAX_); /* the next try opens others */
		return err_wrap(e, "slot %u", s->index);
	}
	s->pid = spawn.pid;
	s->exit.fd = spawn.pidfd;
	s->control.fd = spawn.control;
	s->state = SLOT_STARTING;
	s->deadline_us = clock_us() + START_US;
	s->work_serial = 0;
	s->work_bytes = 64 << 20;
	s->work_dirty = false;
	s->oom_seen = 0;
	if (loop_add(s->host->loop, &s->exit, e) == -1 ||
	    loop_add(s->host->loop, &s->control, e) == -1 || send_setup(s, e) == -1)
		return err_wrap(e, "slot %u", s->index);
	return 0;
}

/* --- down
 * ---------------------------------------------------------------------------------- */

static void
close_sockets(struct slot *s)
{
	drop_watcher(s, &s->control);
	drop_watcher(s, &s->compile);
	for (unsigned i = 0; i < SECCOMP_FILTERS; i++) {
		drop_watcher(s, &s->launcher[i]);
		s->launcher_ready[i] = false;
	}
}

/* Starved of CPU time by its own box, a slot can neither end that nor itself. */
static void
lift_throttle(const struct slot *s)
{
	const char *none = cgroups_v2(s->host->cgroups) ? "max" : "-1";

	if (pwrite(s->meters[METER_CPU_MAX], none, strlen(none), 0) == -1)
		log_warn("slot %u: its CPU share cannot be lifted", s->index);
}

static uint64_t
oom_kills_since(const struct slot *s)
{
	char text[256];
	ssize_t n = pread(s->meters[METER_OOM], text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	const char *at = strstr(text, "oom_kill ");
	uint64_t now = at != NULL ? strtoull(at + 9, NULL, 10) : 0;
	return now > s->oom_seen ? now - s->oom_seen : 0;
}

static void
finish_run(struct slot *s, const struct wire_outcome *o)
{
	struct run *r = s->run;
	struct wire_outcome out = *o;

	s->run = NULL;
	s->run_sent = false;
	s->have_compiled = false;
	out.tag = r->tag;
	out.queue_us = r->started_us - r->asked_us;
	s->host->done(s->host->owner, s, r, &out);
}

/* The kernel may have taken the launcher for the program's sake: then that is the fact.
 */
static void
fail_run(struct slot *s, const struct err *why)
{
	struct wire_outcome o = { .violation = -1, .fault = *why };
	uint64_t ooms = oom_kills_since(s);

	if (ooms > 0) {
		o.fault = (struct err){ 0 };
		o.oom_kills = (uint32_t)ooms;
		o.signal = SIGKILL;
		o.memory_bytes = s->run->limits.memory_bytes;
		o.wall_us = clock_us() - s->run->started_us;
	}
	finish_run(s, &o);
}

static void
fail(struct slot *s, const struct err *why)
{
	if (s->state == SLOT_ENDING || s->state == SLOT_DOWN)
		return;
	s->state = SLOT_ENDING;
	s->failures++;
	log_err(why, "slot %u is thrown away", s->index);
	lift_throttle(s);
	kill(s->pid, SIGKILL); /* its PID 1: the kernel ends everything inside */
	close_sockets(s);
	s->deadline_us = NEVER; /* on_exit_of_slot goes on */
	if (s->run != NULL)
		fail_run(s, why);
	s->host->down(s->host->owner, s, why);
}

static void
on_exit_of_slot(struct watcher *w, uint32_t events)
{
	struct slot *s = w->owner;
	struct err e = { 0 };
	unsigned shift = s->failures < 8 ? s->failures : 7;

	(void)events;
	if (s->state != SLOT_ENDING) {
		err_set(&e, ERR_SYS, "slot %u: its keeper died", s->index);
		fail(s, &e);
	}
	waitpid(s->pid, NULL, 0);
	drop_watcher(s, &s->exit);
	fd_close_all(s->meters, METER_MAX_);
	s->state = SLOT_DOWN;
	s->deadline_us = clock_us() + ((uint64_t)BACKOFF_US << shift) / 128;
}

/* Down long enough: away with the old group, then up again. */
static void
restart(struct slot *s)
{
	struct err e = { 0 };

	if (cgroups_drop_slot(s->host->cgroups, s->index, &e) == -1 ||
	    slot_start(s, &e) == -1) {
		s->failures++;
		log_err(&e, "slot %u does not start", s->index);
		s->host->down(s->host->owner, s, &e);
		if (s->state != SLOT_DOWN) {
			fail(s, &e);
			return;
		}
		unsigned shift = s->failures < 8 ? s->failures : 7;
		s->deadline_us = clock_us() + ((uint64_t)BACKOFF_US << shift);
	}
}

void
slot_check(struct slot *s, uint64_t now_us)
{
	struct err e = { 0 };

	if (now_us < s->deadline_us)
		return;
	if (s->state == SLOT_DOWN) {
		restart(s);
		return;
	}
	if (s->run_sent && !s->helped) {
		s->helped = true;
		s->deadline_us = now_us + GRACE_US;
		if (s->run->limits.cpu_share_milli > 0)
			lift_throttle(s);
		return;
	}
	err_set(&e, ERR_SYS, "slot %u does not answer", s->index);
	fail(s, &e);
}

void
slot_end(struct slot *s)
{
	struct err e = { 0 };
	struct pollfd p = { .fd = s->exit.fd, .events = POLLIN };

	if (s->exit.fd != -1) {
		kill(s->pid, SIGKILL);
		poll(&p, 1, 5000);
		waitpid(s->pid, NULL, 0);
	}
	close_sockets(s);
	drop_watcher(s, &s->exit);
	fd_close_all(s->meters, METER_MAX_);
	run_free(s->run);
	s->run = NULL;
	s->state = SLOT_DOWN;
	for (int i = 0;
	     i < 100 && cgroups_drop_slot(s->host->cgroups, s->index, &e) == -1; i++)
		poll(NULL, 0, 10); /* the last dying process has no event for strangers */
}

/* --- a run
 * --------------------------------------------------------------------------------- */

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

static int
send_prepare(struct slot *s, struct err *e)
{
	const struct run *r = s->run;
	struct inner_prepare m = { .type = INNER_PREPARE,
		.work_bytes = r->limits.file_bytes };

	s->deadline_us = clock_us() + PREPARE_US;
	return fd_send(
	    s->control.fd, &m, sizeof(m), &r->job->work, r->job->work != -1 ? 1 : 0, e);
}

static int
send_launch(struct slot *s, unsigned filter, struct err *e)
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

static int
send_run(struct slot *s, unsigned filter, struct err *e)
{
	static struct inner_run m;
	struct run *r = s->run;
	int fds[4];
	unsigned n = 0;

	memset(&m, 0, sizeof(m));
	if (job_command(r, &m, e) == -1)
		return -1;
	if (m.has_program != 0)
		fds[n++] = r->job->program;
	for (unsigned i = 0; i < 3; i++)
		fds[n++] = r->fds[i];
	if (fd_send(s->launcher[filter].fd, &m, sizeof(m), fds, n, e) == -1)
		return -1;
	expect_end(s);
	return 0;
}

static int
send_compile(struct slot *s, struct err *e)
{
	static struct inner_compile m;
	struct run *r = s->run;
	scope_fd theirs = -1;

	memset(&m, 0, sizeof(m));
	m.type = INNER_COMPILE;
	m.filter = job_filter(r);
	m.work_bytes = r->limits.file_bytes;
	m.artifact_bytes = BUNDLE_BYTES;
	snprintf(m.artifact, sizeof(m.artifact), "%s", r->job->lang->artifact);
	if (job_command(r, &m.run, e) == -1 ||
	    make_channel(s, &s->compile, &theirs, e) == -1)
		return -1;
	const int fds[4] = { theirs, r->job->sources, r->fds[1], r->fds[2] };
	if (fd_send(s->control.fd, &m, sizeof(m), fds, 4, e) == -1)
		return -1;
	expect_end(s);
	return 0;
}

static bool
work_fits(const struct slot *s, const struct run *r)
{
	uint64_t wanted = r->job->work != -1 ? r->job->serial : 0;

	return !s->work_dirty && s->work_serial == wanted &&
	       s->work_bytes == r->limits.file_bytes;
}

/* The next thing the run needs before it can run: a /work, a launcher, the order. */
static void
advance(struct slot *s)
{
	struct run *r = s->run;
	unsigned filter = job_filter(r);
	struct err e = { 0 };
	int ok;

	if (r->kind == RUN_COMPILE)
		ok = send_compile(s, &e);
	else if (!work_fits(s, r))
		ok = send_prepare(s, &e);
	else if (!s->launcher_ready[filter])
		ok = send_launch(s, filter, &e);
	else
		ok = send_run(s, filter, &e);
	if (ok == 0) {
		if (s->run_sent && r->kill != WIRE_FIRED_NONE)
			send_kill(s);
		return;
	}
	if (e.code == ERR_OVER_LIMIT || e.code == ERR_BAD_INPUT) {
		/* the run's words did not fit; the slot is as good as before */
		struct wire_outcome o = { .violation = -1, .fault = e };

		s->state = SLOT_IDLE;
		s->deadline_us = NEVER;
		finish_run(s, &o);
		return;
	}
	fail(s, &e);
}

void
slot_run(struct slot *s, struct run *r)
{
	s->run = r;
	s->state = SLOT_BUSY;
	r->started_us = clock_us();
	advance(s);
}

static void
send_kill(struct slot *s)
{
	struct inner_kill m = { .type = INNER_KILL, .fired = s->run->kill };
	struct err e = { 0 };
	int sock = s->run->kind == RUN_COMPILE ? s->compile.fd
					       : s->launcher[job_filter(s->run)].fd;
	if (fd_send(sock, &m, sizeof(m), NULL, 0, &e) == -1)
		log_debug("slot %u: kill: %s", s->index, e.msg); /* it just ended */
}

/* Once per run: a client that repeats itself must not fill a socket we would wait for. */
void
slot_kill_run(struct slot *s, enum wire_fired why)
{
	if (s->run->kill != WIRE_FIRED_NONE)
		return;
	s->run->kill = why;
	if (s->run_sent) /* else advance() does it when there is something to kill */
		send_kill(s);
}

/* --- what slots say
 * --------------------------------------------------------------------------- */

/* Returns the length, or -1 after fail(). */
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
	fail(s, &e);
	return -1;
}

static void
unexpected(struct slot *s, uint32_t type)
{
	struct err e = { 0 };

	err_set(&e, ERR_PROTO, "slot %u: unexpected message %u", s->index, type);
	fail(s, &e);
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
	fail(s, &e);
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
		s->deadline_us = NEVER;
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

/* The run's facts are in; the slot is free, or not fit to be. */
static void
settle(struct slot *s, const struct inner_outcome *o)
{
	struct wire_outcome out = o->wire;
	struct err e = { 0 };

	out.fault.msg[sizeof(out.fault.msg) - 1] = '\0';
	s->oom_seen += out.oom_kills;
	if (o->unclean != 0) {
		err_set(&e, ERR_SYS, "slot %u: a process outlived its box", s->index);
		struct run *r = s->run;

		s->run = NULL;
		fail(s, &e);
		s->run = r;
		finish_run(s, &out);
		return;
	}
	s->failures = 0;
	s->state = SLOT_IDLE;
	s->deadline_us = NEVER;
	finish_run(s, &out);
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
	    !s->run_sent || s->run->kind == RUN_COMPILE) {
		unexpected(s, m.type);
		return;
	}
	s->work_dirty = s->work_dirty || m.outcome.dirty != 0;
	settle(s, &m.outcome);
}

static void
take_artifact(struct slot *s, const struct inner_artifact *a, int *fd)
{
	struct inner_outcome o = { .type = INNER_OUTCOME, .wire = s->compiled };
	struct wire_outcome *w = &o.wire;
	bool went_well = s->have_compiled && w->fault.code == ERR_NONE &&
			 w->exit_code == 0 && w->signal == 0 &&
			 w->fired == WIRE_FIRED_NONE && w->exec_errno == 0 &&
			 w->oom_kills == 0 && w->violation == -1;

	if (!s->have_compiled)
		w->fault = a->fault.code != ERR_NONE
			       ? a->fault
			       : (struct err){ .code = ERR_PROTO,
					 .msg = "artifact without an outcome" };
	else if (went_well && a->fault.code != ERR_NONE)
		w->fault = a->fault;
	else if (went_well &&
		 job_adopt(s->run->job, *fd, a->is_tree != 0, &w->fault) == -1)
		err_wrap(&w->fault, "artifact");
	fd_close_all(fd, 1); /* charged to the slot: gone before its next run starts */
	drop_watcher(s, &s->compile);
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
		s->compiled = m.outcome.wire;
		s->have_compiled = true;
		if (m.outcome.unclean != 0)
			settle(s, &m.outcome);
	} else if (m.type == INNER_ARTIFACT && n == sizeof(m.artifact))
		take_artifact(s, &m.artifact, &passed);
	else
		unexpected(s, m.type);
	fd_close_all(&passed, 1);
}
