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

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/backoff.h"
#include "app/broker.h"
#include "app/vigil.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/notify.h"
#include "base/scope.h"
#include "observe/metrics.h"

#define REFUSERS       2
#define EMPTY_QUEUE_US 3000000 /* for REFUSE workers to empty the queue */
#define MSEC           1000ULL

enum phase { SERVING, FINISHING, EMPTYING };

struct worker {
	pid_t pid;
	enum prefork_role role;
	unsigned place;    /* in the crowd; CROWD_NOWHERE: not a SERVE worker */
	struct crew *crew; /* borrowed */
	uint64_t born_us;
	uint64_t deadline_us; /* told to go: SIGKILL then; 0: not told */
	int end;     /* SERVE: the recorder's end of its socket, owned; -1: none */
	bool handed; /* the recorder has it, too */
	int line;    /* owned: it asks for connections here */
	struct broker_pace pace;
};

struct crew {
	void *config; /* owned */
	unsigned refs;
};

struct master {
	const struct prefork_calls *calls;
	void *ctx;
	const struct listener *listener;
	struct vigil vigil; /* over the socket */
	bool lost;          /* the socket */
	struct crew *crew;  /* the current one */
	struct worker *workers;
	unsigned n, cap;
	struct backoff backoff, recorder_backoff;
	int recorder; /* to the youngest recorder, owned; -1: none */
	struct crowd *crowd;
	unsigned target; /* SERVE workers as last found right, within the bounds */
	enum phase phase;
	sigset_t wanted;
	uint64_t started_us;
	uint64_t watchdog_us; /* how often to say that we live; 0: nobody asks */
	uint64_t bark_us;     /* when next */
	unsigned long deaths, reloads;
};

static const char *const role_names[] = { "serve", "refuse", "once", "record" };

static struct crew *
crew_new(void *config)
{
	struct crew *c = calloc(1, sizeof(*c));

	if (c != NULL)
		*c = (struct crew){ .config = config, .refs = 1 };
	return c;
}

static void
crew_drop(struct master *m, struct crew *c)
{
	if (--c->refs > 0)
		return;
	m->calls->unload(c->config);
	free(c);
}

/* --- children --- */

/* A socket of its own each; what is the master's is not the child's, or a worker could
 * read its neighbours' records. */
static void
become_worker(struct master *m, const struct worker *w, int fd, int line, pid_t master)
{
	static const int ignored[] = { SIGINT, SIGHUP, SIGUSR1, SIGPIPE, CROWD_BELL };
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	sigset_t only_term;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1 || getppid() != master)
		_exit(1); /* it died before it could take us along */
	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		sigaction(
		    ignored[i], &ignore, NULL); /* ^C on a terminal is for the master */
	sigemptyset(&only_term);
	sigaddset(&only_term, SIGTERM);
	sigprocmask(SIG_SETMASK, &only_term, NULL);

	scope_free int *ends = calloc(m->n + 1, sizeof(*ends));
	struct prefork_link link = { .master = line,
		.fd = fd,
		.ends = ends,
		.crowd = m->crowd,
		.place = w->place };
	if (ends == NULL)
		_exit(1);
	if (m->recorder != -1)
		close(m->recorder);
	for (unsigned i = 0; i < m->n; i++) {
		close(m->workers[i].line);
		if (m->workers[i].end == -1)
			continue;
		if (w->role == PREFORK_RECORD)
			ends[link.n++] = m->workers[i].end;
		else
			close(m->workers[i].end);
	}
	vigil_end(&m->vigil);
	exit(m->calls->work(w->crew->config, m->listener, w->role, &link));
}

static int
room_for_one(struct master *m, struct err *e)
{
	if (m->n < m->cap)
		return 0;

	unsigned cap = m->cap == 0 ? 16 : m->cap * 2;
	struct worker *w = reallocarray(m->workers, cap, sizeof(*w));
	if (w == NULL)
		return err_sys(e, "reallocarray");
	m->workers = w;
	m->cap = cap;
	return 0;
}

static bool
wants_recorder(const struct master *m)
{
	return m->calls->records != NULL && m->calls->records(m->crew->config);
}

