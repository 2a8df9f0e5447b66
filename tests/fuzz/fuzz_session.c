/*
 * A worker that was taken over, at the gate of the helper: any messages in any order with
 * any descriptors.  It is dropped, or what it asked for lies within the caps; and when it
 * is gone, no descriptor of its is left.
 *
 * Input: one step after the other, {type, descriptors, place of a patch, its length} and
 * the patch itself, laid over a message that would pass.  (I-15, I-16, I-18)
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/scope.h"
#include "sandbox/session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RUNS_MAX  WIRE_PENDING_MAX
#define STEPS_MAX 64

static const char toys[] =
    "id = \"toy\"; name = \"Toy\"; version = [ \"/bin/true\" ]; source = \"main.x\";\n"
    "extensions = [ \".x\" ]; run = [ \"/bin/cat\", \"{source}\" ]; class = "
    "\"script\";\n";
static const char made[] =
    "id = \"made\"; name = \"Made\"; version = [ \"/bin/true\" ]; source = \"main.x\";\n"
    "extensions = [ \".x\" ]; compile = [ \"/bin/cc\", \"{options}\", \"{sources}\" ];\n"
    "artifact = \"main\"; run = [ \"./main\" ]; class = \"native\";\n"
    "compile_class = \"compiler\"; options = [ \"-O3\" ];\n";

static struct config config = { .caps = { .cpu_ms = 10000,
				    .wall_ms = 20000,
				    .memory_bytes = 1 << 30,
				    .processes = 100,
				    .file_bytes = 1 << 20,
				    .stack_bytes = 1 << 26,
				    .open_files = 256,
				    .cpu_share = 2000 } };
static struct languages *languages;

static void
require(bool yes, const char *what)
{
	if (yes)
		return;
	fprintf(stderr, "%s\n", what);
	abort();
}

/* --- a house without slots behind the gate --- */

struct house {
	struct loop loop;
	struct session_host host;
	struct session *s; /* NULL: dropped */
	int client;
	struct run *runs[RUNS_MAX]; /* NULL: free */
	bool busy;
};

static bool
admit(void *owner, const struct language *lang, const struct wire_job *asked,
    struct wire_ready *ready, struct wire_busy *busy)
{
	(void)lang, (void)asked, (void)ready;
	busy->retry_us = 7000000;
	return !((struct house *)owner)->busy;
}

static int
enter(void *owner, struct session *s, const struct wire_tenant *t, struct err *e)
{
	(void)owner, (void)s, (void)e;
	require(t->slots_max <= WIRE_SLOTS_MAX && t->slots_reserved <= WIRE_SLOTS_MAX &&
		    t->slots_held_back <= WIRE_SLOTS_MAX && t->jobs_max <= WIRE_JOBS_MAX,
	    "a tenant's number beyond its range");
	return 0;
}

static void
leave(void *owner, struct session *s)
{
	(void)owner, (void)s;
}

static void
status(void *owner, struct wire_state *out)
{
	(void)owner;
	out->slots = 2;
}

static void
submit(void *owner, struct session *s, struct run *r)
{
	struct house *h = owner;
	unsigned at = 0;
	uint64_t bytes;
	struct err e;

	require(s->pending <= WIRE_PENDING_MAX, "too many runs at a time");
	require(
	    config_check_limits(&config, &r->limits, &e) == 0, "limits above the caps");
	require(r->job == s->job && r->session == s, "a run of somebody else's job");
	require(fd_check_pipe_writer(r->fds[1], &e) == 0, "stdout");
	require(fd_check_pipe_writer(r->fds[2], &e) == 0, "stderr");
	require(r->kind == RUN_COMPILE ||
		    fd_check_sealed(r->fds[0], WIRE_INPUT_MAX, &bytes, &e) == 0 ||
		    r->kind == RUN_VERSION,
	    "stdin");
	while (h->runs[at] != NULL)
		at++;
	h->runs[at] = r;
}

static void
kill_run(void *owner, struct session *s, uint32_t tag, enum wire_fired why)
{
	(void)owner, (void)s, (void)tag;
	require(why == WIRE_FIRED_OUTPUT || why == WIRE_FIRED_CANCEL, "reason of a kill");
}

