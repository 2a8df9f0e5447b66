/* The recorder and those who write to it: whoever dies, and whatever a worker sends. */
#include "unit.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/logbook.h"
#include "app/recorder.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/scope.h"
#include "base/when.h"
#include "store/keys.h"
#include "store/runs.h"
#include "store/trail.h"
#include "tree.h"

#define WORKERS 3

struct fixture {
	char dir[64];
	struct notice *notice;
	int mine[WORKERS], theirs[WORKERS]; /* ends, as a master has them */
	pid_t recorder;
	int control;
	struct logbook book; /* of worker 0 */
	struct job *job;
	struct result result;
	struct answered a;
};

static struct recorder_rules
rules_for(const struct fixture *f)
{
	return (struct recorder_rules){ .ledger = { .store = f->dir,
					    .keep = { .max_bytes = 64 << 20 },
					    .flag = { 5, 3600000000, 86400000000 } },
		.state = f->dir };
}

static void
start_recorder(struct fixture *f)
{
	const struct recorder_rules rules = rules_for(f);
	int control[2];

	assert_int_equal(socketpair(AF_UNIX,
			     SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, control),
	    0);
	f->recorder = fork();
	if (f->recorder == 0) {
		const struct prefork_link link = {
			.fd = control[0], .ends = f->theirs, .n = WORKERS
		};
		close(control[1]);
		_exit(recorder_run(&rules, f->notice, &link));
	}
	close(control[0]);
	f->control = control[1];
}

static void
end_recorder(struct fixture *f, int sig)
{
	int status = -1;

	kill(f->recorder, sig);
	assert_int_equal(waitpid(f->recorder, &status, 0), f->recorder);
	assert_int_equal(status, sig == SIGKILL ? SIGKILL : 0);
	close(f->control);
	f->recorder = 0;
}

static void
next_job(struct fixture *f)
{
	static unsigned n;

	snprintf(f->job->id, sizeof(f->job->id), "%08x-0000-4000-8000-000000000000", ++n);
}

static void
resize(struct fixture *f, unsigned ntests)
{
	result_free(&f->result);
	f->result = (struct result){ .ntests = ntests,
		.tests = calloc(ntests, sizeof(*f->result.tests)) };
	while (f->job->ntests < ntests)
		job_add_test(f->job);
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	const struct ledger_rules rules = { .store = f->dir };
	struct err e = { 0 };
	bool off = true;
	int pair[2];

	snprintf(f->dir, sizeof(f->dir), "/tmp/jb-recorder-XXXXXX");
	if (mkdtemp(f->dir) == NULL || notice_new(&f->notice, &e) == -1)
		return -1;
	for (int i = 0; i < WORKERS; i++) {
		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
			pair) == -1)
			return -1;
		f->mine[i] = pair[0];
		f->theirs[i] = pair[1];
	}
	CHECK_OK(ledger_prepare(&rules, LEDGER_START, f->notice, &off, &e), e);
	assert_false(off);
	f->job = job_new();
	bytes_set(&job_add_file(f->job)->content, "x", 1);
	resize(f, 8);
	f->a = (struct answered){
		.job = f->job, .result = &f->result, .status = 200, .key = "", .user = ""
	};
	f->book = (struct logbook){
		.fd = f->mine[0], .wait_ms = 10000, .required = true, .notice = f->notice
	};
	start_recorder(f);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	if (f->recorder > 0)
		end_recorder(f, SIGTERM);
	for (int i = 0; i < WORKERS; i++) {
		close(f->mine[i]);
		close(f->theirs[i]);
	}
	notice_free(f->notice);
	job_free(f->job);
	result_free(&f->result);
	int rc = tree_remove(f->dir);
	free(f);
	return rc;
}

static int64_t
count_jobs(const struct fixture *f)
{
	static const struct db_options how = { .readonly = true, .busy_ms = 1000 };
	struct err e = { 0 };
	scope_db d = NULL;
	int64_t n = -1;

	CHECK_OK(runs_open(f->dir, &how, &d, &e), e);
	CHECK_OK(runs_count(d, &n, &e), e);
	return n;
}

