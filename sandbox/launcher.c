#include "sandbox/launcher.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/fd.h"
#include "sandbox/child.h"
#include "sandbox/creds.h"
#include "sandbox/mounts.h"

#define TRIPS_MAX                                                                        \
	100 /* notifications before the box is ended: a flood is an attack too */

/* Limits that never change; each run sets the others.  A core file of at most one byte is
 * none, and core(5) has a meaning for it besides: where kernel.core_pattern is a pipe,
 * the kernel starts no program, as root and on the host, for a crash.  0 does not stop
 * that. */
static const struct {
	int resource;
	rlim_t value;
} fixed_limits[] = {
	{ RLIMIT_CORE, 1 },
	{ RLIMIT_MEMLOCK, 0 },
	{ RLIMIT_MSGQUEUE, 0 },
	{ RLIMIT_NICE, 0 },
	{ RLIMIT_RTPRIO, 0 },
	{ RLIMIT_SIGPENDING, 256 },
};

static int
set_fixed_limits(struct err *e)
{
	for (unsigned i = 0; i < sizeof(fixed_limits) / sizeof(fixed_limits[0]); i++) {
		if (JB_FAULT(FIXED_LIMITS))
			break;
		struct rlimit r = { 0, 0 };

		if (getrlimit(fixed_limits[i].resource, &r) == -1)
			return err_sys(e, "getrlimit %d", fixed_limits[i].resource);
		if (r.rlim_max > fixed_limits[i].value) /* nobody here may raise one */
			r.rlim_max = fixed_limits[i].value;
		r.rlim_cur = r.rlim_max;
		if (setrlimit(fixed_limits[i].resource, &r) == -1)
			return err_sys(e, "setrlimit %d", fixed_limits[i].resource);
	}
	return 0;
}

static int
load_filter(const struct sock_filter *program, unsigned instructions, struct err *e)
{
	/* the kernel only reads it; the member is not const in its header */
	struct sock_fprog p = { .len = (unsigned short)instructions,
		.filter = (struct sock_filter *)(uintptr_t)program };
	struct sock_filter all = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);

	if (JB_FAULT(SECCOMP))
		p = (struct sock_fprog){ .len = 1, .filter = &all };
	long fd = syscall(
	    SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &p);

	if (fd == -1)
		return err_sys(e, "load the seccomp filter");
	return (int)fd;
}

int
launcher_start(struct launcher *l, const struct launcher_parts *p, struct err *e)
{
	*l = (struct launcher){ .control = p->control, .proc = p->proc, .listener = -1 };
	signal(SIGCHLD, SIG_DFL);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == -1)
		return err_sys(e, "set the parent death signal");
	meter_open(&l->meter, p->meters, p->cgroup_v2, p->force);
	monitor_open(&l->monitor, p->monitor, p->proc);
	if (set_fixed_limits(e) == -1)
		return -1;
	/* SYS_ADMIN: for the PID namespace of every box, in this user namespace only. */
	if (creds_reduce(
		CREDS_CAP(CAP_SYS_ADMIN) | CREDS_CAP(CAP_SETUID) | CREDS_CAP(CAP_SETGID),
		e) == -1)
		return -1;
	/* the filter comes last: it has no Landlock calls for anybody */
	if (domain_enter(p->landlock, p->view, p->proc, e) == -1)
		return -1;
	l->listener = load_filter(p->program, p->instructions, e);
	return l->listener == -1 ? -1 : 0;
}

/* --- while the box runs --- */

#define BEAT_US 200000 /* nothing happens for longer: then we are not let run */
#define LATE_US 250000 /* a busy machine is late, too, but not by so much */

struct watch {
	struct launcher *l;
	const struct wire_limits *limits;
	struct wire_outcome *o;
	pid_t init;
	uint64_t wall_deadline, cpu_check; /* µs of clock_us() */
	uint64_t cpu_seen;                 /* at the last beat */
	unsigned trips;
};

static void
kill_box(struct watch *w)
{
	/* its rusage dies with it: where the peak is no use, this is what there is */
	w->o->memory_bytes = meter_memory(&w->l->meter);
	meter_unthrottle(&w->l->meter); /* hundreds die by their own CPU time */
	kill(w->init, SIGKILL);         /* not reaped yet: the number is still its own */
}

