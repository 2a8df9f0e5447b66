#include "app/staff.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/backoff.h"
#include "app/broker.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/scope.h"
#include "observe/metrics.h"

#define KILLED UINT64_MAX /* as a deadline */

struct worker {
	pid_t pid;
	enum prefork_role role;
	unsigned place;    /* in the crowd; CROWD_NOWHERE: not a SERVE worker */
	struct crew *crew; /* held */
	uint64_t born_us;
	uint64_t deadline_us; /* told to go: SIGKILL then; 0: not told */
	int end;     /* SERVE: the recorder's end of its socket, owned; -1: none */
	bool handed; /* the recorder has it, too */
	int line;    /* owned: it asks for connections here */
	struct broker_pace pace;
};

struct staff {
	const struct listener *listener;
	struct vigil *vigil; /* ended in each child */
	struct crew *crew;   /* held: of those who start */
	struct worker *workers;
	unsigned n, cap;
	struct backoff backoff, recorder_backoff;
	int recorder; /* to the youngest recorder, owned; -1: none */
	struct crowd *crowd;
	unsigned long deaths;
};

static const char *const role_names[] = { "serve", "refuse", "once", "record" };

static struct backoff *
backoff_of(struct staff *s, enum prefork_role role)
{
	return role == PREFORK_RECORD ? &s->recorder_backoff : &s->backoff;
}

int
staff_new(struct crew *crew, const struct listener *l, struct vigil *vigil,
    struct staff **out, struct err *e)
{
	struct staff *s = calloc(1, sizeof(*s));

	if (s == NULL)
		err_sys(e, "calloc");
	if (s == NULL || crowd_open(&s->crowd, e) == -1) {
		free(s);
		crew_drop(crew);
		return -1;
	}
	s->crew = crew;
	s->listener = l;
	s->vigil = vigil;
	s->recorder = -1;
	*out = s;
	return 0;
}

void
staff_free(struct staff *s)
{
	if (s->recorder != -1)
		close(s->recorder);
	crew_drop(s->crew);
	free(s->workers);
	free(s);
}

struct crew *
staff_crew(const struct staff *s)
{
	return s->crew;
}

void
staff_renew(struct staff *s, struct crew *fresh)
{
	crew_drop(s->crew);
	s->crew = fresh;
	s->backoff = (struct backoff){ 0 };
	s->recorder_backoff = (struct backoff){ 0 };
}

/* --- starting --- */

/* A socket of its own each; what is the master's is not the child's, or a worker could
 * read its neighbours' records. */
static void
become_worker(struct staff *s, const struct worker *w, int fd, int line, pid_t master)
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

	scope_free int *ends = calloc(s->n + 1, sizeof(*ends));
	struct prefork_link link = { .master = line,
		.fd = fd,
		.ends = ends,
		.crowd = s->crowd,
		.place = w->place };
	if (ends == NULL)
		_exit(1);
	if (s->recorder != -1)
		close(s->recorder);
	for (unsigned i = 0; i < s->n; i++) {
		close(s->workers[i].line);
		if (s->workers[i].end == -1)
			continue;
		if (w->role == PREFORK_RECORD)
			ends[link.n++] = s->workers[i].end;
		else
			close(s->workers[i].end);
	}
	vigil_end(s->vigil);
	exit(crew_work(w->crew, s->listener, w->role, &link));
}

static int
room_for_one(struct staff *s, struct err *e)
{
	if (s->n < s->cap)
		return 0;

	unsigned cap = s->cap == 0 ? 16 : s->cap * 2;
	struct worker *w = reallocarray(s->workers, cap, sizeof(*w));
	if (w == NULL)
		return err_sys(e, "reallocarray");
	s->workers = w;
	s->cap = cap;
	return 0;
}

/* Of each pair [0] is ours and [1] the child's. */
static int
make_link(const struct staff *s, enum prefork_role role, int link[2], struct err *e)
{
	if (role != PREFORK_RECORD &&
	    (role != PREFORK_SERVE || !crew_wants_recorder(s->crew)))
		return 0;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, link) ==
	    -1)
		return err_sys(e, "socketpair");
	return 0;
}

/* It has been forked: it has all ends that there are. */
static void
use_recorder(struct staff *s, int fd)
{
	if (s->recorder != -1)
		close(s->recorder);
	s->recorder = fd;
	for (unsigned i = 0; i < s->n; i++)
		s->workers[i].handed = true;
}

