/* The gate of the privileged helper: what may pass, and when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "sandbox/session.h"

static struct config config = { .caps = { .cpu_ms = 10000,
				    .wall_ms = 20000,
				    .memory_bytes = 1 << 30,
				    .processes = 100,
				    .file_bytes = 1 << 20,
				    .stack_bytes = 1 << 26,
				    .open_files = 512,
				    .cpu_share = 2000 } };
static struct languages *languages;
static char dir[] = "/tmp/judgebox-test-XXXXXX";

/* --- a house without slots behind the gate --- */

struct house {
	struct loop loop;
	struct session_host host;
	struct session *s;
	int client;
	struct run *got[8];
	unsigned runs, kills, compiled, kept;
	uint64_t busy_us;
	unsigned entered, left;
	struct wire_tenant tenant;
};

static bool
admit(void *owner, const struct language *lang, const struct wire_job *j,
    struct wire_ready *ready, struct wire_busy *busy)
{
	const struct house *h = owner;

	assert_non_null(lang);
	assert_true(j->tests <= WIRE_TESTS_MAX);
	*ready = (struct wire_ready){ .position = 3, .wait_us = 4 };
	*busy = (struct wire_busy){ .retry_us = h->busy_us, .why = WIRE_BUSY_WAIT };
	return h->busy_us == 0;
}

static int
enter(void *owner, struct session *s, const struct wire_tenant *t, struct err *e)
{
	struct house *h = owner;

	(void)s, (void)e;
	h->entered++;
	h->tenant = *t;
	return 0;
}

static void
leave(void *owner, struct session *s)
{
	(void)s;
	((struct house *)owner)->left++;
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

	(void)s;
	assert_true(h->runs < 8);
	h->got[h->runs++] = r;
}

static void
kill_run(void *owner, struct session *s, uint32_t tag, enum wire_fired why)
{
	(void)s, (void)tag, (void)why;
	((struct house *)owner)->kills++;
}

static void
compiled(void *owner, struct session *s, bool keep)
{
	struct house *h = owner;

	s->job->settled = true;
	h->kept += keep;
	h->compiled++;
}

static void
closed(void *owner, struct session *s)
{
	(void)owner, (void)s;
}