static void
end_box(struct watch *w, enum wire_fired why)
{
	if (w->o->fired == WIRE_FIRED_NONE)
		w->o->fired = why;
	kill_box(w);
}

/* Remembers the first forbidden call and lets it fail with EPERM.  Never continues one:
 * its arguments could change behind our back (seccomp_unotify(2)). */
static void
answer_trip(struct watch *w)
{
	struct seccomp_notif n;
	struct seccomp_notif_resp r = { .error = -EPERM };

	memset(&n, 0, sizeof(n));
	if (ioctl(w->l->listener, SECCOMP_IOCTL_NOTIF_RECV, &n) == -1)
		return; /* the caller was killed meanwhile */
	/* the number is the program's own: a negative one would read as "none" */
	bool foreign =
	    n.data.arch != AUDIT_ARCH_X86_64 || (unsigned)n.data.nr >= 0x40000000u;
	if (w->o->violation == -1 && !JB_FAULT(VIOLATION)) {
		w->o->violation = n.data.nr >= 0 ? n.data.nr : INT32_MAX;
		w->o->foreign = foreign;
		memcpy(w->o->violation_args, n.data.args, sizeof(w->o->violation_args));
	}
	if ((foreign && !JB_FAULT(FOREIGN)) ||
	    (++w->trips > TRIPS_MAX && !JB_FAULT(TRIPS_MAX))) {
		meter_unthrottle(&w->l->meter);
		kill(w->init, SIGKILL);
		return; /* unanswered it makes no step until its end comes */
	}
	r.id = n.id;
	ioctl(w->l->listener, SECCOMP_IOCTL_NOTIF_SEND, &r);
}

static void
take_order(struct watch *w)
{
	union inner_message m;
	struct err e = { 0 };
	int fds[FD_PASS_MAX];
	unsigned nfds;
	long n = fd_recv(w->l->control, &m, sizeof(m), fds, &nfds, &e);

	if (n == -1)
		_exit(1); /* the helper is gone; our keeper, PID 1, goes too */
	fd_close_all(fds, nfds);
	if (n == sizeof(m.kill) && m.type == INNER_KILL)
		end_box(w, m.kill.fired == WIRE_FIRED_OUTPUT ? WIRE_FIRED_OUTPUT
							     : WIRE_FIRED_CANCEL);
}

/*
 * The CPU clock of a group has no alarm, but on one core it cannot run faster than the
 * wall's: asleep for what is left of it, we wake exactly when it may be used up.
 */
static int
check_clocks(struct watch *w, uint64_t now, struct err *e)
{
	struct monitor *m = &w->l->monitor;
	uint64_t cpu, used;

	if (now >= w->wall_deadline) {
		w->wall_deadline = UINT64_MAX;
		if (!JB_FAULT(WALL_LIMIT))
			end_box(w, WIRE_FIRED_WALL);
	}
	if (now >= m->next_us && monitor_sample(m, now, meter_memory(&w->l->meter))) {
		m->next_us = UINT64_MAX;
		if (w->o->violation == -1)
			w->o->violation = WIRE_VIOLATION_MEMORY;
		kill_box(w);
	}
	if (now < w->cpu_check)
		return 0;
	if (meter_cpu_us(&w->l->meter, &cpu, e) == -1)
		return -1;
	used = cpu - w->l->meter.cpu0;
	if (used >= w->limits->cpu_us) {
		w->cpu_check = UINT64_MAX;
		if (!JB_FAULT(CPU_LIMIT))
			end_box(w, WIRE_FIRED_CPU);
		return 0;
	}
	uint64_t left = w->limits->cpu_us - used;
	w->cpu_check = now + (left > 1000 ? left : 1000);
	return 0;
}

static uint64_t
next_look(const struct watch *w, uint64_t now)
{
	uint64_t next = now + BEAT_US;

	next = w->wall_deadline < next ? w->wall_deadline : next;
	next = w->cpu_check < next ? w->cpu_check : next;
	return w->l->monitor.next_us < next ? w->l->monitor.next_us : next;
}

/*
 * We woke late.  If the program ran meanwhile, at its share of the CPU, that was its
 * doing and is its time.  If nobody in the group did, the group was frozen, or the
 * machine stood still or had no time for us: not the program's fault, nor its time on the
 * clock.  The helper waits for two seconds of this and no longer.
 */