/* Takes our ends, once there is a child. */
static int
fork_worker(struct staff *s, struct worker w, int link[2], int line[2], struct err *e)
{
	pid_t master = getpid();

	w.pid = fork();
	if (w.pid == -1)
		return err_sys(e, "fork");
	if (w.pid == 0) {
		fd_close_all(link, 1);
		fd_close_all(line, 1);
		become_worker(s, &w, link[1], line[1], master);
	}
	w.line = take_fd(&line[0]);
	if (w.role == PREFORK_RECORD)
		use_recorder(s, take_fd(&link[0]));
	else
		w.end = take_fd(&link[0]);
	crew_hold(w.crew);
	s->workers[s->n++] = w;
	return 0;
}

static int
try_start(struct staff *s, const struct worker *w, struct err *e)
{
	int link[2] = { -1, -1 }, line[2] = { -1, -1 };
	int rc = -1;

	if (room_for_one(s, e) == 0 && broker_pair(line, e) == 0 &&
	    make_link(s, w->role, link, e) == 0) {
		if (w->role == PREFORK_SERVE)
			broker_give(line[0], crew_helper(w->crew));
		rc = fork_worker(s, *w, link, line, e);
	}
	fd_close_all(link, 2);
	fd_close_all(line, 2);
	return rc;
}

void
staff_start(struct staff *s, enum prefork_role role, uint64_t now)
{
	struct worker w = { .role = role, .crew = s->crew, .born_us = now, .end = -1 };
	struct err e = { 0 };

	w.place = role == PREFORK_SERVE ? crowd_enter(s->crowd, now) : CROWD_NOWHERE;
	if (try_start(s, &w, &e) == 0)
		return;
	crowd_leave(s->crowd, w.place);
	log_err(&e, "cannot start a worker");
	backoff_death(backoff_of(s, role), now, 0);
}

uint64_t
staff_start_due(struct staff *s, enum prefork_role role)
{
	return backoff_of(s, role)->until_us;
}

void
staff_forgive(struct staff *s, enum prefork_role role)
{
	*backoff_of(s, role) = (struct backoff){ 0 };
}

/* --- how many --- */

/* Is it one of those whose number is in question?  Those who were told to go are not. */
static bool
stays(const struct staff *s, const struct worker *w, enum prefork_role role)
{
	return w->role == role && w->crew == s->crew && w->deadline_us == 0;
}

unsigned
staff_count(const struct staff *s, enum prefork_role role)
{
	unsigned n = 0;

	for (unsigned i = 0; i < s->n; i++)
		n += stays(s, &s->workers[i], role);
	return n;
}

/* UINT64_MAX: it has something to do, or its number is not in question. */
static uint64_t
idle_since(const struct staff *s, const struct worker *w)
{
	return stays(s, w, PREFORK_SERVE) ? crowd_idle_since(s->crowd, w->place)
					  : UINT64_MAX;
}

unsigned
staff_count_idle(const struct staff *s)
{
	unsigned n = 0;

	for (unsigned i = 0; i < s->n; i++)
		n += idle_since(s, &s->workers[i]) != UINT64_MAX;
	return n;
}

unsigned
staff_count_all(const struct staff *s, enum prefork_role role)
{
	unsigned n = 0;

	for (unsigned i = 0; i < s->n; i++)
		n += s->workers[i].role == role;
	return n;
}

unsigned
staff_size(const struct staff *s)
{
	return s->n;
}

unsigned long
staff_deaths(const struct staff *s)
{
	return s->deaths;
}

/* --- going --- */

static void
retire(struct worker *w, uint64_t deadline_us)
{
	if (w->deadline_us == KILLED)
		return;
	if (w->deadline_us == 0 || w->deadline_us > deadline_us)
		w->deadline_us = deadline_us;
	kill(w->pid, SIGTERM); /* not reaped yet, so the pid is still its */
}

void
staff_retire(struct staff *s, enum prefork_role role, unsigned n, uint64_t deadline_us)
{
	for (unsigned i = s->n; i-- > 0 && n > 0;) {
		if (s->workers[i].role != role || s->workers[i].deadline_us != 0)
			continue;
		retire(&s->workers[i], deadline_us);
		n--;
	}
}

bool
staff_retire_idle(struct staff *s, uint64_t idle_us, uint64_t now, uint64_t deadline_us,
    uint64_t *due_us)
{
	struct worker *spare = NULL;

	*due_us = UINT64_MAX;
	for (unsigned i = 0; i < s->n; i++) {
		struct worker *w = &s->workers[i];
		uint64_t since = idle_since(s, w);

		if (since == UINT64_MAX)
			continue;
		if (now < since + idle_us)
			*due_us = since + idle_us < *due_us ? since + idle_us : *due_us;
		else if (spare == NULL || w->born_us >= spare->born_us)
			spare = w;
	}
	if (spare != NULL)
		retire(spare, deadline_us);
	return spare != NULL;
}

