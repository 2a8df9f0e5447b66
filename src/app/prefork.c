/*
 * Theory of operation.
 *
 * Signals are blocked from the start and taken one by one by sigtimedwait(2), so there
 * is no handler and no window.  SIGCHLD reaps and replaces; SIGHUP reloads; SIGUSR1 logs
 * the state; SIGTERM and SIGINT drain, a second one ends the patience; SIGUSR2 is the
 * bell of crowd.h, rung by a worker that took a request and saw hardly anybody left.
 *
 * Reload: the new configuration is read first; if it is bad the old one stays.  Workers
 * of the new crew are started, then those of the old get SIGTERM, which they look at
 * between requests only.  The listening socket is the master's and stays open through
 * it, so a request is either taken by an old worker, and answered, or waits for a new.
 *
 * Drain: workers get SIGTERM and finish what they have; two REFUSE workers answer 503 to
 * all who come meanwhile.  When the last worker is gone (or killed at the deadline) the
 * socket is shut for new connections: from then on the queue can only get shorter.  The
 * REFUSE workers empty it and go, and nobody was left without an answer.
 *
 * A socket of systemd is not ours to empty: it stays open, and who comes while we drain
 * waits in its queue for our successor, so that a restart refuses nobody.
 *
 * The recorder is the one child that the others depend on: it is started before them and
 * ends after them.  It holds a socket to each; one forked in its place inherits the ends
 * that the master keeps, and those of workers forked later are handed to it.  At a reload
 * there are two for a moment, which share the sockets; what they do is safe twice.
 *
 * A worker may not make connections (confine.h); it asks on its line, which raises SIGIO
 * here, and gets one to the helper (broker.h).  The master reads nothing else from it.
 *
 * Workers die with the master (PR_SET_PDEATHSIG): a pool without a head would go on with
 * an old configuration and keep the socket from the next master.
 */
#include "app/prefork.h"

#include <signal.h>
#include <sys/resource.h>
#include <time.h>

#include "app/staff.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/notify.h"
#include "observe/metrics.h"

#define REFUSERS       2
#define EMPTY_QUEUE_US 3000000 /* for REFUSE workers to empty the queue */

enum phase { SERVING, FINISHING, EMPTYING };

struct master {
	const struct prefork_calls *calls;
	void *ctx;
	const struct listener *listener;
	struct vigil vigil; /* over the socket */
	bool lost;          /* the socket */
	struct staff *staff;
	unsigned target; /* SERVE workers as last found right, within the bounds */
	enum phase phase;
	sigset_t wanted;
	uint64_t started_us;
	uint64_t watchdog_us; /* how often to say that we live; 0: nobody asks */
	uint64_t bark_us;     /* when next */
	unsigned long reloads;
};

/* --- how many --- */

static unsigned
wanted(const struct master *m, enum prefork_role role)
{
	switch (role) {
	case PREFORK_SERVE:
		return m->phase == SERVING ? m->target : 0;
	case PREFORK_REFUSE:
		return m->phase == FINISHING && !m->listener->activated ? REFUSERS : 0;
	case PREFORK_RECORD: /* as long as there is somebody to write for */
		return m->phase != EMPTYING && crew_wants_recorder(staff_crew(m->staff));
	case PREFORK_ONCE:
		break; /* started once, by whoever brings the crew */
	}
	return 0;
}

static void
grow(struct master *m, const struct crowd_bounds *b)
{
	unsigned have = staff_count(m->staff, PREFORK_SERVE), more;

	if (m->target < b->least)
		m->target = b->least;
	if (m->target > b->most)
		m->target = b->most;
	staff_listen(m->staff, m->target < b->most);
	if (have < m->target)
		return; /* those who are missing come first */
	more = crowd_more(b, have, staff_count_idle(m->staff));
	if (more > 0)
		log_debug("workers=%u more=%u", have, more);
	m->target = have + more > m->target ? have + more : m->target;
}

/* When those who are told to go now have to be gone. */
static uint64_t
drain_deadline(const struct master *m, uint64_t now)
{
	return now + crew_drain_us(staff_crew(m->staff));
}

/* Returns when to look again. */
static uint64_t
shrink(struct master *m, const struct crowd_bounds *b, uint64_t now)
{
	unsigned have = staff_count(m->staff, PREFORK_SERVE);
	uint64_t due_us;

	while (crowd_has_spare(b, have, staff_count_idle(m->staff))) {
		if (!staff_retire_idle(
			m->staff, b->idle_us, now, drain_deadline(m, now), &due_us))
			return due_us;
		m->target = --have;
	}
	/* nobody tells when those who are busy now will have been idle for so long */
	return have > b->least ? now + b->idle_us : UINT64_MAX;
}