/* fds[0] is the child's end, fds[1] ours. */
static int
make_link(const struct master *m, enum prefork_role role, int fds[2], struct err *e)
{
	if (role != PREFORK_RECORD && (role != PREFORK_SERVE || !wants_recorder(m)))
		return 0;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) ==
	    -1)
		return err_sys(e, "socketpair");
	return 0;
}

/* A recorder has been forked: it has all ends that there are. */
static void
use_recorder(struct master *m, int fd)
{
	if (m->recorder != -1)
		close(m->recorder);
	m->recorder = fd;
	for (unsigned i = 0; i < m->n; i++)
		m->workers[i].handed = true;
}

/* To the recorder, what has been forked since.  If it does not listen: next time. */
static void
hand_over(struct master *m)
{
	struct err e;

	for (unsigned i = 0; i < m->n && m->recorder != -1; i++) {
		struct worker *w = &m->workers[i];
		if (w->end != -1 && !w->handed)
			w->handed = fd_send(m->recorder, "+", 1, &w->end, 1, &e) == 0;
	}
}

static struct backoff *
backoff_of(struct master *m, enum prefork_role role)
{
	return role == PREFORK_RECORD ? &m->recorder_backoff : &m->backoff;
}

static void
start_one(struct master *m, enum prefork_role role, uint64_t now)
{
	struct worker w = { .role = role, .crew = m->crew, .born_us = now };
	struct err e = { 0 };
	pid_t master = getpid();
	int fds[2] = { -1, -1 }, line[2] = { -1, -1 };

	w.end = -1;
	w.place = role == PREFORK_SERVE ? crowd_enter(m->crowd, now) : CROWD_NOWHERE;
	if (room_for_one(m, &e) == 0 && broker_pair(line, &e) == 0 &&
	    make_link(m, role, fds, &e) == 0) {
		w.line = line[0];
		if (role == PREFORK_SERVE)
			broker_give(line[0], m->calls->helper(m->crew->config));
		w.pid = fork();
		if (w.pid == 0) {
			if (fds[1] != -1)
				close(fds[1]);
			close(line[0]);
			become_worker(m, &w, fds[0], line[1], master);
		}
		if (fds[0] != -1)
			close(fds[0]);
		close(line[1]);
		line[1] = -1;
		if (w.pid > 0) {
			if (role != PREFORK_RECORD)
				w.end = fds[1];
			m->crew->refs++;
			m->workers[m->n++] = w;
			if (role == PREFORK_RECORD)
				use_recorder(m, fds[1]);
			return;
		}
		err_sys(&e, "fork");
		if (fds[1] != -1)
			close(fds[1]);
	}
	fd_close_all(line, 2);
	crowd_leave(m->crowd, w.place);
	log_err(&e, "cannot start a worker");
	backoff_death(backoff_of(m, role), now, 0);
}

static unsigned
count(const struct master *m, enum prefork_role role)
{
	unsigned n = 0;

	for (unsigned i = 0; i < m->n; i++)
		n += m->workers[i].role == role && m->workers[i].crew == m->crew &&
		     m->workers[i].deadline_us == 0;
	return n;
}

static unsigned
count_all(const struct master *m, enum prefork_role role)
{
	unsigned n = 0;

	for (unsigned i = 0; i < m->n; i++)
		n += m->workers[i].role == role;
	return n;
}

static void
retire(struct worker *w, uint64_t deadline_us)
{
	if (w->deadline_us == 0 || w->deadline_us > deadline_us)
		w->deadline_us = deadline_us;
	kill(w->pid, SIGTERM); /* not reaped yet, so the pid is still its */
}

/* How many of a kind there should be now. */
static unsigned
wanted(const struct master *m, enum prefork_role role)
{
	switch (role) {
	case PREFORK_SERVE:
		return m->phase == SERVING ? m->target : 0;
	case PREFORK_REFUSE:
		return m->phase == FINISHING && !m->listener->activated ? REFUSERS : 0;
	case PREFORK_RECORD: /* as long as there is somebody to write for */
		return m->phase != EMPTYING && wants_recorder(m);
	case PREFORK_ONCE:
		break; /* started once, by whoever brings the crew */
	}
	return 0;
}

/* --- how many --- */

static struct crowd_bounds
bounds(const struct master *m)
{
	struct crowd_bounds b = m->calls->bounds(m->crew->config);

	if (b.least == 0)
		b.least = 1;
	if (b.most < b.least)
		b.most = b.least;
	return b;
}

