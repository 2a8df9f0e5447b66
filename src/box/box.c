#include "box/box.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/scope.h"
#include "sandbox/wire/bundle.h"
#include "sandbox/wire/wire.h"

_Static_assert(BOX_PENDING_MAX == WIRE_PENDING_MAX, "one bound on both sides");
_Static_assert(BOX_FILES_MAX == BUNDLE_FILES, "one bound on both sides");

/* The helper answers these at once; one that does not is as good as dead, and a worker
 * must not hang with it.  Outcomes are another matter: nobody knows how long they take.
 */
#define REPLY_MS 10000

struct box {
	int fd;
	unsigned slots;
};

static int
wait_reply(const struct box *b, struct err *e)
{
	struct pollfd p = { .fd = b->fd, .events = POLLIN };
	int n;

	do
		n = poll(&p, 1, REPLY_MS);
	while (n == -1 && errno == EINTR);
	if (n == -1)
		return err_sys(e, "poll");
	if (n == 0)
		return err_set(e, ERR_GONE, "the sandbox helper does not answer");
	return 0;
}

/* The helper never passes descriptors back; one that does is not our helper. */
static int
receive(const struct box *b, struct wire_message *m, struct err *e)
{
	int fds[WIRE_FDS_MAX];
	unsigned nfds = 0;

	if (wire_recv(b->fd, m, fds, &nfds, e) == -1)
		return -1;
	if (nfds == 0)
		return 0;
	fd_close_all(fds, nfds);
	return err_set(e, ERR_PROTO, "message %u carries descriptors", m->head.type);
}

static int
expect(const struct box *b, enum wire_type type, struct wire_message *m, struct err *e)
{
	if (wait_reply(b, e) == -1 || receive(b, m, e) == -1)
		return -1;
	if (m->head.type != type)
		return err_set(
		    e, ERR_PROTO, "message %u instead of %d", m->head.type, type);
	return 0;
}

/* connect(2) waits while the backlog is full, send(2) while the peer does not read. */
static int
be_patient(int fd, struct err *e)
{
	struct timeval patience = { .tv_sec = REPLY_MS / 1000 };

	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) == -1)
		return err_sys(e, "setsockopt SO_SNDTIMEO");
	return 0;
}

static int
open_socket(const char *path, struct err *e)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(a.sun_path))
		return err_set(
		    e, ERR_BAD_INPUT, "socket path '%.60s…' is too long", path);
	memcpy(a.sun_path, path, strlen(path) + 1);
	scope_fd fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return err_sys(e, "socket");

	if (be_patient(fd, e) == -1)
		return -1;
	if (connect(fd, (const struct sockaddr *)&a, sizeof(a)) == -1)
		return err_sys(e, "connect %s", path);
	return take_fd(&fd);
}

static int
greet(struct box *b, struct err *e)
{
	struct wire_message m;

	if (wire_send(b->fd, WIRE_HELLO, NULL, NULL, 0, e) == -1 ||
	    expect(b, WIRE_WELCOME, &m, e) == -1)
		return err_wrap(e, "greet the sandbox helper");
	if (m.body.welcome.slots == 0 || m.body.welcome.pending_max < WIRE_PENDING_MAX)
		return err_set(e, ERR_PROTO, "helper has %u slots and takes %u runs",
		    m.body.welcome.slots, m.body.welcome.pending_max);
	b->slots = m.body.welcome.slots;
	return 0;
}

static int
dial(const struct box_door *door, struct err *e)
{
	if (door->dial == NULL)
		return open_socket(door->path, e);
	scope_fd fd = door->dial(door, e);
	if (fd == -1 || be_patient(fd, e) == -1)
		return -1;
	return take_fd(&fd);
}

int
box_open(const struct box_door *door, struct box **out, struct err *e)
{
	scope_box b = calloc(1, sizeof(*b));
	if (b == NULL)
		return err_sys(e, "calloc");

	b->fd = dial(door, e);
	if (b->fd == -1 || greet(b, e) == -1)
		return -1;
	*out = take_ptr(&b);
	return 0;
}

int
box_connect(const char *path, struct box **out, struct err *e)
{
	return box_open(&(struct box_door){ .path = path }, out, e);
}

void
box_close(struct box *b)
{
	if (b == NULL)
		return;
	if (b->fd >= 0)
		close(b->fd);
	free(b);
}