static int
forgive_standstill(struct watch *w, uint64_t due, uint64_t now, struct err *e)
{
	uint64_t share = w->limits->cpu_share_milli, before = w->cpu_seen;

	if (meter_cpu_us(&w->l->meter, &w->cpu_seen, e) == -1)
		return -1;
	if (now < due + LATE_US || w->wall_deadline == UINT64_MAX || JB_FAULT(STANDSTILL))
		return 0;
	uint64_t late = now - due, used = w->cpu_seen - before;
	if (share == 0 || share > 1000)
		share = 1000;
	if (used * 4000 < late * share)
		w->wall_deadline += late;
	return 0;
}

static int
watch_box(struct watch *w, int pidfd, struct err *e)
{
	struct pollfd p[3] = { { .fd = pidfd, .events = POLLIN },
		{ .fd = w->l->control, .events = POLLIN },
		{ .fd = w->l->listener, .events = POLLIN } };

	for (;;) {
		uint64_t now = clock_us(), due = next_look(w, now);
		uint64_t us = due > now ? due - now : 0;
		struct timespec t = { (time_t)(us / 1000000),
			(long)(us % 1000000) * 1000 };

		if (ppoll(p, 3, &t, NULL) == -1 && errno != EINTR)
			return err_sys(e, "ppoll");
		if (p[0].revents != 0)
			return 0;
		now = clock_us();
		if (forgive_standstill(w, due, now, e) == -1)
			return -1;
		if ((p[1].revents & (POLLIN | POLLHUP)) != 0)
			take_order(w);
		if ((p[2].revents & POLLIN) != 0)
			answer_trip(w);
		if (check_clocks(w, now, e) == -1)
			return -1;
	}
}

/* --- one box --- */

static int
run_child(struct launcher *l, struct child *c, struct wire_outcome *o, struct err *e)
{
	int pidfd = -1;
	uint64_t start = clock_us();

	long pid = child_start(c, &pidfd);
	if (pid == -1)
		return err_sys(e, "clone the box's init");

	struct watch w = { .l = l,
		.limits = &c->limits,
		.o = o,
		.init = (pid_t)pid,
		.wall_deadline = start + c->limits.wall_us,
		.cpu_check = start + c->limits.cpu_us,
		.cpu_seen = l->meter.cpu0 };
	monitor_start(&l->monitor, start);
	int r = watch_box(&w, pidfd, e);
	if (r == -1)
		kill((pid_t)pid, SIGKILL);
	else
		monitor_before_reaping(&l->monitor, clock_us());
	close(pidfd);
	while (waitpid((pid_t)pid, NULL, 0) == -1 && errno == EINTR)
		;
	o->wall_us = clock_us() - start;
	return r;
}

/* A command that cannot be executed is the site's fault.  What a compiler left is its
 * author's: a library, a package without main, an interpreter of his own invention. */
static bool
is_authors_fault(const struct child *c)
{
	return c->program >= 0 && !c->thaws && c->error != E2BIG && c->error != ENOMEM;
}

static void
describe_end(const struct child *c, struct wire_outcome *o)
{
	if (c->failed_step == CHILD_STEP_EXEC)
		o->exec_errno = is_authors_fault(c) ? 0 : (uint32_t)c->error;
	else if (c->failed_step != CHILD_STEP_NONE) {
		errno = c->error;
		err_sys(&o->fault, "box: %s", child_step_name(c->failed_step));
	}
	if (c->ended && WIFEXITED(c->status))
		o->exit_code = WEXITSTATUS(c->status);
	else if (c->ended)
		o->signal = WTERMSIG(c->status);
	else if (o->fired != WIRE_FIRED_NONE || o->oom_kills > 0 || o->violation != -1)
		o->signal = SIGKILL;
	else if (o->fault.code == ERR_NONE)
		err_set(&o->fault, ERR_SYS, "box: its init died");
}