/* Written, and to be read, when it returns. */
static void
write_next(struct fixture *f)
{
	struct problem p = { 0 };

	next_job(f);
	if (logbook_write(&f->book, &f->a, &p) == -1)
		fail_msg("%s", p.text);
}

static int
by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void
what_is_acknowledged_is_written(void **state)
{
	struct fixture *f = *state;
	uint64_t took[300];

	for (unsigned i = 0; i < LENGTH(took); i++) {
		uint64_t since = clock_us();
		write_next(f);
		took[i] = clock_us() - since;
	}
	CHECK_INT("jobs", count_jobs(f), LENGTH(took));
	qsort(took, LENGTH(took), sizeof(took[0]), by_size);
	print_message("8 tests: p50 %llu us, p99 %llu us\n",
	    (unsigned long long)took[LENGTH(took) / 2],
	    (unsigned long long)took[LENGTH(took) * 99 / 100]);
}

static void
large_records_travel_apart(void **state)
{
	struct fixture *f = *state;

	resize(f, 3000);
	write_next(f);
	CHECK_INT("jobs", count_jobs(f), 1);
}

/* Dead before it read, or after it wrote and before it said so: once, either way. */
static void
a_recorder_that_dies_loses_nothing(void **state)
{
	struct fixture *f = *state;
	int64_t n = 0;

	for (int round = 0; round < 12; round++) {
		int pipes[2];
		char c = 0;

		assert_int_equal(pipe(pipes), 0);
		if (round % 3 == 0)
			end_recorder(f, SIGKILL);
		next_job(f);
		f->book.number++; /* the child's numbers are not ours */
		pid_t worker = fork();
		if (worker == 0) {
			struct problem p = { 0 };
			_exit(write(pipes[1], "x", 1) == 1 &&
				      logbook_write(&f->book, &f->a, &p) == 0
				  ? 0
				  : 1);
		}
		assert_int_equal(read(pipes[0], &c, 1), 1);
		if (round % 3 != 0) { /* some time around its commit */
			usleep((useconds_t)(round * 37));
			end_recorder(f, SIGKILL);
		}
		start_recorder(f);
		int status = -1;
		assert_int_equal(waitpid(worker, &status, 0), worker);
		CHECK_INT("worker", status, 0);
		CHECK_INT("jobs", count_jobs(f), ++n);
		close(pipes[0]);
		close(pipes[1]);
	}
}

static void
without_a_recorder_it_is_counted(void **state)
{
	struct fixture *f = *state;
	struct problem p = { 0 };

	end_recorder(f, SIGKILL);
	f->book.wait_ms = 30;
	next_job(f);
	assert_int_equal(logbook_write(&f->book, &f->a, &p), -1);
	CHECK_INT("problem", p.code, PROBLEM_LOG_UNAVAILABLE);
	f->book.required = false;
	assert_int_equal(logbook_write(&f->book, &f->a, &p), 0);
	CHECK_INT("lost", notice_lost_total(f->notice), 2);
	CHECK_STR("state", logbook_state(&f->book), "degraded");

	/* It comes back, and finds what waits. */
	start_recorder(f);
	f->book.wait_ms = 10000;
	f->book.required = true;
	write_next(f);
	CHECK_STR("state", logbook_state(&f->book), "ok");
	CHECK_INT("jobs", count_jobs(f), 2);
}

static void
no_socket_no_log(void **state)
{
	struct fixture *f = *state;
	struct problem p = { 0 };

	f->book.fd = -1;
	assert_int_equal(logbook_write(&f->book, &f->a, &p), 0);
	CHECK_STR("state", logbook_state(&f->book), "off");
	f->book.block_flagged = true;
	assert_false(logbook_blocks(&f->book, "", "eve"));
}

/* What worker 1 does, who was taken over, is nothing to worker 0. */
static void
send_raw(const struct fixture *f, const void *data, size_t len, int fd)
{
	struct err e;

	fd_send(f->mine[1], data, len, &fd, fd != -1, &e);
}