static void
compiled(void *owner, struct session *s, bool keep)
{
	(void)owner, (void)keep;
	s->job->settled = true;
}

static void
closed(void *owner, struct session *s)
{
	struct house *h = owner;

	for (unsigned i = 0; i < RUNS_MAX; i++) {
		run_free(h->runs[i]);
		h->runs[i] = NULL;
	}
	require(h->s == s, "another session is closed");
	h->s = NULL;
}

/* --- what a worker can send --- */

static const struct wire_limits good = { .cpu_us = 1000000,
	.wall_us = 2000000,
	.memory_bytes = 64 << 20,
	.file_bytes = 1 << 20,
	.stack_bytes = 8 << 20,
	.processes = 8,
	.open_files = 64 };

static int
bundle(void)
{
	struct bundle_writer w = { 0 };
	struct err e;

	require(bundle_add(&w, "main.x", "x", 1, &e) == 0, "bundle");
	int fd = bundle_seal(&w, &e);
	bundle_free(&w);
	return fd;
}

static int
one_end(int at)
{
	int p[2];

	require(pipe2(p, O_CLOEXEC) == 0, "pipe");
	close(p[1 - at]);
	return p[at];
}

static int
make(unsigned kind)
{
	struct err e;

	switch (kind % 12) {
	case 0:
		return one_end(1);
	case 1:
		return bundle();
	case 2:
		return fd_memfd("in", "1\n", 2, &e);
	case 3:
		return fd_memfd_new("open", &e);
	case 4:
		return one_end(0);
	case 5:
		return open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	case 6:
		return open("/dev/zero", O_RDONLY | O_CLOEXEC);
	case 7:
		return open("/etc/passwd", O_PATH | O_CLOEXEC);
	case 8:
		return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	case 9:
		return epoll_create1(EPOLL_CLOEXEC);
	case 10: { /* sealed, and a thousand times the cap, of nothing */
		int fd = fd_memfd_new("sparse", &e);
		require(ftruncate(fd, (off_t)WIRE_INPUT_MAX * 1024) == 0, "ftruncate");
		return fd_seal(fd, &e);
	}
	default:
		return fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	}
}

/* A body that passes, where one is needed to get any further. */
static void
fill(struct wire_message *m, uint8_t step)
{
	m->head.version = WIRE_VERSION;
	m->head.len = wire_body_size(m->head.type);
	if (m->head.type == WIRE_JOB)
		strcpy(m->body.job.language, (step & 0x10) != 0 ? "made" : "toy");
	else if (m->head.type == WIRE_COMPILE)
		m->body.compile.limits = good;
	else if (m->head.type == WIRE_RUN) {
		m->body.run.limits = good;
		m->body.run.stage = WIRE_STAGE_RUN;
	} else if (m->head.type == WIRE_KILL)
		m->body.kill.why = WIRE_FIRED_CANCEL;
}

static void
send_step(
    int sock, uint8_t step, uint8_t kinds, const uint8_t *patch, size_t at, size_t n)
{
	static const struct {
		uint16_t type;
		unsigned nfds;
		uint8_t kinds[3];
	} usual[] = {
		{ WIRE_HELLO, 0, { 0 } },
		{ WIRE_JOB, 1, { 1 } },
		{ WIRE_COMPILE, 2, { 0, 0 } },
		{ WIRE_RUN, 3, { 2, 0, 0 } },
		{ WIRE_KILL, 0, { 0 } },
		{ WIRE_END, 0, { 0 } },
		{ WIRE_KEEP, 0, { 0 } },
		{ WIRE_STATUS, 0, { 0 } },
	};
	unsigned row = step % (sizeof(usual) / sizeof(usual[0]));
	struct wire_message m = { .head.type = usual[row].type };
	int fds[FD_PASS_MAX] = { -1, -1, -1, -1, -1, -1, -1, -1 };
	unsigned nfds = usual[row].nfds;
	struct err e;

	fill(&m, step);
	if (n > 0) {
		at = at * 4 % sizeof(m);
		memcpy((char *)&m + at, patch, n < sizeof(m) - at ? n : sizeof(m) - at);
	}
	if (kinds >= 128) /* another number of them */
		nfds = kinds % (FD_PASS_MAX + 1);
	for (unsigned i = 0; i < nfds; i++)
		fds[i] = make(i < 3 && (kinds & (1u << i)) == 0 ? usual[row].kinds[i]
								: kinds / 8u + i);
	uint32_t body = wire_body_size(usual[row].type);
	size_t size =
	    sizeof(m.head) + ((step & 0x80) == 0 ? body : body + 4u - step % 8u);
	fd_send(sock, &m, size < sizeof(m) ? size : sizeof(m), fds, nfds, &e);
	fd_close_all(fds, nfds);
}

