#include "sandbox/session.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/fd.h"
#include "base/log.h"

typedef int handler(struct session *s, const union wire_body *b, int *fds, struct err *e);
static handler on_hello, on_status, on_job, on_compile, on_run, on_kill, on_end, on_keep;

#define IN(state)   (1u << SESSION_##state)
#define VERSION_FDS 2       /* a version command has no input */
#define SHORT_OF_US 1000000 /* descriptors or memory: come again */

/*
 * All that an unprivileged peer can make us do.  A request absent here, sent in the
 * wrong state, of the wrong size or with the wrong number of descriptors cannot reach
 * any handler.  (Sizes follow from the type: wire_recv and wire_body_size.)
 */
static const struct request {
	unsigned states; /* in which it is permitted */
	unsigned fds_min, fds_max;
	handler *handle;
} requests[WIRE_REQUEST_MAX_] = {
	[WIRE_HELLO] = { IN(NEW), 0, 0, on_hello },
	[WIRE_STATUS] = { IN(IDLE) | IN(DENIED) | IN(JOB), 0, 0, on_status },
	[WIRE_JOB] = { IN(IDLE) | IN(DENIED), 1, 1, on_job },
	[WIRE_COMPILE] = { IN(DENIED) | IN(JOB), 2, 2, on_compile },
	[WIRE_RUN] = { IN(DENIED) | IN(JOB), VERSION_FDS, 3, on_run },
	[WIRE_KILL] = { IN(JOB), 0, 0, on_kill },
	[WIRE_END] = { IN(JOB), 0, 0, on_end },
	[WIRE_KEEP] = { IN(JOB), 0, 0, on_keep },
};

int
session_handle(struct session *s, const struct wire_message *m, int *fds, unsigned nfds,
    struct err *e)
{
	int r = -1;

	if (m->head.type >= WIRE_REQUEST_MAX_ || requests[m->head.type].handle == NULL)
		err_set(e, ERR_PROTO, "unknown request %u", m->head.type);
	else if ((requests[m->head.type].states & (1u << s->state)) == 0 &&
		 !JB_FAULT(STATES))
		err_set(e, ERR_PROTO, "request %u: not now", m->head.type);
	else if ((nfds < requests[m->head.type].fds_min ||
		     nfds > requests[m->head.type].fds_max) &&
		 !JB_FAULT(FDS))
		err_set(e, ERR_PROTO, "request %u: %u descriptors", m->head.type, nfds);
	else {
		for (unsigned i = nfds; i < WIRE_FDS_MAX; i++)
			fds[i] = -1;
		r = requests[m->head.type].handle(s, &m->body, fds, e);
		nfds = WIRE_FDS_MAX; /* what a handler kept, it set to -1 */
	}
	fd_close_all(fds, nfds);
	return r;
}

static int
answer(struct session *s, enum wire_type type, const void *body, struct err *e)
{
	return wire_send(s->peer.fd, type, body, NULL, 0, e);
}

static int
on_hello(struct session *s, const union wire_body *b, int *fds, struct err *e)
{
	struct wire_welcome w = { s->host->slots, WIRE_PENDING_MAX };

	(void)b, (void)fds;
	s->state = SESSION_IDLE;
	return answer(s, WIRE_WELCOME, &w, e);
}

static int
on_status(struct session *s, const union wire_body *b, int *fds, struct err *e)
{
	struct wire_state st = { 0 };

	(void)b, (void)fds;
	s->host->status(s->host->owner, &st);
	return answer(s, WIRE_STATE, &st, e);
}

/* --- a job --- */

static int
check_text(const char *text, size_t size, const char *what, struct err *e)
{
	if (memchr(text, '\0', size) == NULL)
		return err_set(e, ERR_PROTO, "%s is not terminated", what);
	return 0;
}

static int
refuse(struct session *s, const struct err *why, struct err *e)
{
	struct wire_refused r = { .why = *why };

	s->state = SESSION_DENIED;
	return answer(s, WIRE_REFUSED, &r, e);
}

static int
send_away(struct session *s, const struct wire_busy *busy, struct err *e)
{
	s->state = SESSION_DENIED;
	return answer(s, WIRE_BUSY, busy, e);
}