static void
read_meters(struct launcher *l, const struct child *c, struct inner_outcome *out)
{
	struct wire_outcome *o = &out->wire;
	struct meter_reading r = { 0 };

	if (meter_stop(&l->meter, &r, &o->fault) == -1) {
		out->unclean = 1;
		return;
	}
	o->cpu_us = r.cpu_us;
	o->oom_kills = r.oom_kills;
	out->kills = r.kills;
	/* beyond its limit it would have been killed, but for others' leavings */
	if (r.over_limit && o->oom_kills == 0)
		o->oom_kills = 1;
	else if (r.kills > r.oom_kills)
		err_set(&o->fault, ERR_SYS,
		    "a process below its memory limit was killed: the machine, or the "
		    "service's control group, had no memory left");
	else if (r.refused)
		err_set(&o->fault, ERR_SYS,
		    "a process below its limit of processes was not made: a control "
		    "group above allows fewer");
	if (r.memory_known)
		o->memory_bytes = r.memory_bytes;
	else if (c->ended) {
		o->memory_from_rusage = 1;
		o->memory_bytes = (uint64_t)c->usage.ru_maxrss * 1024;
	} /* else it was ended by us: what end_box() saw stands */
	if (o->fired == WIRE_FIRED_NONE && o->cpu_us >= c->limits.cpu_us &&
	    !JB_FAULT(CPU_LIMIT))
		o->fired = WIRE_FIRED_CPU;
	out->unclean = r.processes_left && !JB_FAULT(LEFTOVERS);
}

static void
notice(struct launcher *l, const struct child *c, struct wire_outcome *o)
{
	long waits = c->ended ? c->usage.ru_nvcsw : 0;

	monitor_stop(&l->monitor, (uint64_t)waits, o->memory_bytes, o);
}

static int
fill_child(struct child *c, const struct inner_run *run, const int fds[], unsigned nfds,
    int proc, struct err *e)
{
	static const char *argv[WORDS_MAX + 1], *envp[WORDS_MAX + 1];
	unsigned first = run->has_program != 0 ? 1 : 0;

	if (nfds != first + 3)
		return err_set(e, ERR_PROTO, "run: %u descriptors", nfds);
	if (words_check(&run->argv, e) == -1 || words_check(&run->env, e) == -1 ||
	    words_pointers(&run->argv, argv, WORDS_MAX + 1, e) == -1 ||
	    words_pointers(&run->env, envp, WORDS_MAX + 1, e) == -1)
		return err_wrap(e, "run");
	if (argv[0] == NULL)
		return err_set(e, ERR_PROTO, "run: no command");
	*c = (struct child){ .argv = argv,
		.envp = envp,
		.proc = proc,
		.program = first != 0 ? fds[0] : -1,
		.in = fds[first],
		.out = fds[first + 1],
		.err = fds[first + 2],
		.thaws = run->thaws != 0,
		.freezes = run->freezes != 0,
		.limits = run->limits };
	return 0;
}

int
launcher_run(struct launcher *l, const struct inner_run *run, const int fds[],
    unsigned nfds, struct err *e)
{
	static struct child c; /* shared with the box's init while it lives */
	struct inner_outcome out = { .type = INNER_OUTCOME, .dirty = 1 };
	struct wire_outcome *o = &out.wire;

	o->tag = run->tag;
	o->violation = -1;
	if (fill_child(&c, run, fds, nfds, l->proc, &o->fault) == 0 &&
	    meter_start(&l->meter, &run->limits, run->at_rest, &o->fault) == 0) {
		int r = run_child(l, &c, o, &o->fault);
		read_meters(l, &c, &out);
		notice(l, &c, o);
		if (r == 0)
			describe_end(&c, o);
		out.dirty = !JB_FAULT(WORK_FRESH) && !mounts_work_untouched();
	}
	/* its own filter, which is every box's, has no sendmsg(2) */
	return fd_write_all(l->control, &out, sizeof(out), e);
}

void
launcher_serve(struct launcher *l)
{
	static union inner_message m;

	for (;;) {
		struct err e = { 0 };
		int fds[FD_PASS_MAX];
		unsigned nfds;
		long n = fd_recv(l->control, &m, sizeof(m), fds, &nfds, &e);

		if (n == -1)
			_exit(e.code == ERR_GONE ? 0 : 1);
		/* a KILL that crossed its OUTCOME on the way is for nobody */
		if (n >= (long)sizeof(m.type) && m.type == INNER_RUN &&
		    (inner_unpack_run(&m.run, (size_t)n, &e) == -1 ||
			launcher_run(l, &m.run, fds, nfds, &e) == -1))
			_exit(1);
		fd_close_all(fds, nfds);
	}
}