static void
house_open(struct house *h, enum session_state state)
{
	struct err e = { 0 };
	int pair[2];

	memset(h, 0, sizeof(*h));
	assert_int_equal(loop_open(&h->loop, &e), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	h->client = pair[1];
	h->host = (struct session_host){ .loop = &h->loop,
		.config = &config,
		.languages = languages,
		.owner = h,
		.slots = 2,
		.room = { .most = 64 << 20 },
		.admit = admit,
		.enter = enter,
		.leave = leave,
		.status = status,
		.submit = submit,
		.kill = kill_run,
		.compiled = compiled,
		.closed = closed };
	h->s = session_open(&h->host, pair[0], &e);
	assert_non_null(h->s);
	h->s->state = state;
}

static void
house_close(struct house *h)
{
	for (unsigned i = 0; i < h->runs; i++)
		run_free(h->got[i]);
	session_close(h->s);
	close(h->client);
	close(h->loop.epoll);
}

static int
bundle(const char *name, const char *text)
{
	struct bundle_writer w = { 0 };
	struct err e = { 0 };

	assert_int_equal(bundle_add(&w, name, text, strlen(text), &e), 0);
	int fd = bundle_seal(&w, &e);
	bundle_free(&w);
	assert_true(fd >= 0);
	return fd;
}

static void
open_job(struct house *h, const char *language)
{
	struct wire_message m = { .head = {
				      WIRE_VERSION, WIRE_JOB, sizeof(m.body.job) } };
	struct err e = { 0 };
	int fds[WIRE_FDS_MAX] = { bundle("main.x", "x"), -1, -1 };

	snprintf(m.body.job.language, sizeof(m.body.job.language), "%s", language);
	assert_int_equal(session_handle(h->s, &m, fds, 1, &e), 0);
	assert_int_equal(h->s->state, SESSION_JOB);
}

static int
answer_type(const struct house *h)
{
	struct wire_message m;
	struct err e = { 0 };
	int fds[WIRE_FDS_MAX];
	unsigned n;

	fcntl(h->client, F_SETFL, O_NONBLOCK);
	return wire_recv(h->client, &m, fds, &n, &e) == 0 ? m.head.type : 0;
}

/* --- the table --- */

/* I-18 */
static void
only_listed_requests_in_their_state_pass(void **state)
{
	static const struct {
		const char *what;
		enum session_state state;
		uint16_t type;
		unsigned nfds;
		const char *msg;
	} cases[] = {
		{ "hello first", SESSION_NEW, WIRE_HELLO, 0, "" },
		{ "hello twice", SESSION_IDLE, WIRE_HELLO, 0, "request 1: not now" },
		{ "status before hello", SESSION_NEW, WIRE_STATUS, 0,
		    "request 2: not now" },
		{ "status", SESSION_IDLE, WIRE_STATUS, 0, "" },
		{ "job before hello", SESSION_NEW, WIRE_JOB, 1, "request 3: not now" },
		{ "job without files", SESSION_IDLE, WIRE_JOB, 0,
		    "request 3: 0 descriptors" },
		{ "job with too many", SESSION_IDLE, WIRE_JOB, 2,
		    "request 3: 2 descriptors" },
		{ "compile without a job", SESSION_IDLE, WIRE_COMPILE, 2,
		    "request 4: not now" },
		{ "run without a job", SESSION_IDLE, WIRE_RUN, 3, "request 5: not now" },
		{ "kill without a job", SESSION_IDLE, WIRE_KILL, 0,
		    "request 6: not now" },
		{ "hello with a descriptor", SESSION_NEW, WIRE_HELLO, 1,
		    "request 1: 1 descriptors" },
		{ "end without a job", SESSION_IDLE, WIRE_END, 0, "request 7: not now" },
		{ "an answer as a request", SESSION_IDLE, WIRE_OUTCOME, 0,
		    "unknown request 69" },
		{ "type 0", SESSION_IDLE, 0, 0, "unknown request 0" },
		{ "type 65535", SESSION_IDLE, UINT16_MAX, 0, "unknown request 65535" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct wire_message m = { .head = { WIRE_VERSION, cases[i].type, 0 } };
		struct house h;
		struct err e = { 0 };
		int fds[WIRE_FDS_MAX] = { -1, -1, -1 };

		house_open(&h, cases[i].state);
		for (unsigned f = 0; f < cases[i].nfds; f++)
			fds[f] = open("/dev/null", O_RDONLY | O_CLOEXEC);
		int watch = fds[0];
		int r = session_handle(h.s, &m, fds, cases[i].nfds, &e);
		if (strcmp(e.msg, cases[i].msg) != 0)
			print_error("%s\n", cases[i].what);
		assert_string_equal(e.msg, cases[i].msg);
		assert_int_equal(r, cases[i].msg[0] == '\0' ? 0 : -1);
		if (watch >= 0) /* nothing that was passed stays open */
			assert_int_equal(fcntl(watch, F_GETFD), -1);
		house_close(&h);
	}
}

/* I-15 */
static void
a_job_names_a_language_and_listed_options(void **state)
{
	static const struct {
		const char *what, *language, *option;
		int answer;
	} cases[] = {
		{ "known", "toy", NULL, WIRE_READY },
		{ "listed option", "made", "-O3", WIRE_READY },
		{ "unlisted option", "made", "-fplugin=x", WIRE_REFUSED },
		{ "unknown", "../toy", NULL, WIRE_REFUSED },
		{ "empty", "", NULL, WIRE_REFUSED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct wire_message m = { .head = { WIRE_VERSION, WIRE_JOB, 0 } };
		struct house h;
		struct err e = { 0 };
		int fds[WIRE_FDS_MAX] = { bundle("main.x", "x"), -1, -1 };

		house_open(&h, SESSION_IDLE);
		snprintf(m.body.job.language, sizeof(m.body.job.language), "%s",
		    cases[i].language);
		if (cases[i].option != NULL)
			words_add(&m.body.job.options, cases[i].option, &e);
		assert_int_equal(session_handle(h.s, &m, fds, 1, &e), 0);
		if (answer_type(&h) != cases[i].answer)
			fail_msg("%s", cases[i].what);
		house_close(&h);
	}
}

/* I-17 */
static void
a_full_queue_is_said_before_anything_is_kept(void **state)
{
	struct wire_message m = { .head = { WIRE_VERSION, WIRE_JOB, 0 } };
	struct house h;
	struct err e = { 0 };
	int fds[WIRE_FDS_MAX] = { bundle("main.x", "x"), -1, -1 };

	(void)state;
	house_open(&h, SESSION_IDLE);
	h.busy_us = 7000000;
	strcpy(m.body.job.language, "toy");
	assert_int_equal(session_handle(h.s, &m, fds, 1, &e), 0);
	assert_int_equal(answer_type(&h), WIRE_BUSY);
	assert_int_equal(h.s->state, SESSION_DENIED);
	assert_null(h.s->job);
	house_close(&h);
}

/* I-18 */
static void
the_rest_of_a_job_that_is_not_taken_is_ignored(void **state)
{
	static const struct {
		const char *what;
		uint16_t type;
		unsigned nfds;
		const char *first, *second;
	} cases[] = {
		{ "compile", WIRE_COMPILE, 2, "", "" },
		{ "of no streams", WIRE_COMPILE, 0, "request 4: 0 descriptors", NULL },
		{ "run", WIRE_RUN, 3, "", "" },
		{ "of no streams", WIRE_RUN, 0, "request 5: 0 descriptors", NULL },
		{ "kill", WIRE_KILL, 0, "request 6: not now", NULL },
		{ "end", WIRE_END, 0, "request 7: not now", NULL },
		{ "keep", WIRE_KEEP, 0, "request 8: not now", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct wire_message m = { .head = { WIRE_VERSION, cases[i].type, 0 } };
		const char *const want[] = { cases[i].first, cases[i].second };
		struct house h;

		house_open(&h, SESSION_DENIED);
		for (unsigned k = 0; k < 2 && want[k] != NULL; k++) {
			int fds[WIRE_FDS_MAX] = { -1, -1, -1 };
			struct err e = { 0 };

			for (unsigned f = 0; f < cases[i].nfds; f++)
				fds[f] = open("/dev/null", O_WRONLY | O_CLOEXEC);
			int watch = fds[0];
			int r = session_handle(h.s, &m, fds, cases[i].nfds, &e);
			if (strcmp(e.msg, want[k]) != 0)
				fail_msg("%s: %s", cases[i].what, e.msg);
			assert_int_equal(r, want[k][0] == '\0' ? 0 : -1);
			if (watch >= 0)
				assert_int_equal(fcntl(watch, F_GETFD), -1);
		}
		assert_int_equal(h.runs, 0);
		house_close(&h);
	}
}

static int
ask_job(struct house *h, const char *language, int sources)
{
	struct wire_message m = { .head = { WIRE_VERSION, WIRE_JOB, 0 } };
	int fds[WIRE_FDS_MAX] = { sources, -1, -1 };
	struct err e = { 0 };

	strcpy(m.body.job.language, language);
	assert_int_equal(session_handle(h->s, &m, fds, 1, &e), 0);
	return answer_type(h);
}

/* A main file, and so many bytes beside it. */
static int
bundle_with(uint64_t bytes)
{
	const struct bundle_head head = { BUNDLE_MAGIC, 2 };
	struct bundle_entry list[2] = { { "main.x", sizeof(head) + sizeof(list), 0 },
		{ "data", sizeof(head) + sizeof(list), bytes } };
	char block[4096] = "1";
	struct err e = { 0 };
	int fd = fd_memfd_new("large", &e);

	assert_int_equal(fd_write_all(fd, &head, sizeof(head), &e), 0);
	assert_int_equal(fd_write_all(fd, list, sizeof(list), &e), 0);
	for (uint64_t n = 0; n < bytes; n += sizeof(block))
		assert_int_equal(fd_write_all(fd, block, sizeof(block), &e), 0);
	return fd_seal(fd, &e);
}

/* I-17 */
static void
what_jobs_hold_is_bounded(void **state)
{
	struct wire_message end = { .head = { WIRE_VERSION, WIRE_END, 0 } };
	struct err e = { 0 };
	struct house h;

	(void)state;
	house_open(&h, SESSION_IDLE);
	h.host.room.most = 100000;
	assert_int_equal(ask_job(&h, "made", bundle_with(40960)), WIRE_READY);
	assert_in_range(h.host.room.held, 2 * 40960, 2 * 42000);
	struct job *j = job_hold(h.s->job);
	assert_int_equal(session_handle(h.s, &end, (int[3]){ 0 }, 0, &e), 0);
	assert_int_equal(ask_job(&h, "toy", bundle_with(40960)), WIRE_BUSY);
	job_drop(j); /* its last run ended */
	assert_int_equal(h.host.room.held, 0);
	assert_int_equal(ask_job(&h, "toy", bundle_with(40960)), WIRE_READY);
	assert_in_range(h.host.room.held, 40960, 42000);
	house_close(&h);
}

/* I-17 */
static void
artifacts_are_counted_and_bounded(void **state)
{
	struct err e = { 0 };
	struct house h;

	(void)state;
	house_open(&h, SESSION_IDLE);
	h.host.room.most = 10000;
	assert_int_equal(ask_job(&h, "made", bundle("main.x", "x")), WIRE_READY);
	uint64_t before = h.host.room.held;
	int fd = fd_memfd_new("made", &e), large = fd_memfd_new("large", &e);
	assert_true(ftruncate(fd, 12288) == 0 && ftruncate(large, 20000) == 0);
	assert_int_equal(job_adopt(h.s->job, large, false, &e), -1);
	assert_int_equal(e.code, ERR_SYS);
	assert_int_equal(h.host.room.held, before);
	assert_int_equal(job_adopt(h.s->job, fd, false, &e), 0);
	assert_int_equal(h.host.room.held, before + 12288);
	close(fd);
	close(large);
	house_close(&h);
	assert_int_equal(h.host.room.held, 0);
}

/* I-17: the kernel copies what lies beside a program, once, and more is refused. */
static void
a_large_job_is_not_copied_by_us(void **state)
{
	const uint64_t large = 15 << 20;
	struct rusage before, after;
	struct house h;

	(void)state;
	house_open(&h, SESSION_IDLE);
	int fd = bundle_with(large);
	getrusage(RUSAGE_SELF, &before);
	assert_int_equal(ask_job(&h, "made", fd), WIRE_READY);
	getrusage(RUSAGE_SELF, &after);
	assert_in_range(after.ru_maxrss, 0, before.ru_maxrss + 8192);
	struct bundle_entry *files;
	struct err e = { 0 };
	uint32_t n;
	char block[4096];
	assert_int_equal(bundle_open(h.s->job->work, &files, &n, &e), 0);
	assert_true(n == 1 && files->size == large);
	assert_string_equal(files->name, "data");
	assert_int_equal(fd_pread_all(h.s->job->work, block, sizeof(block),
			     files->offset + large - sizeof(block), &e),
	    0);
	assert_string_equal(block, "1");
	free(files);
	house_close(&h);
	house_open(&h, SESSION_IDLE);
	assert_int_equal(ask_job(&h, "made", bundle_with(17 << 20)), WIRE_REFUSED);
	house_close(&h);
}

/* What we are short of is not the client's mistake. */
static void
a_job_that_cannot_be_kept_is_to_come_again(void **state)
{
	struct wire_message m = { .head = { WIRE_VERSION, WIRE_JOB, 0 } };
	struct house h;
	struct err e = { 0 };
	int fds[WIRE_FDS_MAX] = { bundle("main.x", "x"), -1, -1 };
	struct rlimit was, none;

	(void)state;
	house_open(&h, SESSION_IDLE);
	strcpy(m.body.job.language, "toy");
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	none = was;
	none.rlim_cur = 0;
	setrlimit(RLIMIT_NOFILE, &none);
	int r = session_handle(h.s, &m, fds, 1, &e);
	setrlimit(RLIMIT_NOFILE, &was);
	assert_int_equal(r, 0);
	assert_int_equal(answer_type(&h), WIRE_BUSY);
	assert_int_equal(h.s->state, SESSION_DENIED);
	assert_null(h.s->job);
	house_close(&h);
}

/* I-14 */
static void
forged_jobs_break_the_connection(void **state)
{
	struct wire_message m = { .head = { WIRE_VERSION, WIRE_JOB, 0 } };
	struct house h;
	struct err e = { 0 };
	int fds[WIRE_FDS_MAX] = { -1, -1, -1 };

	(void)state;
	house_open(&h, SESSION_IDLE);
	memset(m.body.job.language, 'a', sizeof(m.body.job.language));
	fds[0] = bundle("main.x", "x");
	assert_int_equal(session_handle(h.s, &m, fds, 1, &e), -1);
	assert_string_equal(e.msg, "job: job: language is not terminated");

	memset(&m.body, 0, sizeof(m.body));
	strcpy(m.body.job.language, "toy");
	m.body.job.options.count = 3;
	fds[0] = bundle("main.x", "x");
	assert_int_equal(session_handle(h.s, &m, fds, 1, &e), -1);
	assert_string_equal(e.msg, "job: words: 3 announced, 0 found");

	memset(&m.body.job.options, 0, sizeof(m.body.job.options));
	fds[0] = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	assert_int_equal(session_handle(h.s, &m, fds, 1, &e), -1);
	assert_string_equal(e.msg, "bundle: descriptor is not a sealed memory file");
	house_close(&h);
}

/* Nothing of a tenant's numbers can harm the helper; they are held to their ranges, so
 * that no sum of them ever can. */
static void
numbers_of_a_tenant_have_ranges(void **state)
{
	static const struct {
		size_t at;
		uint64_t most;
		bool wide;
		const char *msg;
	} cases[] = {
#define ROW(member, most_, name)                                                         \
	{ offsetof(struct wire_job, member), most_,                                      \
		sizeof(((struct wire_job *)0)->member) == 8, name }
		ROW(reserved, 0, "job: reserved: 1 is above 0"),
		ROW(tests, WIRE_TESTS_MAX, "job: tests: 1000001 is above 1000000"),
		ROW(cpu_us, WIRE_CPU_US_MAX,
		    "job: cpu time: 3600000001 is above 3600000000"),
		ROW(tenant.slots_max, WIRE_SLOTS_MAX, "job: slots: 1025 is above 1024"),
		ROW(tenant.slots_reserved, WIRE_SLOTS_MAX,
		    "job: slots reserved: 1025 is above 1024"),
		ROW(tenant.slots_held_back, WIRE_SLOTS_MAX,
		    "job: slots held back: 1025 is above 1024"),
		ROW(tenant.jobs_max, WIRE_JOBS_MAX, "job: jobs: 65537 is above 65536"),
#undef ROW
	};

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
		struct wire_message m = { .head = { WIRE_VERSION, WIRE_JOB, 0 } };
		struct house h;
		struct err e = { 0 };
		int fds[WIRE_FDS_MAX] = { bundle("main.x", "x"), -1, -1 };
		uint64_t n = cases[i / 2].most + i % 2;

		house_open(&h, SESSION_IDLE);
		strcpy(m.body.job.language, "toy");
		m.body.job.tenant.key = m.body.job.tenant.user = UINT64_MAX;
		memcpy(
		    (char *)&m.body.job + cases[i / 2].at, &n, cases[i / 2].wide ? 8 : 4);
		assert_int_equal(
		    session_handle(h.s, &m, fds, 1, &e), i % 2 == 0 ? 0 : -1);
		assert_string_equal(e.msg, i % 2 == 0 ? "" : cases[i / 2].msg);
		house_close(&h);
	}
}

/* --- runs --- */

static const struct wire_limits good = { .cpu_us = 1000000,
	.wall_us = 2000000,
	.memory_bytes = 64 << 20,
	.file_bytes = 1 << 20,
	.stack_bytes = 8 << 20,
	.processes = 8,
	.open_files = 64 };

/* What each descriptor of a RUN really is. */
enum kind { INPUT, OPEN_INPUT, WRITABLE_INPUT, PIPE_OUT, PIPE_IN, DIRECTORY, NOTHING };

static int
make(enum kind k)
{
	struct err e = { 0 };
	int p[2];

	switch (k) {
	case INPUT:
		return fd_memfd("in", "1\n", 2, &e);
	case OPEN_INPUT: /* not sealed */
		return fd_memfd_new("in", &e);
	case WRITABLE_INPUT:
		return open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	case DIRECTORY:
		return open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	case PIPE_OUT:
	case PIPE_IN:
		assert_int_equal(pipe2(p, O_CLOEXEC), 0);
		close(p[k == PIPE_OUT ? 0 : 1]);
		return p[k == PIPE_OUT ? 1 : 0];
	case NOTHING:
		break;
	}
	return -1;
}

/* I-16 */
static void
descriptors_are_of_exactly_the_expected_kind(void **state)
{
	static const struct {
		const char *what;
		uint32_t stage;
		enum kind fd[3];
		const char *msg;
	} cases[] = {
		{ "as it should be", WIRE_STAGE_RUN, { INPUT, PIPE_OUT, PIPE_OUT }, "" },
		{ "input not sealed", WIRE_STAGE_RUN, { OPEN_INPUT, PIPE_OUT, PIPE_OUT },
		    "run: input: descriptor is not read-only" },
		{ "input is a file", WIRE_STAGE_RUN,
		    { WRITABLE_INPUT, PIPE_OUT, PIPE_OUT },
		    "run: input: descriptor is not read-only" },
		{ "input is a directory", WIRE_STAGE_RUN,
		    { DIRECTORY, PIPE_OUT, PIPE_OUT },
		    "run: input: descriptor is not a sealed memory file" },
		{ "output is a reading end", WIRE_STAGE_RUN, { INPUT, PIPE_IN, PIPE_OUT },
		    "run: descriptor is not the writing end of a pipe" },
		{ "error is a memory file", WIRE_STAGE_RUN, { INPUT, PIPE_OUT, INPUT },
		    "run: descriptor is not a pipe" },
		{ "a run without input", WIRE_STAGE_RUN, { PIPE_OUT, PIPE_OUT, NOTHING },
		    "run: unknown stage 1, or no input" },
		{ "a version", WIRE_STAGE_VERSION, { PIPE_OUT, PIPE_OUT, NOTHING }, "" },
		{ "a version with input", WIRE_STAGE_VERSION,
		    { INPUT, PIPE_OUT, PIPE_OUT },
		    "version: takes no input and no arguments" },
		{ "stage 3", 3, { INPUT, PIPE_OUT, PIPE_OUT },
		    "run: unknown stage 3, or no input" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct wire_message m = { .head = { WIRE_VERSION, WIRE_RUN, 0 } };
		struct house h;
		struct err e = { 0 };
		int fds[WIRE_FDS_MAX];
		unsigned n = 0;

		house_open(&h, SESSION_IDLE);
		open_job(&h, "toy");
		m.body.run.stage = cases[i].stage;
		m.body.run.limits = good;
		for (; n < 3 && cases[i].fd[n] != NOTHING; n++)
			fds[n] = make(cases[i].fd[n]);
		session_handle(h.s, &m, fds, n, &e);
		if (strcmp(e.msg, cases[i].msg) != 0)
			print_error("%s\n", cases[i].what);
		assert_string_equal(e.msg, cases[i].msg);
		assert_int_equal(h.runs, cases[i].msg[0] == '\0' ? 1 : 0);
		house_close(&h);
	}
}

/* I-10 */
static void
limits_above_the_caps_are_refused_again(void **state)
{
	struct wire_message m = { .head = { WIRE_VERSION, WIRE_RUN, 0 } };
	struct house h;
	struct err e = { 0 };

	(void)state;
	house_open(&h, SESSION_IDLE);
	open_job(&h, "toy");
	for (int i = 0; i < 5; i++) {
		static const char *const messages[] = {
			"run: cpu time: 10000001 is outside 1000..10000000",
			"run: memory: 9223372036854775808 is outside 1048576..1073741824",
			"run: processes: 0 is outside 1..100",
			"run: no_fork: 2 is outside 0..1",
			("run: open files: 400 for each of 100 processes, at most 32768 "
			 "for all"),
		};
		int fds[WIRE_FDS_MAX] = { make(INPUT), make(PIPE_OUT), make(PIPE_OUT) };

		m.body.run = (struct wire_run){ .stage = WIRE_STAGE_RUN, .limits = good };
		if (i == 0)
			m.body.run.limits.cpu_us = 10000001;
		else if (i == 1)
			m.body.run.limits.memory_bytes = 1ULL << 63;
		else if (i == 2)
			m.body.run.limits.processes = 0;
		else if (i == 3)
			m.body.run.limits.no_fork = 2;
		else {
			m.body.run.limits.processes = 100;
			m.body.run.limits.open_files = 400;
		}
		assert_int_equal(session_handle(h.s, &m, fds, 3, &e), -1);
		assert_string_equal(e.msg, messages[i]);
		assert_int_equal(h.runs, 0);
	}
	house_close(&h);
}

/* "No throttle" is more than any share: where there is a cap it may not pass by 0. */
static void
a_capped_share_holds_for_who_asks_for_none(void **state)
{
	static const struct {
		uint64_t cap;
		uint32_t asked, got;
	} cases[] = { { 500, 0, 500 }, { 500, 250, 250 }, { 64000, 0, 0 } };
	uint64_t old = config.caps.cpu_share;

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct wire_message m = { .head = { WIRE_VERSION, WIRE_RUN, 0 } };
		int fds[WIRE_FDS_MAX] = { make(INPUT), make(PIPE_OUT), make(PIPE_OUT) };
		struct house h;
		struct err e = { 0 };

		config.caps.cpu_share = cases[i].cap;
		house_open(&h, SESSION_IDLE);
		open_job(&h, "toy");
		m.body.run = (struct wire_run){ .stage = WIRE_STAGE_RUN, .limits = good };
		m.body.run.limits.cpu_share_milli = cases[i].asked;
		assert_int_equal(session_handle(h.s, &m, fds, 3, &e), 0);
		assert_int_equal(h.got[0]->limits.cpu_share_milli, cases[i].got);
		house_close(&h);
	}
	config.caps.cpu_share = old;
}

/* I-18 */
static void
a_compiled_job_runs_only_after_its_one_compile(void **state)
{
	struct wire_message m = { .head = { WIRE_VERSION, WIRE_RUN, 0 } };
	struct house h;
	struct err e = { 0 };
	int fds[WIRE_FDS_MAX] = { make(INPUT), make(PIPE_OUT), make(PIPE_OUT) };

	(void)state;
	house_open(&h, SESSION_IDLE);
	open_job(&h, "made");
	m.body.run.stage = WIRE_STAGE_RUN;
	m.body.run.limits = good;
	assert_int_equal(session_handle(h.s, &m, fds, 3, &e), -1);
	assert_string_equal(e.msg, "run: nothing is compiled");

	for (int i = 0; i < 2; i++) {
		int streams[WIRE_FDS_MAX] = { make(PIPE_OUT), make(PIPE_OUT), -1 };

		m.head.type = WIRE_COMPILE;
		m.body.compile = (struct wire_compile){ .tag = 1, .limits = good };
		assert_int_equal(
		    session_handle(h.s, &m, streams, 2, &e), i == 0 ? 0 : -1);
	}
	assert_string_equal(e.msg, "compile: not this job, or not again");
	assert_int_equal(h.runs, 1);

	/* sent on the chance that there is a program */
	int early[WIRE_FDS_MAX] = { make(INPUT), make(PIPE_OUT), make(PIPE_OUT) };
	int watch = early[2];
	m.head.type = WIRE_RUN;
	m.body.run = (struct wire_run){
		.tag = 7, .stage = WIRE_STAGE_RUN, .limits = good
	};
	assert_int_equal(session_handle(h.s, &m, early, 3, &e), 0);
	assert_int_equal(fcntl(watch, F_GETFD), -1);
	assert_int_equal(h.runs, 1);
	assert_int_equal(h.s->pending, 1);
	fcntl(h.client, F_SETFL, O_NONBLOCK);
	assert_int_equal(wire_recv(h.client, &m, early, &(unsigned){ 0 }, &e), 0);
	assert_int_equal(m.head.type, WIRE_READY);
	assert_int_equal(wire_recv(h.client, &m, early, &(unsigned){ 0 }, &e), 0);
	assert_int_equal(m.head.type, WIRE_OUTCOME);
	assert_int_equal(m.body.outcome.tag, 7);
	assert_int_equal(m.body.outcome.fault.code, ERR_BUSY);

	m.head.type = WIRE_END;
	assert_int_equal(session_handle(h.s, &m, fds, 0, &e), -1);
	assert_string_equal(e.msg, "end: 1 runs are outstanding");
	house_close(&h);
}

static void
an_artifact_is_kept_once_and_only_if_there_is_one(void **state)
{
	struct wire_message m = { .head = { WIRE_VERSION, WIRE_KEEP, 0 } };
	struct house h;
	struct err e = { 0 };
	int fds[WIRE_FDS_MAX];

	(void)state;
	house_open(&h, SESSION_IDLE);
	open_job(&h, "made");
	m.body.keep.keep = 1;
	assert_int_equal(session_handle(h.s, &m, fds, 0, &e), -1);
	assert_string_equal(e.msg, "keep: no compile of this job, or not again");

	h.s->job->compile_asked = h.s->job->ready = true;
	m.body.keep.keep = 2;
	assert_int_equal(session_handle(h.s, &m, fds, 0, &e), -1);
	m.body.keep.keep = 1;
	assert_int_equal(session_handle(h.s, &m, fds, 0, &e), 0);
	assert_int_equal(h.kept, 1);
	assert_int_equal(session_handle(h.s, &m, fds, 0, &e), -1);
	assert_int_equal(h.compiled, 1);
	house_close(&h);
}

/* I-17 */
static void
outstanding_runs_are_bounded(void **state)
{
	struct wire_message m = { .head = { WIRE_VERSION, WIRE_RUN, 0 } };
	struct house h;
	struct err e = { 0 };
	int fds[WIRE_FDS_MAX] = { make(INPUT), make(PIPE_OUT), make(PIPE_OUT) };

	(void)state;
	house_open(&h, SESSION_IDLE);
	open_job(&h, "toy");
	h.s->pending = WIRE_PENDING_MAX;
	m.body.run.stage = WIRE_STAGE_RUN;
	m.body.run.limits = good;
	assert_int_equal(session_handle(h.s, &m, fds, 3, &e), -1);
	assert_string_equal(e.msg, "run: more than 64 runs outstanding");
	house_close(&h);
}

/* I-18 */
static void
a_tag_names_one_run_at_a_time(void **state)
{
	struct wire_message m = { .head = { WIRE_VERSION, WIRE_RUN, 0 } };
	const struct wire_outcome first = { .tag = 0 };
	struct house h;
	struct err e = { 0 };

	(void)state;
	house_open(&h, SESSION_IDLE);
	open_job(&h, "toy");
	m.body.run.stage = WIRE_STAGE_RUN;
	m.body.run.limits = good;
	for (unsigned i = 0; i < 6; i++) { /* 0 1 2, 1 again; 0 ends: 0 again, 2 again */
		static const uint32_t tags[] = { 0, 1, 2, 1, 0, 2 };
		static const int results[] = { 0, 0, 0, -1, 0, -1 };
		int fds[WIRE_FDS_MAX] = { make(INPUT), make(PIPE_OUT), make(PIPE_OUT) };

		if (i == 4)
			session_answer(h.s, &first);
		m.body.run.tag = tags[i];
		assert_int_equal(session_handle(h.s, &m, fds, 3, &e), results[i]);
	}
	assert_string_equal(e.msg, "run: run 2 is outstanding already");
	assert_int_equal(h.s->pending, 3);
	house_close(&h);
}

static void
only_two_reasons_kill(void **state)
{
	struct wire_message m = { .head = { WIRE_VERSION, WIRE_KILL, 0 } };
	struct house h;
	struct err e = { 0 };
	int fds[WIRE_FDS_MAX];

	(void)state;
	house_open(&h, SESSION_IDLE);
	open_job(&h, "toy");
	m.body.kill.why =
	    WIRE_FIRED_CPU; /* the helper's to find, not the client's to say */
	assert_int_equal(session_handle(h.s, &m, fds, 0, &e), -1);
	assert_string_equal(e.msg, "kill: reason 1");
	m.body.kill.why = WIRE_FIRED_OUTPUT;
	assert_int_equal(session_handle(h.s, &m, fds, 0, &e), 0);
	assert_int_equal(h.kills, 1);
	house_close(&h);
}

/* What the compiler made and what the client sent lie in one folder. */
static void
a_file_named_like_a_compiled_one_is_the_clients_mistake(void **state)
{
	const struct {
		const char *made;
		int result;
	} cases[] = { { "x", 0 }, { "data", -1 }, { "data/x", -1 } };
	struct house h;

	(void)state;
	house_open(&h, SESSION_IDLE);
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bundle_writer w = { 0 };
		struct words none = { 0 };
		struct err e = { 0 };

		assert_int_equal(bundle_add(&w, "main.x", "", 0, &e), 0);
		assert_int_equal(bundle_add(&w, "data", "1", 1, &e), 0);
		struct job *j = job_new(
		    languages_find(languages, "made"), &none, bundle_seal(&w, &e), &e);
		bundle_free(&w);
		assert_non_null(j);
		int tree = bundle(cases[i].made, "2");
		assert_int_equal(job_adopt(j, tree, true, &e), cases[i].result);
		assert_int_equal(e.code, cases[i].result == 0 ? ERR_NONE : ERR_BAD_INPUT);
		assert_int_equal(j->ready, cases[i].result == 0);
		close(tree);
		job_drop(j);
	}
	house_close(&h);
}

/* --- two languages of our own --- */

static void
write_language(const char *name, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s.conf", dir, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static int
set_up(void **state)
{
	struct err e = { 0 };

	(void)state;
	if (geteuid() != 0)
		return 0; /* language files must be root's: the tests skip themselves
			     below */
	assert_non_null(mkdtemp(dir));
	chmod(dir, 0755);
	write_language("toy", "id=\"toy\"; source=\"main.x\"; run=[\"/bin/true\"]; "
			      "class=\"native\";");
	write_language("made",
	    "id=\"made\"; source=\"main.x\"; run=[\"./a\"]; compile=[\"/bin/cc\"]; "
	    "artifact=\"a\"; class=\"native\"; compile_class=\"compiler\"; "
	    "options=[\"-O3\"];");
	return languages_load(dir, &languages, &e);
}

static int
tear_down(void **state)
{
	char path[128];

	(void)state;
	languages_free(languages);
	snprintf(path, sizeof(path), "%s/toy.conf", dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/made.conf", dir);
	unlink(path);
	rmdir(dir);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_listed_requests_in_their_state_pass),
		cmocka_unit_test(a_job_names_a_language_and_listed_options),
		cmocka_unit_test(a_full_queue_is_said_before_anything_is_kept),
		cmocka_unit_test(the_rest_of_a_job_that_is_not_taken_is_ignored),
		cmocka_unit_test(what_jobs_hold_is_bounded),
		cmocka_unit_test(artifacts_are_counted_and_bounded),
		cmocka_unit_test(a_large_job_is_not_copied_by_us),
		cmocka_unit_test(a_job_that_cannot_be_kept_is_to_come_again),
		cmocka_unit_test(forged_jobs_break_the_connection),
		cmocka_unit_test(numbers_of_a_tenant_have_ranges),
		cmocka_unit_test(descriptors_are_of_exactly_the_expected_kind),
		cmocka_unit_test(limits_above_the_caps_are_refused_again),
		cmocka_unit_test(a_capped_share_holds_for_who_asks_for_none),
		cmocka_unit_test(a_compiled_job_runs_only_after_its_one_compile),
		cmocka_unit_test(an_artifact_is_kept_once_and_only_if_there_is_one),
		cmocka_unit_test(outstanding_runs_are_bounded),
		cmocka_unit_test(a_tag_names_one_run_at_a_time),
		cmocka_unit_test(only_two_reasons_kill),
		cmocka_unit_test(a_file_named_like_a_compiled_one_is_the_clients_mistake),
	};

	if (geteuid() != 0) {
		puts("SKIP: language files must belong to root: run the tests as root");
		return 77;
	}
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