static int
unsealed(size_t len)
{
	struct err e;
	int fd = fd_memfd_new("x", &e);

	assert_int_equal(ftruncate(fd, (off_t)len), 0);
	return fd;
}

static void
a_hostile_worker_gets_nowhere(void **state)
{
	struct fixture *f = *state;
	struct record_head head = { RECORD_MAGIC, RECORD_VERSION, 1, 100000 };
	char noise[4000];
	struct err e = { 0 };
	scope_buf good = { 0 };
	int fds[2] = { STDIN_FILENO, STDERR_FILENO };

	memset(noise, 0xa5, sizeof(noise));
	write_next(f);
	send_raw(f, "x", 1, -1);
	send_raw(f, noise, sizeof(noise), -1);
	send_raw(f, &head, sizeof(head), -1);
	write_next(f);

	scope_fd file = unsealed(100000);
	send_raw(f, &head, sizeof(head), file); /* could shrink under its reader */
	scope_fd sealed = fd_memfd("x", noise, sizeof(noise), &e);
	send_raw(f, &head, sizeof(head), sealed); /* of another size */
	head.len = sizeof(noise);
	send_raw(f, &head, sizeof(head), sealed); /* noise inside */
	send_raw(f, &head, sizeof(head), STDIN_FILENO);
	fd_send(f->mine[1], &head, sizeof(head), fds, 2, &e);
	write_next(f);

	/* A record of somebody else's job again: the first stays. */
	const struct record_wish none = { .wait_ms = 0 };
	f->result.verdict = VERDICT_ACCEPTED;
	CHECK_OK(record_encode(&f->a, &none, 1, &good, &e), e);
	send_raw(f, good.data, good.len, -1);
	/* More than a datagram may hold. */
	scope_buf long_one = { 0 };
	memset(buf_room(&long_one, RECORD_INLINE + 100), 0, RECORD_INLINE + 100);
	send_raw(f, long_one.data, RECORD_INLINE + 100, -1);
	write_next(f);
	CHECK_INT("jobs", count_jobs(f), 4);
	CHECK_INT("lost", notice_lost_total(f->notice), 0);
}

/* It sends without end; the others are served in between. */
static void
a_flood_keeps_nobody_waiting(void **state)
{
	struct fixture *f = *state;
	scope_buf record = { 0 };
	const struct record_wish none = { .wait_ms = 0 };
	struct err e = { 0 };

	CHECK_OK(record_encode(&f->a, &none, 1, &record, &e), e);
	pid_t flood = fork();
	if (flood == 0)
		for (;;)
			fd_send(f->mine[1], record.data, record.len, NULL, 0, &e);
	for (int i = 0; i < 50; i++)
		write_next(f);
	kill(flood, SIGKILL);
	waitpid(flood, NULL, 0);
	CHECK_INT("jobs", count_jobs(f), 51);
}

static void
a_new_worker_is_handed_over(void **state)
{
	struct fixture *f = *state;
	struct err e = { 0 };
	int pair[2];

	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair),
	    0);
	CHECK_OK(fd_send(f->control, "+", 1, &pair[1], 1, &e), e);
	f->book.fd = pair[0];
	write_next(f);
	CHECK_INT("jobs", count_jobs(f), 1);
	close(pair[0]);
	close(pair[1]);
}

/* What waits is written before it goes. */
static void
the_end_leaves_nothing_behind(void **state)
{
	struct fixture *f = *state;
	scope_buf record = { 0 };
	const struct record_wish none = { .wait_ms = 0 };
	struct err e = { 0 };

	for (int i = 0; i < WORKERS; i++) {
		record.len = 0;
		next_job(f);
		CHECK_OK(record_encode(&f->a, &none, 1, &record, &e), e);
		CHECK_OK(fd_send(f->mine[i], record.data, record.len, NULL, 0, &e), e);
	}
	end_recorder(f, SIGTERM);
	CHECK_INT("jobs", count_jobs(f), WORKERS);
}