/* Is it one of those whose number is in question?  Those who were told to go are not. */
static bool
counts(const struct master *m, const struct worker *w)
{
	return w->role == PREFORK_SERVE && w->crew == m->crew && w->deadline_us == 0;
}

static unsigned
count_idle(const struct master *m)
{
	unsigned n = 0;

	for (unsigned i = 0; i < m->n; i++)
		n += counts(m, &m->workers[i]) &&
		     crowd_idle_since(m->crowd, m->workers[i].place) != UINT64_MAX;
	return n;
}

/* The youngest that has had nothing to do for so long; NULL: none, and *due_us is when
 * there may be one. */
static struct worker *
find_spare(struct master *m, const struct crowd_bounds *b, uint64_t now, uint64_t *due_us)
{
	struct worker *spare = NULL;

	*due_us = UINT64_MAX;
	for (unsigned i = 0; i < m->n; i++) {
		struct worker *w = &m->workers[i];
		uint64_t since =
		    counts(m, w) ? crowd_idle_since(m->crowd, w->place) : UINT64_MAX;

		if (since == UINT64_MAX)
			continue;
		if (now < since + b->idle_us)
			*due_us =
			    since + b->idle_us < *due_us ? since + b->idle_us : *due_us;
		else if (spare == NULL || w->born_us >= spare->born_us)
			spare = w;
	}
	return spare;
}

static void
grow(struct master *m, const struct crowd_bounds *b)
{
	unsigned have = count(m, PREFORK_SERVE), more;

	if (m->target < b->least)
		m->target = b->least;
	if (m->target > b->most)
		m->target = b->most;
	crowd_listen(m->crowd, m->target < b->most);
	if (have < m->target)
		return; /* those who are missing come first */
	more = crowd_more(b, have, count_idle(m));
	if (more > 0)
		log_debug("workers=%u more=%u", have, more);
	m->target = have + more > m->target ? have + more : m->target;
}

/* Returns when to look again. */
static uint64_t
shrink(struct master *m, const struct crowd_bounds *b, uint64_t now)
{
	uint64_t drain_us = m->calls->drain_ms(m->crew->config) * MSEC, due_us;

	while (crowd_has_spare(b, count(m, PREFORK_SERVE), count_idle(m))) {
		struct worker *w = find_spare(m, b, now, &due_us);

		if (w == NULL)
			return due_us;
		retire(w, now + drain_us);
		m->target = count(m, PREFORK_SERVE);
	}
	/* nobody tells when those who are busy now will have been idle for so long */
	return count(m, PREFORK_SERVE) > b->least ? now + b->idle_us : UINT64_MAX;
}

/* Returns when to look again without being called. */
static uint64_t
rescale(struct master *m, uint64_t now)
{
	const struct crowd_bounds b = bounds(m);

	if (m->phase != SERVING)
		return UINT64_MAX;
	grow(m, &b);
	return shrink(m, &b, now);
}

static void
answer_all(struct master *m)
{
	for (unsigned i = 0; i < m->n; i++)
		broker_answer(m->workers[i].line, &m->workers[i].pace,
		    m->calls->helper(m->workers[i].crew->config));
}

static void
adjust(struct master *m, enum prefork_role role, uint64_t now)
{
	unsigned have = count(m, role), want = wanted(m, role);

	if (role == PREFORK_SERVE)
		metrics_set(METRIC_WORKERS_WANTED, want);
	while (have < want && now >= backoff_of(m, role)->until_us) {
		start_one(m, role, now);
		have++;
		/* who has just started may have a request in his hands already, which
		 * waits for both while we start the others */
		hand_over(m);
		answer_all(m);
	}
	for (unsigned i = m->n; i-- > 0 && have > want;) {
		if (m->workers[i].role != role || m->workers[i].deadline_us != 0)
			continue;
		retire(&m->workers[i], now + m->calls->drain_ms(m->crew->config) * MSEC);
		have--;
	}
}

/* Nothing of ours makes such a call: somebody else's code did, by our process. */
static void
tell_barred(const struct worker *w)
{
	struct err e = { 0 };

	err_set(&e, ERR_BUG,
	    "it made a system call that is barred to workers: was it "
	    "taken over?");
	log_err(&e, "worker pid=%d", (int)w->pid);
	metrics_count(METRIC_WORKERS_BARRED);
}