/* Both streams of a run. */
static int
check_streams(const int *fds, struct err *e)
{
	if (JB_FAULT(STREAMS))
		return 0;
	for (unsigned i = 0; i < 2; i++)
		if (fd_check_pipe_writer(fds[i], e) == -1)
			return -1;
	return 0;
}

static int
check_options(const struct language *l, const struct words *options, struct err *e)
{
	for (const char *o = words_next(options, NULL); o != NULL;
	     o = words_next(options, o))
		if (!words_has(l->options, o) && !JB_FAULT(OPTIONS))
			return err_set(
			    e, ERR_BAD_INPUT, "compile option '%.60s' is not listed", o);
	return 0;
}

static int
check_numbers(const struct wire_job *j, struct err *e)
{
	const struct wire_tenant *t = &j->tenant;
	const struct {
		const char *name;
		uint64_t value, most;
	} rows[] = {
		{ "reserved", j->reserved, 0 },
		{ "tests", j->tests, WIRE_TESTS_MAX },
		{ "cpu time", j->cpu_us, WIRE_CPU_US_MAX },
		{ "slots", t->slots_max, WIRE_SLOTS_MAX },
		{ "slots reserved", t->slots_reserved, WIRE_SLOTS_MAX },
		{ "slots held back", t->slots_held_back, WIRE_SLOTS_MAX },
		{ "jobs", t->jobs_max, WIRE_JOBS_MAX },
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].value > rows[i].most && !JB_FAULT(NUMBERS))
			return err_set(e, ERR_PROTO,
			    "job: %s: %" PRIu64 " is above %" PRIu64, rows[i].name,
			    rows[i].value, rows[i].most);
	return 0;
}

/* What is read, and copied in part, while everybody waits: so not more than that. */
static struct job *
new_job(struct session *s, const struct language *lang, const struct words *options,
    int sources, struct err *e)
{
	struct job_room *room = &s->host->room;
	uint64_t bytes = 0;

	if (fd_check_sealed(sources, WIRE_SOURCES_MAX, &bytes, e) == -1) {
		err_wrap(e, "bundle");
		return NULL;
	}
	bytes *= language_is_compiled(lang) ? 2 : 1; /* its data files are a copy */
	if (room->held + bytes > room->most && !JB_FAULT(JOB_BYTES)) {
		err_set(e, ERR_SYS, "open jobs hold %" PRIu64 " bytes", room->held);
		return NULL;
	}
	struct job *j = job_new(lang, options, sources, e);
	if (j != NULL)
		job_hold_bytes(j, room, bytes);
	return j;
}

static int
on_job(struct session *s, const union wire_body *b, int *fds, struct err *e)
{
	const struct wire_job *j = &b->job;
	struct err why = { 0 };
	struct wire_ready ready = { 0 };
	struct wire_busy busy = { 0 };

	if (check_text(j->language, sizeof(j->language), "job: language", e) == -1 ||
	    words_check(&j->options, e) == -1)
		return err_wrap(e, "job");
	if (check_numbers(j, e) == -1)
		return -1;
	const struct language *lang = languages_find(s->host->languages, j->language);
	if (lang == NULL) {
		err_set(&why, ERR_BAD_INPUT, "unknown language '%s'", j->language);
		return refuse(s, &why, e);
	}
	if (check_options(lang, &j->options, &why) == -1)
		return refuse(s, &why, e);
	if (!s->host->admit(s->host->owner, lang, j, &ready, &busy))
		return send_away(s, &busy, e);
	s->job = new_job(s, lang, &j->options, fds[0], &why);
	if (s->job == NULL && why.code == ERR_SYS) { /* ours, and nobody's mistake */
		log_err(&why, "a job is sent away");
		busy = (struct wire_busy){ SHORT_OF_US, WIRE_BUSY_WAIT, 0 };
		return send_away(s, &busy, e);
	}
	if (s->job == NULL)
		return why.code == ERR_PROTO ? err_set(e, ERR_PROTO, "%s", why.msg)
					     : refuse(s, &why, e);
	fds[0] = -1;
	s->job->tests_left = j->tests;
	s->job->cpu_us = j->cpu_us;
	if (s->host->enter(s->host->owner, s, &j->tenant, e) == -1)
		return -1;
	s->state = SESSION_JOB;
	return answer(s, WIRE_READY, &ready, e);
}