static void
flags_are_seen_by_all(void **state)
{
	struct fixture *f = *state;

	f->book.block_flagged = true;
	f->a.user = "eve";
	f->result.tests[0].verdict = VERDICT_SECURITY_VIOLATION;
	for (int i = 0; i < 5; i++) {
		assert_false(logbook_blocks(&f->book, "", "eve"));
		write_next(f);
	}
	assert_true(logbook_blocks(&f->book, "", "eve"));
	assert_false(logbook_blocks(&f->book, "", "adam"));
	assert_false(logbook_blocks(&f->book, "CS101", "eve"));
	assert_false(logbook_blocks(&f->book, "", ""));

	/* Another recorder knows it from the file. */
	end_recorder(f, SIGKILL);
	notice_unflag_all(f->notice);
	start_recorder(f);
	f->a.user = "adam";
	f->result.tests[0].verdict = VERDICT_OK;
	write_next(f);
	assert_true(logbook_blocks(&f->book, "", "eve"));
}

/* --- questions --- */

static struct token
add_key(const struct fixture *f, const char *name, unsigned scopes)
{
	struct identity id = { .scopes = scopes };
	char path[100], text[TOKEN_TEXT_SIZE];
	struct token t;
	struct err e = { 0 };
	scope_keys k = NULL;

	snprintf(path, sizeof(path), "%s/" KEYS_FILE, f->dir);
	snprintf(id.name, sizeof(id.name), "%s", name);
	CHECK_OK(keys_open_admin(path, &k, &e), e);
	CHECK_OK(keys_add(k, &id, when_now(), text, &e), e);
	assert_true(token_parse(text, &t));
	return t;
}

/* So many of the last record's violations. */
static void
write_violations(struct fixture *f, const char *user, unsigned n)
{
	f->a.user = user;
	f->result.tests[0].verdict = VERDICT_SECURITY_VIOLATION;
	for (unsigned i = 0; i < n; i++)
		write_next(f);
}

static enum problem_code
ask(struct fixture *f, const struct inquiry *q, struct inquiry_page *page,
    struct buf *lines)
{
	struct problem p = { 0 };

	lines->len = 0;
	return logbook_ask(&f->book, q, page, lines, &p) == 0 ? PROBLEM_NONE : p.code;
}

static void
the_trail_is_read_page_by_page(void **state)
{
	struct fixture *f = *state;
	struct inquiry q = { .token = add_key(f, "auditor", SCOPE_AUDIT), .limit = 4 };
	struct inquiry_page page = { .more = 1 };
	scope_buf lines = { 0 }, all = { 0 };
	unsigned records = 0;

	write_violations(f, "eve", 9); /* and a start, and a flag for five */
	while (page.more != 0) {
		CHECK_INT("page", ask(f, &q, &page, &lines), PROBLEM_NONE);
		assert_true(page.records <= 4);
		assert_true(page.next > q.after);
		records += page.records;
		buf_add(&all, lines.data, lines.len);
		q.after = page.next;
	}
	CHECK_INT("all of them", records, page.head);
	CHECK_INT("the last", page.next, page.head);
	CHECK_INT("none was removed", page.anchor, 0);
	unsigned n = 0;
	for (const char *s = buf_cstr(&all); *s != '\0'; s = strchr(s, '\n') + 1) {
		char start[32];

		snprintf(start, sizeof(start), "{\"n\":%u,", ++n);
		if (strncmp(s, start, strlen(start)) != 0)
			fail_msg("no %s at %.60s", start, s);
	}
	CHECK_INT("each once", n, records);
	CHECK_INT("then none", ask(f, &q, &page, &lines), PROBLEM_NONE);
	CHECK_INT("none", page.records, 0);
	CHECK_INT("where it was", page.next, q.after);

	q.after = 0;
	snprintf(q.kind, sizeof(q.kind), "user_flagged");
	CHECK_INT("filtered", ask(f, &q, &page, &lines), PROBLEM_NONE);
	CHECK_INT("one flag", page.records, 1);
	CHECK_INT("all was looked at", page.next, page.head);
	snprintf(q.user, sizeof(q.user), "adam");
	CHECK_INT("another's", ask(f, &q, &page, &lines), PROBLEM_NONE);
	CHECK_INT("none", page.records, 0);
}