/* The oldest run ends; a compile has made something. */
static void
finish_one(struct house *h)
{
	struct wire_outcome o = { .violation = -1 };
	struct err e;

	for (unsigned i = 0; i < RUNS_MAX; i++) {
		struct run *r = h->runs[i];
		if (r == NULL)
			continue;
		h->runs[i] = NULL;
		o.tag = r->tag;
		if (r->kind == RUN_COMPILE && !r->job->ready) {
			scope_fd made_fd = fd_memfd("made", "#!", 2, &e);
			r->job->ready = job_adopt(r->job, made_fd, false, &e) == 0;
		}
		run_free(r);
		session_answer(h->s, &o);
		return;
	}
}

static void
drain(int sock)
{
	struct wire_message m;
	int fds[FD_PASS_MAX];
	unsigned n = 0;
	struct err e;

	while (fd_recv(sock, &m, sizeof(m), fds, &n, &e) >= 0)
		require(n == 0 && m.head.type >= WIRE_WELCOME, "an answer that is none");
}

static void
play(struct house *h, const uint8_t *data, size_t size)
{
	struct err e;

	for (unsigned step = 0; step < STEPS_MAX && size >= 4 && h->s != NULL; step++) {
		size_t n = data[3] < size - 4 ? data[3] : size - 4;

		h->busy = (data[0] & 0x20) != 0;
		if ((data[0] & 0x48) == 0x48)
			finish_one(h);
		else
			send_step(h->client, data[0], data[1], data + 4, data[2], n);
		require(loop_turn(&h->loop, 0, &e) == 0, e.msg);
		drain(h->client);
		data += 4 + n;
		size -= 4 + n;
	}
}

static unsigned
open_descriptors(void)
{
	unsigned n = 0;
	DIR *d = opendir("/proc/self/fd");

	require(d != NULL, "/proc/self/fd");
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

static void
write_language(const char *dir, const char *name, const char *text)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	FILE *f = fopen(path, "w");
	require(f != NULL && fputs(text, f) >= 0 && fclose(f) == 0, path);
}

static void
load_languages(void)
{
	char dir[] = "/tmp/judgebox-fuzz-XXXXXX", path[64];
	struct err e = { 0 };

	log_start("fuzz", (enum log_level)0); /* each drop is worth a line, elsewhere */
	require(mkdtemp(dir) != NULL, "mkdtemp");
	write_language(dir, "toy.conf", toys);
	write_language(dir, "made.conf", made);
	require(languages_load(dir, &languages, &e) == 0, e.msg);
	for (int i = 0; i < 2; i++) {
		snprintf(
		    path, sizeof(path), "%s/%s", dir, i == 0 ? "toy.conf" : "made.conf");
		unlink(path);
	}
	rmdir(dir);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct house h = { .client = -1 };
	struct err e = { 0 };
	int pair[2];

	if (languages == NULL)
		load_languages();
	unsigned before = open_descriptors();
	require(loop_open(&h.loop, &e) == 0, e.msg);
	require(socketpair(
		    AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0,
	    "socketpair");
	h.client = pair[1];
	h.host = (struct session_host){ .loop = &h.loop,
		.config = &config,
		.languages = languages,
		.owner = &h,
		.slots = 2,
		.room = { .most = 1 << 20 },
		.admit = admit,
		.enter = enter,
		.leave = leave,
		.status = status,
		.submit = submit,
		.kill = kill_run,
		.compiled = compiled,
		.closed = closed };
	h.s = session_open(&h.host, pair[0], &e);
	require(h.s != NULL, e.msg);
	play(&h, data, size);
	if (h.s != NULL)
		session_close(h.s);
	close(h.client);
	close(h.loop.epoll);
	require(open_descriptors() == before, "a descriptor is left");
	return 0;
}