static void
bury(struct master *m, unsigned i, int status, uint64_t now)
{
	struct worker w = m->workers[i];
	bool dropped = w.role == PREFORK_ONCE && w.deadline_us != 0;

	metrics_worker_gone(w.pid);
	crowd_leave(m->crowd, w.place);
	m->workers[i] = m->workers[--m->n];
	if (!dropped && (!WIFEXITED(status) || WEXITSTATUS(status) != 0)) {
		log_warn("worker pid=%d role=%s died %s=%d after ms=%llu", (int)w.pid,
		    role_names[w.role], WIFEXITED(status) ? "status" : "signal",
		    WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status),
		    (unsigned long long)(now - w.born_us) / MSEC);
		m->deaths++;
		metrics_count(METRIC_WORKER_DEATHS);
		if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
			tell_barred(&w);
		if (w.deadline_us == 0 && w.role != PREFORK_ONCE)
			backoff_death(backoff_of(m, w.role), now, now - w.born_us);
	}
	if (w.end != -1)
		close(w.end);
	close(w.line);
	crew_drop(m, w.crew);
}

static void
reap(struct master *m, uint64_t now)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (unsigned i = 0; i < m->n; i++)
			if (m->workers[i].pid == pid) {
				bury(m, i, status, now);
				break;
			}
}

static void
kill_overdue(struct master *m, uint64_t now)
{
	for (unsigned i = 0; i < m->n; i++) {
		struct worker *w = &m->workers[i];
		if (w->deadline_us == 0 || now < w->deadline_us)
			continue;
		log_warn("worker pid=%d role=%s did not finish in time: killed",
		    (int)w->pid, role_names[w->role]);
		kill(w->pid, SIGKILL);
		w->deadline_us = UINT64_MAX; /* once */
	}
}

/* --- signals --- */

static void
on_hangup(struct master *m, uint64_t now)
{
	struct err e = { 0 };

	if (m->phase != SERVING)
		return;
	notify_reloading();

	void *config = m->calls->load(m->ctx, &e);
	struct crew *fresh = config != NULL ? crew_new(config) : NULL;
	if (fresh == NULL) {
		if (config != NULL)
			m->calls->unload(config);
		log_err(&e, "reload: keeping the old configuration");
		metrics_count(METRIC_RELOAD_FAILURES);
		notify_send("READY=1");
		return;
	}

	struct crew *old = m->crew;
	uint64_t deadline = now + m->calls->drain_ms(old->config) * MSEC;
	m->crew = fresh;
	m->backoff = (struct backoff){ 0 };
	m->recorder_backoff = (struct backoff){ 0 };
	m->reloads++;
	metrics_count(METRIC_RELOADS);
	adjust(m, PREFORK_RECORD, now);
	rescale(m, now);
	adjust(m, PREFORK_SERVE, now);
	start_one(m, PREFORK_ONCE, now);
	for (unsigned i = 0; i < m->n; i++)
		if (m->workers[i].crew == old && m->workers[i].deadline_us == 0)
			retire(&m->workers[i], deadline);
	crew_drop(m, old);
	log_info("reloaded: %u workers start", count(m, PREFORK_SERVE));
	notify_send("READY=1");
}

static void
on_terminate(struct master *m, uint64_t now)
{
	uint64_t deadline = now + m->calls->drain_ms(m->crew->config) * MSEC;

	if (m->phase != SERVING) {
		log_info("told again to stop: not waiting any longer");
		for (unsigned i = 0; i < m->n; i++)
			if (m->workers[i].role == PREFORK_SERVE &&
			    m->workers[i].deadline_us != UINT64_MAX)
				m->workers[i].deadline_us = now;
		return;
	}
	log_info("draining: %u workers finish", count_all(m, PREFORK_SERVE));
	notify_send("STOPPING=1");
	m->phase = FINISHING;
	metrics_set(METRIC_DRAINING, 1);
	m->backoff = (struct backoff){ 0 };
	for (unsigned i = 0; i < m->n; i++)
		if (m->workers[i].role != PREFORK_RECORD) /* for whom the others work */
			retire(&m->workers[i], m->workers[i].role == PREFORK_ONCE
						   ? now + EMPTY_QUEUE_US
						   : deadline);
}