/* However many records there are: a page looks at so many, and tells where to go on. */
static void
a_page_is_bounded(void **state)
{
	static const struct db_options how = { .busy_ms = 5000 };
	struct fixture *f = *state;
	struct inquiry q = {
		.token = add_key(f, "auditor", SCOPE_AUDIT), .limit = 1, .user = "eve"
	};
	struct inquiry_page page;
	struct audit_entry a = { .number = -1, .test = -1, .kind = "x" };
	scope_transaction t = { 0 };
	scope_buf lines = { 0 };
	scope_db d = NULL;
	struct err e = { 0 };
	int64_t pages = 0;

	CHECK_OK(runs_open(f->dir, &how, &d, &e), e);
	CHECK_OK(db_begin(d, &t, &e), e);
	for (int i = 0; i < 3 * TRAIL_LOOKS; i++)
		CHECK_OK(audit_append(d, &a, &e), e);
	a.user = "eve";
	CHECK_OK(audit_append(d, &a, &e), e);
	CHECK_OK(db_commit(&t, &e), e);
	do {
		CHECK_INT("page", ask(f, &q, &page, &lines), PROBLEM_NONE);
		assert_true(page.next - q.after <= TRAIL_LOOKS);
		assert_true(page.records == 0 || page.more == 0);
		q.after = page.next;
		pages++;
	} while (page.more != 0);
	CHECK_INT("pages", pages, 4);
	CHECK_INT("found", page.records, 1);
}

/* I-15.  Whatever a worker says of who asks, the recorder looks for itself. */
static void
only_a_key_opens_the_trail(void **state)
{
	struct fixture *f = *state;
	struct inquiry q = { .limit = 1 };
	struct inquiry_page page;
	scope_buf lines = { 0 };
	char path[100], other[120];

	CHECK_INT("no keys", ask(f, &q, &page, &lines), PROBLEM_LOG_UNAVAILABLE);
	struct token good = add_key(f, "auditor", SCOPE_AUDIT | SCOPE_RUN);
	CHECK_INT("none", ask(f, &q, &page, &lines), PROBLEM_NOT_ALLOWED);
	q.token = add_key(f, "others", SCOPE_RUN | SCOPE_METRICS | SCOPE_ADMIN);
	CHECK_INT("without the scope", ask(f, &q, &page, &lines), PROBLEM_NOT_ALLOWED);
	q.token = good;
	q.token.secret[0] = q.token.secret[0] == '0' ? '1' : '0';
	CHECK_INT("a wrong secret", ask(f, &q, &page, &lines), PROBLEM_NOT_ALLOWED);
	q.token = good;
	CHECK_INT("the right one", ask(f, &q, &page, &lines), PROBLEM_NONE);
	CHECK_INT("one", page.records, 1);

	snprintf(path, sizeof(path), "%s/" KEYS_FILE, f->dir);
	snprintf(other, sizeof(other), "%s.away", path);
	assert_int_equal(rename(path, other), 0);
	CHECK_INT("keys away", ask(f, &q, &page, &lines), PROBLEM_LOG_UNAVAILABLE);
	f->book.fd = -1;
	CHECK_INT("no log", ask(f, &q, &page, &lines), PROBLEM_NOT_FOUND);
}

static void
a_question_outlives_the_recorder(void **state)
{
	struct fixture *f = *state;
	struct inquiry q = { .token = add_key(f, "auditor", SCOPE_AUDIT), .limit = 1 };
	struct inquiry_page page = { .records = 0 };
	scope_buf lines = { 0 };

	for (int round = 0; round < 6; round++) {
		int sig = round % 2 == 0 ? SIGKILL : SIGTERM, status = -1;

		f->book.number++;
		pid_t worker = fork();
		if (worker == 0)
			_exit(
			    ask(f, &q, &page, &lines) == PROBLEM_NONE && page.records == 1
				? 0
				: 1);
		usleep((useconds_t)(round * 150));
		end_recorder(f, sig);
		start_recorder(f);
		assert_int_equal(waitpid(worker, &status, 0), worker);
		CHECK_INT("worker", status, 0);
	}
	write_next(f);
}