int
box_fd(const struct box *b)
{
	return b->fd;
}

unsigned
box_slots(const struct box *b)
{
	return b->slots;
}

/* Output is counted on this side: the helper has no cap for it. */
static struct limits
limits_of_wire(const struct wire_limits *w)
{
	return (struct limits){ .cpu_ms = w->cpu_us / 1000,
		.wall_ms = w->wall_us / 1000,
		.memory_bytes = w->memory_bytes,
		.processes = w->processes,
		.file_bytes = w->file_bytes,
		.stack_bytes = w->stack_bytes,
		.open_files = w->open_files,
		.cpu_share = w->cpu_share_milli };
}

int
box_status(struct box *b, struct box_state *s, struct err *e)
{
	struct wire_message m;

	if (wire_send(b->fd, WIRE_STATUS, NULL, NULL, 0, e) == -1 ||
	    expect(b, WIRE_STATE, &m, e) == -1)
		return err_wrap(e, "ask the sandbox helper for its state");

	const struct wire_state *w = &m.body.state;
	*s = (struct box_state){ .slots = w->slots,
		.ready = w->ready,
		.busy = w->busy,
		.queued = w->queued,
		.jobs = w->jobs,
		.tenants = w->tenants,
		.weaker = w->weaker,
		.spare = w->spare,
		.most_slots = w->most_slots,
		.wait_us = w->wait_us,
		.oldest_us = w->oldest_us,
		.refused = w->refused,
		.cache_hits = w->cache_hits,
		.cache_misses = w->cache_misses,
		.warm_hits = w->warm_hits,
		.warm_misses = w->warm_misses,
		.caps = limits_of_wire(&w->caps) };
	snprintf(
	    s->why, sizeof(s->why), "%.*s", (int)strnlen(w->why, sizeof(w->why)), w->why);
	return 0;
}

static int
bundle_files(const struct job_file *files, unsigned nfiles, struct err *e)
{
	struct bundle_writer w = { 0 };
	int fd = 0;

	for (unsigned i = 0; i < nfiles && fd == 0; i++)
		fd = bundle_add(
		    &w, files[i].name, files[i].content.data, files[i].content.len, e);
	if (fd == 0)
		fd = bundle_seal(&w, e);
	else
		e->code = ERR_BAD_INPUT; /* of the caller: the connection is whole */
	bundle_free(&w);
	return fd;
}

static int
answer_job(const struct wire_message *m, struct box_place *place, struct err *e)
{
	struct err why;

	switch (m->head.type) {
	case WIRE_READY:
		place->position = m->body.ready.position;
		place->wait_us = m->body.ready.wait_us;
		return 0;
	case WIRE_BUSY:
		place->retry_ms = m->body.busy.retry_us / 1000;
		place->too_many_jobs = m->body.busy.why == WIRE_BUSY_JOBS;
		return err_set(e, ERR_BUSY, "the queue is full");
	case WIRE_REFUSED:
		why = m->body.refused.why;
		why.msg[sizeof(why.msg) - 1] = '\0';
		return err_set(e, ERR_BAD_INPUT, "%s", why.msg);
	default:
		return err_set(
		    e, ERR_PROTO, "message %u in answer to a job", m->head.type);
	}
}

static uint32_t
at_most(uint64_t n, uint64_t most)
{
	return (uint32_t)(n < most ? n : most);
}

/* A number beyond the wire's range means the same as the largest in it. */
static struct wire_tenant
wire_tenant_of(const struct tenant *t, unsigned jobs_max)
{
	return (struct wire_tenant){ .key = t->key,
		.user = t->user,
		.slots_max = at_most(t->slots_max, WIRE_SLOTS_MAX),
		.slots_reserved = at_most(t->slots_reserved, WIRE_SLOTS_MAX),
		.slots_held_back = at_most(t->slots_held_back, WIRE_SLOTS_MAX),
		.jobs_max = at_most(jobs_max, WIRE_JOBS_MAX) };
}