static void
on_usr1(struct master *m, uint64_t now)
{
	static const char *const phases[] = { "serving", "finishing", "emptying" };

	log_info("state phase=%s up_s=%llu workers=%u wanted=%u deaths=%lu reloads=%lu",
	    phases[m->phase], (unsigned long long)(now - m->started_us) / 1000000, m->n,
	    wanted(m, PREFORK_SERVE), m->deaths, m->reloads);
	for (unsigned i = 0; i < m->n; i++)
		log_info("state worker pid=%d role=%s age_s=%llu crew=%s retired=%s",
		    (int)m->workers[i].pid, role_names[m->workers[i].role],
		    (unsigned long long)(now - m->workers[i].born_us) / 1000000,
		    m->workers[i].crew == m->crew ? "current" : "old",
		    m->workers[i].deadline_us != 0 ? "yes" : "no");
}

/* Of two signals the lower number comes first, and a crowd rings all the time. */
static void
on_bell(struct master *m, uint64_t now)
{
	(void)now; /* every round looks whether there are enough */
	answer_all(m);
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
	answer_all(m);
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

/* The next moment at which something is due without a signal. */
static uint64_t
next_due(const struct master *m, uint64_t due)
{
	if (m->watchdog_us != 0 && m->bark_us < due)
		due = m->bark_us;
	if (m->phase != EMPTYING &&
	    (count(m, PREFORK_SERVE) < wanted(m, PREFORK_SERVE) ||
		count(m, PREFORK_REFUSE) < wanted(m, PREFORK_REFUSE)))
		due = m->backoff.until_us < due ? m->backoff.until_us : due;
	if (count(m, PREFORK_RECORD) < wanted(m, PREFORK_RECORD) &&
	    m->recorder_backoff.until_us < due)
		due = m->recorder_backoff.until_us;
	for (unsigned i = 0; i < m->n; i++)
		if (m->workers[i].deadline_us != 0 && m->workers[i].deadline_us < due)
			due = m->workers[i].deadline_us;
	return due;
}

static void
begin_emptying(struct master *m, uint64_t now)
{
	struct err e = { 0 };

	m->phase = EMPTYING;
	if (!m->listener->activated && listen_shut(m->listener, &e) == -1)
		log_err(&e, "drain");
	for (unsigned i = 0; i < m->n; i++)
		retire(&m->workers[i], now + EMPTY_QUEUE_US);
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

		reap(m, now);
		bark(m, now);
		kill_overdue(m, now);
		adjust(m, PREFORK_RECORD, now);
		due = rescale(m, now);
		adjust(m, PREFORK_SERVE, now);
		adjust(m, PREFORK_REFUSE, now);
		if (m->phase == FINISHING && count_all(m, PREFORK_SERVE) == 0)
			begin_emptying(m, now);
		if (m->phase == EMPTYING && m->n == 0)
			return;
		hand_over(m);
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
	struct master m = { .calls = calls,
		.ctx = ctx,
		.listener = l,
		.started_us = clock_us(),
		.recorder = -1 };

	m.crew = crew_new(first);
	if (m.crew == NULL) {
		calls->unload(first);
		return err_sys(e, "calloc");
	}
	wanted_signals(&m.wanted);
	raise_files();
	if (crowd_open(&m.crowd, e) == -1) {
		crew_drop(&m, m.crew);
		return -1;
	}
	m.watchdog_us = notify_watchdog_us();
	vigil_begin(&m.vigil, l);
	adjust(&m, PREFORK_RECORD, clock_us());
	m.target = bounds(&m).least;
	adjust(&m, PREFORK_SERVE, clock_us());
	start_one(&m, PREFORK_ONCE, clock_us());
	log_info("ready: %u workers", count(&m, PREFORK_SERVE));
	notify_send("READY=1");
	run(&m);
	log_info("stopped");

	if (m.recorder != -1)
		close(m.recorder);
	crew_drop(&m, m.crew);
	free(m.workers);
	vigil_end(&m.vigil);
	return m.lost ? err_set(e, ERR_GONE, "the socket %s was taken away",
			    m.vigil.address.sun_path)
		      : 0;
}