void
staff_retire_all(struct staff *s, enum prefork_role role, uint64_t deadline_us)
{
	for (unsigned i = 0; i < s->n; i++)
		if (s->workers[i].role == role)
			retire(&s->workers[i], deadline_us);
}

void
staff_retire_old(struct staff *s, uint64_t deadline_us)
{
	for (unsigned i = 0; i < s->n; i++)
		if (s->workers[i].crew != s->crew && s->workers[i].deadline_us == 0)
			retire(&s->workers[i], deadline_us);
}

/* Nothing of ours makes such a call: somebody else's code did, by our process. */
static void
tell_barred(const struct worker *w)
{
	struct err e = { 0 };

	err_set(&e, ERR_BUG,
	    "it made a system call that is barred to workers: was it taken over?");
	log_err(&e, "worker pid=%d", (int)w->pid);
	metrics_count(METRIC_WORKERS_BARRED);
}

static void
bury(struct staff *s, unsigned i, int status, uint64_t now)
{
	struct worker w = s->workers[i];
	bool dropped = w.role == PREFORK_ONCE && w.deadline_us != 0;

	metrics_worker_gone(w.pid);
	crowd_leave(s->crowd, w.place);
	s->workers[i] = s->workers[--s->n];
	if (!dropped && (!WIFEXITED(status) || WEXITSTATUS(status) != 0)) {
		log_warn("worker pid=%d role=%s died %s=%d after ms=%llu", (int)w.pid,
		    role_names[w.role], WIFEXITED(status) ? "status" : "signal",
		    WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status),
		    (unsigned long long)(now - w.born_us) / 1000);
		s->deaths++;
		metrics_count(METRIC_WORKER_DEATHS);
		if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
			tell_barred(&w);
		if (w.deadline_us == 0 && w.role != PREFORK_ONCE)
			backoff_death(backoff_of(s, w.role), now, now - w.born_us);
	}
	if (w.end != -1)
		close(w.end);
	close(w.line);
	crew_drop(w.crew);
}

void
staff_reap(struct staff *s, uint64_t now)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (unsigned i = 0; i < s->n; i++)
			if (s->workers[i].pid == pid) {
				bury(s, i, status, now);
				break;
			}
}

void
staff_kill_overdue(struct staff *s, uint64_t now)
{
	for (unsigned i = 0; i < s->n; i++) {
		struct worker *w = &s->workers[i];
		if (w->deadline_us == 0 || now < w->deadline_us)
			continue;
		log_warn("worker pid=%d role=%s did not finish in time: killed",
		    (int)w->pid, role_names[w->role]);
		kill(w->pid, SIGKILL);
		w->deadline_us = KILLED;
	}
}

uint64_t
staff_overdue_at(const struct staff *s)
{
	uint64_t due = UINT64_MAX;

	for (unsigned i = 0; i < s->n; i++)
		if (s->workers[i].deadline_us != 0 && s->workers[i].deadline_us < due)
			due = s->workers[i].deadline_us;
	return due;
}

/* --- their lines --- */

void
staff_listen(struct staff *s, bool yes)
{
	crowd_listen(s->crowd, yes);
}

void
staff_answer(struct staff *s)
{
	for (unsigned i = 0; i < s->n; i++)
		broker_answer(s->workers[i].line, &s->workers[i].pace,
		    crew_helper(s->workers[i].crew));
}

void
staff_hand_over(struct staff *s)
{
	struct err e;

	for (unsigned i = 0; i < s->n && s->recorder != -1; i++) {
		struct worker *w = &s->workers[i];
		if (w->end != -1 && !w->handed)
			w->handed = fd_send(s->recorder, "+", 1, &w->end, 1, &e) == 0;
	}
}

void
staff_log(const struct staff *s, uint64_t now)
{
	for (unsigned i = 0; i < s->n; i++)
		log_info("state worker pid=%d role=%s age_s=%llu crew=%s retired=%s",
		    (int)s->workers[i].pid, role_names[s->workers[i].role],
		    (unsigned long long)(now - s->workers[i].born_us) / 1000000,
		    s->workers[i].crew == s->crew ? "current" : "old",
		    s->workers[i].deadline_us != 0 ? "yes" : "no");
}