static int
on_end(struct session *s, const union wire_body *b, int *fds, struct err *e)
{
	(void)b, (void)fds;
	if (s->pending > 0)
		return err_set(e, ERR_PROTO, "end: %u runs are outstanding", s->pending);
	s->host->compiled(s->host->owner, s, false);
	s->host->leave(s->host->owner, s);
	job_drop(s->job);
	s->job = NULL;
	s->state = SESSION_IDLE;
	return 0;
}

static int
on_keep(struct session *s, const union wire_body *b, int *fds, struct err *e)
{
	(void)fds;
	if (b->keep.keep > 1 || !s->job->compile_asked || !s->job->ready ||
	    s->job->settled)
		return err_set(
		    e, ERR_PROTO, "keep: no compile of this job, or not again");
	s->host->compiled(s->host->owner, s, b->keep.keep == 1);
	return 0;
}

/* --- runs --- */

/* Where the tag of an outstanding run stands; NULL: there is no such run. */
static uint32_t *
find_tag(struct session *s, uint32_t tag)
{
	for (unsigned i = 0; i < s->pending && i < WIRE_PENDING_MAX; i++)
		if (s->tags[i] == tag)
			return &s->tags[i];
	return NULL;
}

/* For a directory that somebody is reading, ext4 and others keep up to 12 KiB of names
 * that they charge to no group. */
static int
check_files(const struct wire_limits *l, struct err *e)
{
	if ((uint64_t)l->processes * l->open_files <= WIRE_FILES_MAX || JB_FAULT(CAPS))
		return 0;
	return err_set(e, ERR_OVER_LIMIT,
	    "open files: %u for each of %u processes, at most %d for all", l->open_files,
	    l->processes, WIRE_FILES_MAX);
}

static int
submit(struct session *s, enum run_kind kind, uint32_t tag,
    const struct wire_limits *limits, const struct words *args, int *fds, struct err *e)
{
	if (s->pending >= WIRE_PENDING_MAX && !JB_FAULT(PENDING))
		return err_set(
		    e, ERR_PROTO, "more than %d runs outstanding", WIRE_PENDING_MAX);
	if (find_tag(s, tag) != NULL && !JB_FAULT(TAGS))
		return err_set(e, ERR_PROTO, "run %u is outstanding already", tag);
	if (config_check_limits(s->host->config, limits, e) == -1 ||
	    check_files(limits, e) == -1)
		return -1;
	struct run *r = run_new(s, s->job, kind, e);
	if (r == NULL)
		return -1;
	r->tag = tag;
	r->limits = *limits;
	if (r->limits.cpu_share_milli == 0)
		r->limits.cpu_share_milli = config_default_share(s->host->config);
	if (args != NULL)
		r->args = *args;
	for (unsigned i = 0; i < 3; i++) {
		r->fds[i] = fds[i];
		fds[i] = -1;
	}
	if (s->pending < WIRE_PENDING_MAX)
		s->tags[s->pending] = tag;
	s->pending++;
	if (kind == RUN_TEST && s->job->tests_left > 0)
		s->job->tests_left--;
	s->host->submit(s->host->owner, s, r);
	return 0;
}

static int
on_compile(struct session *s, const union wire_body *b, int *fds, struct err *e)
{
	int streams[3] = { -1, fds[0], fds[1] };

	if (s->state == SESSION_DENIED)
		return 0;
	if (b->compile.reserved != 0)
		return err_set(
		    e, ERR_PROTO, "compile: reserved is %u", b->compile.reserved);
	if (!language_is_compiled(s->job->lang) || s->job->compile_asked)
		return err_set(e, ERR_PROTO, "compile: not this job, or not again");
	if (check_streams(fds, e) == -1)
		return err_wrap(e, "compile");
	if (submit(s, RUN_COMPILE, b->compile.tag, &b->compile.limits, NULL, streams,
		e) == -1)
		return err_wrap(e, "compile");
	s->job->compile_asked = true;
	fds[0] = fds[1] = -1;
	return 0;
}