/* Returns when to look again without being called. */
static uint64_t
rescale(struct master *m, uint64_t now)
{
	const struct crowd_bounds b = crew_bounds(staff_crew(m->staff));

	if (m->phase != SERVING)
		return UINT64_MAX;
	grow(m, &b);
	return shrink(m, &b, now);
}

static void
adjust(struct master *m, enum prefork_role role, uint64_t now)
{
	unsigned have = staff_count(m->staff, role), want = wanted(m, role);

	if (role == PREFORK_SERVE)
		metrics_set(METRIC_WORKERS_WANTED, want);
	for (; have < want && now >= staff_start_due(m->staff, role); have++) {
		staff_start(m->staff, role, now);
		/* who has just started may have a request in his hands already, which
		 * waits for both while we start the others */
		staff_hand_over(m->staff);
		staff_answer(m->staff);
	}
	if (have > want)
		staff_retire(m->staff, role, have - want, drain_deadline(m, now));
}

/* --- signals --- */

/* NULL and *e if it is not good. */
static struct crew *
read_crew(struct master *m, struct err *e)
{
	void *config = m->calls->load(m->ctx, e);
	struct crew *fresh;

	return config == NULL || crew_new(m->calls, config, &fresh, e) == -1 ? NULL
									     : fresh;
}

static void
on_hangup(struct master *m, uint64_t now)
{
	struct err e = { 0 };

	if (m->phase != SERVING)
		return;
	notify_reloading();

	struct crew *fresh = read_crew(m, &e);
	if (fresh == NULL) {
		log_err(&e, "reload: keeping the old configuration");
		metrics_count(METRIC_RELOAD_FAILURES);
		notify_send("READY=1");
		return;
	}

	uint64_t deadline = drain_deadline(m, now); /* as those who go were promised */
	staff_renew(m->staff, fresh);
	m->reloads++;
	metrics_count(METRIC_RELOADS);
	adjust(m, PREFORK_RECORD, now);
	rescale(m, now);
	adjust(m, PREFORK_SERVE, now);
	staff_start(m->staff, PREFORK_ONCE, now);
	staff_retire_old(m->staff, deadline);
	log_info("reloaded: %u workers start", staff_count(m->staff, PREFORK_SERVE));
	notify_send("READY=1");
}

static void
on_terminate(struct master *m, uint64_t now)
{
	uint64_t deadline = drain_deadline(m, now);

	if (m->phase != SERVING) {
		log_info("told again to stop: not waiting any longer");
		staff_retire_all(m->staff, PREFORK_SERVE, now);
		return;
	}
	log_info("draining: %u workers finish", staff_count_all(m->staff, PREFORK_SERVE));
	notify_send("STOPPING=1");
	m->phase = FINISHING;
	metrics_set(METRIC_DRAINING, 1);
	staff_forgive(m->staff, PREFORK_REFUSE);
	/* all but the recorder, for whom the others work */
	staff_retire_all(m->staff, PREFORK_SERVE, deadline);
	staff_retire_all(m->staff, PREFORK_REFUSE, deadline);
	staff_retire_all(m->staff, PREFORK_ONCE, now + EMPTY_QUEUE_US);
}

static void
on_usr1(struct master *m, uint64_t now)
{
	static const char *const phases[] = { "serving", "finishing", "emptying" };

	log_info("state phase=%s up_s=%llu workers=%u wanted=%u deaths=%lu reloads=%lu",
	    phases[m->phase], (unsigned long long)(now - m->started_us) / 1000000,
	    staff_size(m->staff), wanted(m, PREFORK_SERVE), staff_deaths(m->staff),
	    m->reloads);
	staff_log(m->staff, now);
}

/* Of two signals the lower number comes first, and a crowd rings all the time. */
static void
on_bell(struct master *m, uint64_t now)
{
	(void)now; /* every round looks whether there are enough */
	staff_answer(m->staff);
}

static void
on_child(struct master *m, uint64_t now)
{
	(void)m; /* every round reaps, and looks whether there are enough */
	(void)now;
}

/* Whoever started us can make another socket, and starts us again. */
static void
look_for_socket(struct master *m, uint64_t now)
{
	if (m->phase != SERVING || !vigil_lost(&m->vigil))
		return;
	m->lost = true;
	log_warn("somebody took %s away", m->vigil.address.sun_path);
	on_terminate(m, now);
}

static void
on_question(struct master *m, uint64_t now)
{
	staff_answer(m->staff);
	look_for_socket(m, now);
}

static const struct {
	int signal;
	void (*handle)(struct master *m, uint64_t now);
} signals[] = {
	{ SIGCHLD, on_child },
	{ SIGHUP, on_hangup },
	{ SIGTERM, on_terminate },
	{ SIGINT, on_terminate },
	{ SIGUSR1, on_usr1 },
	{ SIGIO, on_question },
	{ CROWD_BELL, on_bell },
};
#define SIGNALS (sizeof(signals) / sizeof(signals[0]))