int
box_job_ask(struct box *b, const struct box_ask *ask, struct err *e)
{
	const struct tenant nobody = { 0 };
	struct wire_job job = {
		.tests = at_most(ask->tests, WIRE_TESTS_MAX),
		.cpu_us = at_most(ask->cpu_ms, WIRE_CPU_US_MAX / 1000) * 1000ULL,
		.tenant = wire_tenant_of(
		    ask->tenant != NULL ? ask->tenant : &nobody, ask->jobs_max),
	};

	if (strlen(ask->language) >= sizeof(job.language))
		return err_set(
		    e, ERR_BAD_INPUT, "language '%.40s…' is too long", ask->language);
	memcpy(job.language, ask->language, strlen(ask->language) + 1);
	if (ask->options != NULL)
		job.options = *ask->options;
	scope_fd bundle = bundle_files(ask->files, ask->nfiles, e);
	if (bundle == -1)
		return -1;
	if (wire_send(b->fd, WIRE_JOB, &job, &bundle, 1, e) == -1)
		return err_wrap(e, "ask for a job");
	return 0;
}

int
box_job_answer(struct box *b, struct box_place *place, struct err *e)
{
	struct wire_message m;

	if (wait_reply(b, e) == -1 || receive(b, &m, e) == -1)
		return err_wrap(e, "open a job");
	return answer_job(&m, place, e);
}

int
box_job(struct box *b, const struct box_ask *ask, struct box_place *place, struct err *e)
{
	return box_job_ask(b, ask, e) == -1 ? -1 : box_job_answer(b, place, e);
}

int
box_end(struct box *b, struct err *e)
{
	return wire_send(b->fd, WIRE_END, NULL, NULL, 0, e);
}

static struct wire_limits
wire_limits_of(const struct limits *l, bool fork)
{
	return (struct wire_limits){ .cpu_us = l->cpu_ms * 1000,
		.wall_us = l->wall_ms * 1000,
		.memory_bytes = l->memory_bytes,
		.file_bytes = l->file_bytes,
		.stack_bytes = l->stack_bytes,
		.processes = (uint32_t)l->processes,
		.open_files = (uint32_t)l->open_files,
		.cpu_share_milli = (uint32_t)l->cpu_share,
		.no_fork = fork ? 0 : 1 };
}

/* The pipes of one run: reading ends are ours, writing ends go over and close here, so
 * that end of file comes when the box is gone. */
struct pipes {
	int in[2];
	int out[2];
};

static void
close_pipes(struct pipes *p)
{
	fd_close_all(p->in, 2);
	fd_close_all(p->out, 2);
}

static int
open_pipes(struct pipes *p, struct err *e)
{
	for (unsigned i = 0; i < 2; i++) {
		int ends[2];

		if (pipe2(ends, O_CLOEXEC) == -1)
			return err_sys(e, "pipe2");
		p->in[i] = ends[0];
		p->out[i] = ends[1];
		/* a description is one end's alone, so the program's stays blocking */
		if (fcntl(ends[0], F_SETFL, O_NONBLOCK) == -1)
			return err_sys(e, "fcntl O_NONBLOCK");
	}
	return 0;
}

/* input is the first descriptor to pass, -1: none */
static int
send_run(struct box *b, enum wire_type type, const void *body, int input, int out[2],
    struct err *e)
{
	__attribute__((cleanup(close_pipes))) struct pipes p = { { -1, -1 }, { -1, -1 } };

	if (open_pipes(&p, e) == -1)
		return -1;
	const int fds[3] = { input, p.out[0], p.out[1] };
	bool has_input = input >= 0;
	if (wire_send(b->fd, type, body, fds + !has_input, has_input ? 3 : 2, e) == -1)
		return err_wrap(e, "start a run");
	out[0] = take_fd(&p.in[0]);
	out[1] = take_fd(&p.in[1]);
	return 0;
}

int
box_compile(
    struct box *b, uint32_t tag, const struct limits *limits, int out[2], struct err *e)
{
	struct wire_compile c = { .tag = tag, .limits = wire_limits_of(limits, true) };

	return send_run(b, WIRE_COMPILE, &c, -1, out, e);
}

