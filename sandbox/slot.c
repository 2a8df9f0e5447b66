#include "sandbox/slot.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/scope.h"
#include "sandbox/domain.h"
#include "sandbox/prepared.h"
#include "sandbox/slot_spawn.h"

#define START_US   15000000 /* a slot is up after 20 ms; a busy machine may need longer */
#define GRACE_US   1800000  /* an overdue run that was helped: then the slot goes */
#define BACKOFF_US 250000   /* after a failure, doubled up to 128 times */
#define REMOVAL_US 10000    /* the last dying process has no event for strangers */

static void on_exit_of_slot(struct watcher *w, uint32_t events);

void
slot_init(struct slot *s, struct slot_host *host, const struct slot_ears *ears,
    unsigned index, unsigned cpu)
{
	*s = (struct slot){
		.host = host, .index = index, .cpu = cpu, .deadline_us = SLOT_NEVER
	};
	s->exit = (struct watcher){ -1, on_exit_of_slot, s };
	s->control = (struct watcher){ -1, ears->control, s };
	s->compile = (struct watcher){ -1, ears->compile, s };
	for (unsigned i = 0; i < SECCOMP_FILTERS; i++)
		s->launcher[i] = (struct watcher){ -1, ears->launcher, s };
	s->chore.done = ears->copied;
	s->chore.owner = s;
	for (unsigned i = 0; i < METER_MAX_; i++)
		s->meters[i] = -1;
}

void
slot_drop_watcher(struct slot *s, struct watcher *w)
{
	if (w->fd == -1)
		return;
	loop_remove(s->host->loop, w);
	close(w->fd);
	w->fd = -1;
}

/* --- up --- */

static int
send_setup(struct slot *s, struct err *e)
{
	struct inner_setup m = { .type = INNER_SETUP,
		.cpu = s->cpu,
		.cgroup_v2 = cgroups_v2(s->host->cgroups),
		.work_inodes = (uint32_t)s->host->config->work_inodes,
		.landlock = (uint32_t)domain_mode_of(s->host->config->landlock),
		.monitor = config_monitor_rules(s->host->config),
		.prepared = prepared_dir(s->host->prepared) != -1,
		.paths = s->host->paths };

	return fd_send(s->control.fd, &m, sizeof(m), NULL, 0, e);
}

/* Whatever is left dies now; nobody is told. */
static void
bury(struct slot *s)
{
	kill(s->pid, SIGKILL);
	waitpid(s->pid, NULL, 0);
	slot_drop_watcher(s, &s->control);
	slot_drop_watcher(s, &s->exit);
	fd_close_all(s->meters, METER_MAX_); /* the next try opens others */
	s->state = SLOT_DOWN;
}

int
slot_start(struct slot *s, struct err *e)
{
	struct slot_spawn spawn = { .index = s->index,
		.program = s->host->program,
		.filters = s->host->filters,
		.uid_base = (unsigned)s->host->config->uid_base,
		.cgroups = s->host->cgroups,
		.cwd = prepared_dir(s->host->prepared),
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
	    loop_add(s->host->loop, &s->control, e) == -1 || send_setup(s, e) == -1) {
		bury(s); /* without a watcher its end would be seen by nobody */
		return err_wrap(e, "slot %u", s->index);
	}
	return 0;
}

/* --- down --- */

static void
close_sockets(struct slot *s)
{
	slot_drop_watcher(s, &s->control);
	slot_drop_watcher(s, &s->compile);
	chore_end(&s->chore);
	for (unsigned i = 0; i < SECCOMP_FILTERS; i++) {
		slot_drop_watcher(s, &s->launcher[i]);
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

void
slot_finish_run(struct slot *s, const struct wire_outcome *o)
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
 * For the sake of others, it is a fault. */
static void
fail_run(struct slot *s, const struct err *why)
{
	struct wire_outcome o = { .violation = -1, .fault = *why };
	bool own = false;
	uint64_t ooms = meter_kills_since(s->meters, s->oom_seen, &own);

	if (ooms > 0 && own) {
		o.fault = (struct err){ 0 };
		o.oom_kills = (uint32_t)ooms;
		o.signal = SIGKILL;
		o.memory_bytes = s->run->limits.memory_bytes;
		o.wall_us = clock_us() - s->run->started_us;
	}
	slot_finish_run(s, &o);
}

static void
end_keeper(struct slot *s)
{
	s->state = SLOT_ENDING;
	lift_throttle(s);
	kill(s->pid, SIGKILL); /* its PID 1: the kernel ends everything inside */
	close_sockets(s);
	s->deadline_us = SLOT_NEVER; /* on_exit_of_slot goes on */
}

void
slot_fail(struct slot *s, const struct err *why)
{
	if (s->state == SLOT_ENDING || s->state == SLOT_DOWN)
		return;
	s->failures++;
	log_err(why, "slot %u is thrown away", s->index);
	end_keeper(s);
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
		slot_fail(s, &e);
	}
	bury(s);
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
		unsigned shift = s->failures < 8 ? s->failures : 7;
		s->deadline_us = clock_us() + ((uint64_t)BACKOFF_US << shift);
	}
}

/* Dismissed: nothing is to be left of it. */
static void
vanish(struct slot *s, uint64_t now_us)
{
	struct err e = { 0 };

	s->deadline_us = SLOT_NEVER;
	if (cgroups_drop_slot(s->host->cgroups, s->index, &e) == 0)
		return;
	s->deadline_us = now_us + ((uint64_t)REMOVAL_US << s->failures);
	s->failures += s->failures < 12;
	if (e.code != ERR_BUSY)
		log_err(&e, "slot %u does not go", s->index);
}

void
slot_call(struct slot *s)
{
	s->dismissed = false;
	s->failures = 0;
	if (s->state == SLOT_DOWN)
		s->deadline_us = clock_us();
}

void
slot_dismiss(struct slot *s)
{
	s->dismissed = true;
	s->failures = 0;
	if (s->state == SLOT_IDLE)
		end_keeper(s);
	else
		s->deadline_us = clock_us();
}

void
slot_check(struct slot *s, uint64_t now_us)
{
	struct err e = { 0 };

	if (now_us < s->deadline_us || (s->run_sent && JB_FAULT(OVERDUE)))
		return;
	if (s->state == SLOT_DOWN) {
		(s->dismissed ? vanish(s, now_us) : restart(s));
		return;
	}
	/* Its own box may have starved it.  While an artifact is copied there is none,
	 * and that takes longer on a busy machine: it has the same time more. */
	if (s->run_sent && !s->helped) {
		s->helped = true;
		s->deadline_us = now_us + GRACE_US;
		if (s->run->limits.cpu_share_milli > 0)
			lift_throttle(s);
		return;
	}
	err_set(&e, ERR_SYS, "slot %u does not answer", s->index);
	slot_fail(s, &e);
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
	slot_drop_watcher(s, &s->exit);
	fd_close_all(s->meters, METER_MAX_);
	run_free(s->run);
	s->run = NULL;
	s->state = SLOT_DOWN;
	for (int i = 0;
	     i < 100 && cgroups_drop_slot(s->host->cgroups, s->index, &e) == -1; i++)
		poll(NULL, 0, REMOVAL_US / 1000);
}