/* The number of the question that the recorder answers worker 1 next. */
static uint64_t
next_answer(const struct fixture *f)
{
	struct record_ack ack = { .what = RECORD_RESEND };
	int fds[FD_PASS_MAX];
	unsigned nfds = 0;
	struct err e;

	while (ack.what == RECORD_RESEND) {
		struct pollfd p = { .fd = f->mine[1], .events = POLLIN };

		assert_int_equal(poll(&p, 1, 20000), 1);
		assert_int_equal(
		    fd_recv(f->mine[1], &ack, sizeof(ack), fds, &nfds, &e), sizeof(ack));
		fd_close_all(fds, nfds);
	}
	return ack.number;
}

/* Worker 1 was taken over, asks nonsense, and asks it without end. */
static void
hostile_questions(void **state)
{
	struct fixture *f = *state;
	struct record_question good = { { RECORD_QUESTION, RECORD_VERSION, 1,
					    sizeof(good) },
		{ .token = add_key(f, "auditor", SCOPE_AUDIT), .limit = 1 } };
	struct inquiry_page page = { .records = 0 };
	scope_buf lines = { 0 };
	struct record_question bad[8];

	for (size_t i = 0; i < LENGTH(bad); i++)
		bad[i] = good;
	bad[0].head.version++;
	bad[1].inquiry.limit = 0;
	bad[2].inquiry.limit = INQUIRY_LIMIT_MAX + 1;
	bad[3].inquiry.after = -1;
	memset(bad[4].inquiry.user, 'x', sizeof(bad[4].inquiry.user));
	memset(bad[5].inquiry.token.id, 'x', sizeof(bad[5].inquiry.token.id));
	memset(bad[6].inquiry.token.secret, 'x', sizeof(bad[6].inquiry.token.secret));
	memset(bad[7].inquiry.kind, 'x', sizeof(bad[7].inquiry.kind));
	for (size_t i = 0; i < LENGTH(bad); i++)
		send_raw(f, &bad[i], sizeof(bad[i]), -1);
	send_raw(f, &good, sizeof(good) - 1, -1);
	send_raw(f, &good, sizeof(good.head), -1);
	send_raw(f, &good.head.magic, sizeof(good.head.magic), -1);
	write_next(f);
	CHECK_INT("heard", notice_lost_total(f->notice), 0);
	good.head.number = 77;
	send_raw(f, &good, sizeof(good), -1);
	CHECK_INT("none of those is answered", next_answer(f), 77);

	pid_t flood = fork();
	if (flood == 0)
		for (;;)
			send_raw(f, &good, sizeof(good), STDIN_FILENO);
	for (int i = 0; i < 50; i++)
		write_next(f);
	kill(flood, SIGKILL);
	waitpid(flood, NULL, 0);
	CHECK_INT("jobs", count_jobs(f), 51);
	struct inquiry q = good.inquiry;
	enum problem_code code = ask(f, &q, &page, &lines);
	assert_true(code == PROBLEM_NONE || code == PROBLEM_OVERLOADED);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(what_is_acknowledged_is_written),
		CASE(large_records_travel_apart),
		CASE(a_recorder_that_dies_loses_nothing),
		CASE(without_a_recorder_it_is_counted),
		CASE(no_socket_no_log),
		CASE(a_hostile_worker_gets_nowhere),
		CASE(a_flood_keeps_nobody_waiting),
		CASE(a_new_worker_is_handed_over),
		CASE(the_end_leaves_nothing_behind),
		CASE(flags_are_seen_by_all),
		CASE(the_trail_is_read_page_by_page),
		CASE(a_page_is_bounded),
		CASE(only_a_key_opens_the_trail),
		CASE(a_question_outlives_the_recorder),
		CASE(hostile_questions),
	};

	sigset_t term; /* as a master does, before it forks */

	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	log_start("test_recorder", LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