int
box_run(struct box *b, uint32_t tag, const struct limits *limits, bool fork,
    const struct words *args, const struct bytes *input, int out[2], struct err *e)
{
	struct wire_run r = { .tag = tag,
		.stage = WIRE_STAGE_RUN,
		.limits = wire_limits_of(limits, fork) };
	size_t len = input != NULL ? input->len : 0;

	if (args != NULL)
		r.args = *args;
	if (len > WIRE_INPUT_MAX)
		return err_set(e, ERR_BAD_INPUT, "input of %zu bytes, at most %d allowed",
		    len, WIRE_INPUT_MAX);
	scope_fd in = fd_memfd("judgebox-input", len > 0 ? input->data : "", len, e);
	if (in == -1)
		return -1;
	return send_run(b, WIRE_RUN, &r, in, out, e);
}

int
box_version(
    struct box *b, uint32_t tag, const struct limits *limits, int out[2], struct err *e)
{
	struct wire_run r = { .tag = tag,
		.stage = WIRE_STAGE_VERSION,
		.limits = wire_limits_of(limits, true) };

	return send_run(b, WIRE_RUN, &r, -1, out, e);
}

int
box_keep(struct box *b, bool keep, struct err *e)
{
	struct wire_keep k = { .keep = keep };

	if (wire_send(b->fd, WIRE_KEEP, &k, NULL, 0, e) == -1)
		return err_wrap(e, "keep the artifact");
	return 0;
}

int
box_kill(struct box *b, uint32_t tag, enum fired why, struct err *e)
{
	struct wire_kill k = { .tag = tag,
		.why = why == FIRED_OUTPUT ? WIRE_FIRED_OUTPUT : WIRE_FIRED_CANCEL };

	if (wire_send(b->fd, WIRE_KILL, &k, NULL, 0, e) == -1)
		return err_wrap(e, "kill run %u", tag);
	return 0;
}

static const enum fired fired_of[] = {
	[WIRE_FIRED_NONE] = FIRED_NONE,
	[WIRE_FIRED_CPU] = FIRED_CPU,
	[WIRE_FIRED_WALL] = FIRED_WALL,
	[WIRE_FIRED_OUTPUT] = FIRED_OUTPUT,
	[WIRE_FIRED_CANCEL] = FIRED_CANCEL,
};

/* The kernel refuses an image that cannot fit the limits in these two ways (execve(2));
 * any other refusal is the site's fault, never the student's. */
static void
map_exec_errno(uint32_t exec_errno, struct outcome *o)
{
	if (exec_errno == E2BIG || exec_errno == ENOMEM) {
		o->exec_refused_for_memory = true;
	} else if (exec_errno != 0 && o->fault.code == ERR_NONE) {
		errno = (int)exec_errno;
		err_sys(&o->fault, "start the program");
	}
}

int
box_outcome(struct box *b, uint32_t *tag, struct outcome *o, struct err *e)
{
	struct wire_message m;

	if (receive(b, &m, e) == -1)
		return err_wrap(e, "wait for an outcome");
	const struct wire_outcome *w = &m.body.outcome;
	if (m.head.type != WIRE_OUTCOME)
		return err_set(
		    e, ERR_PROTO, "message %u instead of an outcome", m.head.type);
	if (w->fired >= sizeof(fired_of) / sizeof(fired_of[0]))
		return err_set(
		    e, ERR_PROTO, "run %u ended by unknown limit %u", w->tag, w->fired);
	*tag = w->tag;
	*o = (struct outcome){ .exit_code = w->exit_code,
		.signal = w->signal,
		.cpu_us = w->cpu_us,
		.wall_us = w->wall_us,
		.queue_us = w->queue_us,
		.memory_bytes = w->memory_bytes,
		.memory_from_rusage = w->memory_from_rusage != 0,
		.oom_kills = w->oom_kills,
		.cached = w->cached != 0,
		.fired = fired_of[w->fired],
		.violation = w->violation,
		.called_much = (w->noticed & WIRE_NOTICED_SYSCALLS) != 0,
		.grew_much = (w->noticed & WIRE_NOTICED_MEMORY) != 0,
		.syscalls_per_s = w->syscalls_per_s,
		.growth_per_s = w->growth_per_s,
		.fault = w->fault };
	memcpy(o->violation_args, w->violation_args, sizeof(o->violation_args));
	o->fault.msg[sizeof(o->fault.msg) - 1] = '\0';
	snprintf(o->violation_name, sizeof(o->violation_name), "%.*s",
	    (int)sizeof(w->violation_name) - 1, w->violation_name);
	map_exec_errno(w->exec_errno, o);
	return 0;
}