static int
on_version(struct session *s, const struct wire_run *run, int *fds, struct err *e)
{
	int streams[3] = { -1, fds[0], fds[1] };

	if (fds[2] != -1 || run->args.count != 0)
		return err_set(e, ERR_PROTO, "version: takes no input and no arguments");
	streams[0] = fd_memfd("judgebox-empty", "", 0, e);
	if (streams[0] == -1)
		return -1;
	if (submit(s, RUN_VERSION, run->tag, &run->limits, NULL, streams, e) == -1) {
		fd_close_all(streams, 1);
		return err_wrap(e, "version");
	}
	fds[0] = fds[1] = -1;
	return 0;
}

/* Sent on the chance that the program is in the cache. */
static int
too_early(struct session *s, uint32_t tag, struct err *e)
{
	struct wire_outcome o = { .tag = tag, .violation = -1 };

	err_set(&o.fault, ERR_BUSY, "nothing is compiled yet");
	return answer(s, WIRE_OUTCOME, &o, e);
}

static int
on_run(struct session *s, const union wire_body *b, int *fds, struct err *e)
{
	const struct wire_run *run = &b->run;
	uint64_t size;

	if (s->state == SESSION_DENIED)
		return 0;
	if (words_check(&run->args, e) == -1)
		return err_wrap(e, "run");
	/* the last two are the streams either way */
	if (check_streams(fds[2] == -1 ? fds : fds + 1, e) == -1)
		return err_wrap(e, "run");
	if (run->stage == WIRE_STAGE_VERSION)
		return on_version(s, run, fds, e);
	if (run->stage != WIRE_STAGE_RUN || fds[2] == -1)
		return err_set(
		    e, ERR_PROTO, "run: unknown stage %u, or no input", run->stage);
	if (!s->job->ready && !s->job->compile_asked)
		return err_set(e, ERR_PROTO, "run: nothing is compiled");
	if (!s->job->ready)
		return too_early(s, run->tag, e);
	if (!JB_FAULT(INPUT) && fd_check_sealed(fds[0], WIRE_INPUT_MAX, &size, e) == -1)
		return err_wrap(e, "run: input");
	if (submit(s, RUN_TEST, run->tag, &run->limits, &run->args, fds, e) == -1)
		return err_wrap(e, "run");
	return 0;
}

static int
on_kill(struct session *s, const union wire_body *b, int *fds, struct err *e)
{
	(void)fds;
	if (b->kill.why != WIRE_FIRED_OUTPUT && b->kill.why != WIRE_FIRED_CANCEL)
		return err_set(e, ERR_PROTO, "kill: reason %u", b->kill.why);
	s->host->kill(s->host->owner, s, b->kill.tag, (enum wire_fired)b->kill.why);
	return 0;
}

/* --- the connection --- */

static void
on_peer(struct watcher *w, uint32_t events)
{
	static struct wire_message m;
	struct session *s = w->owner;
	struct err e = { 0 };
	int fds[WIRE_FDS_MAX];
	unsigned nfds;

	(void)events;
	if (wire_recv(w->fd, &m, fds, &nfds, &e) == 0 &&
	    session_handle(s, &m, fds, nfds, &e) == 0)
		return;
	if (e.code != ERR_GONE && e.code != ERR_NONE)
		log_err(&e, "a client broke the protocol and is dropped");
	session_close(s);
}

struct session *
session_open(struct session_host *host, int sock, struct err *e)
{
	struct session *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		err_sys(e, "calloc");
		return NULL;
	}
	s->host = host;
	s->peer = (struct watcher){ sock, on_peer, s };
	if (loop_add(host->loop, &s->peer, e) == -1) {
		free(s);
		return NULL;
	}
	return s;
}

void
session_close(struct session *s)
{
	loop_remove(s->host->loop, &s->peer);
	close(s->peer.fd);
	s->host->closed(s->host->owner, s);
	job_drop(s->job);
	free(s);
}

/* The socket is non-blocking: a peer that does not read its answers is dropped, and its
 * runs with it; not here, where others stand on it. */
void
session_answer(struct session *s, const struct wire_outcome *o)
{
	uint32_t *tag = find_tag(s, o->tag);
	struct err e = { 0 };

	s->pending--;
	if (tag != NULL && s->pending < WIRE_PENDING_MAX)
		*tag = s->tags[s->pending];
	if (wire_send(s->peer.fd, WIRE_OUTCOME, o, NULL, 0, &e) == -1 &&
	    e.code != ERR_GONE) {
		log_err(&e, "a client does not take its outcome");
		s->broken = s->host->broken = true;
	}
}