static void
wait_signal(struct master *m, uint64_t until_us)
{
	uint64_t now = clock_us();
	uint64_t left = until_us > now ? until_us - now : 0;
	struct timespec t = { .tv_sec = (time_t)(left / 1000000),
		.tv_nsec = (long)(left % 1000000) * 1000 };
	int sig = sigtimedwait(&m->wanted, NULL, until_us == UINT64_MAX ? NULL : &t);

	for (size_t i = 0; i < SIGNALS; i++)
		if (signals[i].signal == sig)
			signals[i].handle(m, clock_us());
}

/* --- the loop --- */

/* When it lacks one and may start it; UINT64_MAX: it lacks none. */
static uint64_t
start_due(const struct master *m, enum prefork_role role)
{
	return staff_count(m->staff, role) < wanted(m, role)
		   ? staff_start_due(m->staff, role)
		   : UINT64_MAX;
}

static uint64_t
earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* The next moment at which something is due without a signal. */
static uint64_t
next_due(const struct master *m, uint64_t due)
{
	if (m->watchdog_us != 0)
		due = earlier(due, m->bark_us);
	due = earlier(due, start_due(m, PREFORK_SERVE));
	due = earlier(due, start_due(m, PREFORK_REFUSE));
	due = earlier(due, start_due(m, PREFORK_RECORD));
	return earlier(due, staff_overdue_at(m->staff));
}

static void
begin_emptying(struct master *m, uint64_t now)
{
	struct err e = { 0 };

	m->phase = EMPTYING;
	if (!m->listener->activated && listen_shut(m->listener, &e) == -1)
		log_err(&e, "drain");
	for (enum prefork_role role = PREFORK_SERVE; role <= PREFORK_RECORD; role++)
		staff_retire_all(m->staff, role, now + EMPTY_QUEUE_US);
}

/* A worker that hangs is none of the watchdog's business: it has its deadlines. */
static void
bark(struct master *m, uint64_t now)
{
	if (m->watchdog_us == 0 || now < m->bark_us)
		return;
	notify_send("WATCHDOG=1");
	m->bark_us = now + m->watchdog_us;
}

static void
run(struct master *m)
{
	for (;;) {
		uint64_t now = clock_us(), due;

		staff_reap(m->staff, now);
		bark(m, now);
		staff_kill_overdue(m->staff, now);
		adjust(m, PREFORK_RECORD, now);
		due = rescale(m, now);
		adjust(m, PREFORK_SERVE, now);
		adjust(m, PREFORK_REFUSE, now);
		if (m->phase == FINISHING &&
		    staff_count_all(m->staff, PREFORK_SERVE) == 0)
			begin_emptying(m, now);
		if (m->phase == EMPTYING && staff_size(m->staff) == 0)
			return;
		staff_hand_over(m->staff);
		wait_signal(m, next_due(m, due));
	}
}

static void
wanted_signals(sigset_t *set)
{
	sigemptyset(set);
	for (size_t i = 0; i < SIGNALS; i++)
		sigaddset(set, signals[i].signal);
}

int
prefork_hold_signals(struct err *e)
{
	sigset_t set;

	wanted_signals(&set);
	if (sigprocmask(SIG_BLOCK, &set, NULL) == -1)
		return err_sys(e, "sigprocmask");
	return 0;
}

/* One for each worker that the recorder serves. */
static void
raise_files(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(
		    RLIMIT_NOFILE, &files); /* else fork says so when it comes to it */
	}
}

int
prefork_run(const struct prefork_calls *calls, void *ctx, void *first,
    const struct listener *l, struct err *e)
{
	struct master m = {
		.calls = calls, .ctx = ctx, .listener = l, .started_us = clock_us()
	};
	struct crew *crew;

	if (crew_new(calls, first, &crew, e) == -1 ||
	    staff_new(crew, l, &m.vigil, &m.staff, e) == -1)
		return -1;
	wanted_signals(&m.wanted);
	raise_files();
	m.watchdog_us = notify_watchdog_us();
	vigil_begin(&m.vigil, l);
	adjust(&m, PREFORK_RECORD, clock_us());
	m.target = crew_bounds(crew).least;
	adjust(&m, PREFORK_SERVE, clock_us());
	staff_start(m.staff, PREFORK_ONCE, clock_us());
	log_info("ready: %u workers", staff_count(m.staff, PREFORK_SERVE));
	notify_send("READY=1");
	run(&m);
	log_info("stopped");

	staff_free(m.staff);
	vigil_end(&m.vigil);
	return m.lost ? err_set(e, ERR_GONE, "the socket %s was taken away",
			    m.vigil.address.sun_path)
		      : 0;
}
