/* The worker's door: what of a request gets in, and what an odd client can do to it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <signal.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "fcgi_client.h"
#include "http/fcgi.h"
#include "http/listen.h"

#define CAP 1000

struct fixture {
	char dir[32], path[64];
	struct listener l;
	pid_t worker;
};

/* Tells what it was given; the body by length and first byte. */
static bool
describe(void *ctx, const struct http_request *rq, struct http_response *rs)
{
	(void)ctx;
	rs->status = 200;
	rs->content_type = "text/plain";
	rs->head_only = strcmp(rq->method, "HEAD") == 0;
	http_header(rs, "X-Test", "1");
	buf_fmt(&rs->body, "%s %s type=%s id=%s origin=%s body=%zu%.*s%s%s", rq->method,
	    rq->path, rq->content_type, rq->request_id, rq->origin, rq->body.len,
	    rq->body.len > 0, rq->body.len > 0 ? rq->body.data : "",
	    rq->body_too_large ? " too-large" : "", rq->body_short ? " short" : "");
	if (strcmp(rq->path, "/big") == 0)
		memset(buf_room(&rs->body, 3000000), 'x', 3000000),
		    rs->body.len += 3000000;
	if (strcmp(rq->path, "/hangup") == 0) { /* is the client's going away visible? */
		struct pollfd p = { .fd = rq->client_fd, .events = POLLRDHUP };
		rs->body.len = 0;
		buf_fmt(&rs->body, "hangup=%d", poll(&p, 1, 5000));
		if (write(STDOUT_FILENO, rs->body.data, 0) == -1 || p.revents == 0)
			_exit(9);
	}
	return strcmp(rq->path, "/gone") != 0;
}

static void
start_worker(struct fixture *f, uint64_t max_requests, bool empty_queue)
{
	struct fcgi_service s = { .listen_fd = f->l.fd,
		.max_body = CAP,
		.max_requests = max_requests,
		.stall_ms = 600,
		.empty_queue = empty_queue,
		.handle = describe };
	struct err e = { 0 };
	sigset_t term;

	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	f->worker = fork();
	assert_int_not_equal(f->worker, -1);
	if (f->worker == 0)
		_exit(fcgi_serve(&s, &e) == 0 ? 0 : 1);
	sigprocmask(SIG_UNBLOCK, &term, NULL);
}

static int
stop_worker(struct fixture *f)
{
	int status = -1;

	kill(f->worker, SIGTERM);
	waitpid(f->worker, &status, 0);
	return status;
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct err e = { 0 };

	snprintf(f->dir, sizeof(f->dir), "/tmp/jb-fcgi-XXXXXX");
	if (mkdtemp(f->dir) == NULL)
		return -1;
	snprintf(f->path, sizeof(f->path), "%s/s", f->dir);
	if (listen_open(f->path, "", &f->l, &e) == -1)
		return -1;
	start_worker(f, 0, false);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	int status = stop_worker(f);

	close(f->l.fd);
	unlink(f->path);
	rmdir(f->dir);
	free(f);
	return status; /* a worker that died fails the test */
}

static void
assert_answer(const struct fixture *f, const struct buf *request, const char *wanted)
{
	scope_buf answer = { 0 };

	client_ask(f->path, request, &answer);
	assert_non_null(strstr(buf_cstr(&answer), wanted));
}

static void
answers_a_request(void **state)
{
	const struct fixture *f = *state;
	scope_buf rq = { 0 }, answer = { 0 };

	put_request(&rq, "POST", "/api/run", NULL, "{}");
	client_ask(f->path, &rq, &answer);
	assert_string_equal(buf_cstr(&answer),
	    "Status: 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 60\r\nX-Test: "
	    "1\r\n\r\n"
	    "POST /api/run type=application/json id=abc-1 origin= body=2{");
}

static void
head_gets_no_body(void **state)
{
	const struct fixture *f = *state;
	scope_buf rq = { 0 }, answer = { 0 };

	put_request(&rq, "HEAD", "/", "", "");
	client_ask(f->path, &rq, &answer);
	assert_non_null(strstr(buf_cstr(&answer), "Content-Length: "));
	assert_string_equal(buf_cstr(&answer) + answer.len - 4, "\r\n\r\n");
}

static const struct {
	const char *what, *method, *length, *body, *wanted;
} lengths[] = {
	{ "the true length", "POST", "3", "abc", "body=3a" },
	{ "none on POST", "POST", "", "abc", "body=0 short" },
	{ "none on GET", "GET", "", "", "body=0" },
	{ "more than was sent", "POST", "4", "abc", "body=3a short" },
	{ "less than was sent", "POST", "2", "abc", "body=2a" },
	{ "exactly the cap", "POST", "1000", "abc", "body=3a short" },
	{ "above the cap", "POST", "1001", "abc", "body=0 too-large" },
	{ "ten digits", "POST", "9999999999", "abc", "body=0 too-large" },
	{ "eleven digits", "POST", "00000000003", "abc", "body=0 short" },
	{ "a sign", "POST", "+3", "abc", "body=0 short" },
	{ "negative", "POST", "-1", "abc", "body=0 short" },
	{ "a blank", "POST", " 3", "abc", "body=0 short" },
	{ "hexadecimal", "POST", "0x3", "abc", "body=0 short" },
	{ "a fraction", "POST", "3.0", "abc", "body=0 short" },
	{ "a unit", "POST", "3K", "abc", "body=0 short" },
};

/* I-06 */
static void
content_length_is_strict(void **state)
{
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		scope_buf rq = { 0 }, answer = { 0 };
		const struct fixture *f = *state;

		put_request(
		    &rq, lengths[i].method, "/", lengths[i].length, lengths[i].body);
		client_ask(f->path, &rq, &answer);
		const char *at = strstr(buf_cstr(&answer), "body=");
		if (at == NULL || strcmp(at, lengths[i].wanted) != 0)
			fail_msg(
			    "%s: %s", lengths[i].what, at != NULL ? at : "no answer");
	}
}

/* I-05 */
static void
unlisted_parameters_do_nothing(void **state)
{
	const struct fixture *f = *state;
	scope_buf params = { 0 }, rq = { 0 }, none = { 0 };

	put_param(&params, "HTTP_X_REQUEST_ID", "forged");
	put_param(&params, "REQUEST_URI", "/forged");
	put_param(&params, "LD_PRELOAD", "/tmp/x.so");
	put_param(&params, "REQUEST_METHOD", "GET");
	put_param(&params, "DOCUMENT_URI", "/a=b");
	put_param(&params, "QUERY_STRING", "q=1");
	put_param(&params, "HTTP_ORIGIN", "https://o");
	put_param(&params, "REMOTE_ADDR", "::1");
	put_param(&params, "REQUEST_ID", "ok_ID-9");
	put_param(&params, "REQUEST_METHO", "FORGED"); /* last: these must not win */
	put_param(&params, "REQUEST_METHODS", "FORGED");
	put_begin(&rq);
	put_stream(&rq, RECORD_PARAMS, &params, 65535);
	put_stream(&rq, RECORD_STDIN, &none, 1);
	assert_answer(f, &rq, "GET /a=b type= id=ok_ID-9 origin=https://o body=0");
}

static void
records_may_be_split_anywhere(void **state)
{
	const struct fixture *f = *state;
	scope_buf params = { 0 }, body = { 0 }, rq = { 0 }, answer = { 0 };

	put_param(&params, "REQUEST_METHOD", "POST");
	put_param(&params, "DOCUMENT_URI", "/x");
	put_param(&params, "CONTENT_LENGTH", "5");
	put_param(&params, "REQUEST_ID", "i");
	buf_str(&body, "hello");
	put_begin(&rq);
	put_stream(&rq, RECORD_PARAMS, &params, 1);
	put_stream(&rq, RECORD_STDIN, &body, 1);

	int fd = client_connect(f->path);
	for (size_t i = 0; i < rq.len; i++) { /* and a write for each byte */
		struct buf one = { .data = rq.data + i, .len = 1 };
		client_send(fd, &one);
	}
	client_read(fd, &answer);
	close(fd);
	assert_non_null(strstr(buf_cstr(&answer), "POST /x type= id=i origin= body=5h"));
}

/* I-05 */
static void
values_too_long_count_as_absent(void **state)
{
	const struct fixture *f = *state;
	scope_buf rq = { 0 };
	char path[400];

	memset(path, 'a', sizeof(path));
	path[0] = '/';
	path[300] = '\0';
	put_request(&rq, "GET", path, "", "");
	assert_answer(f, &rq, "GET  type=");
}

static void
a_bad_request_id_is_replaced(void **state)
{
	const struct fixture *f = *state;
	scope_buf params = { 0 }, rq = { 0 }, none = { 0 }, answer = { 0 };

	put_param(&params, "REQUEST_ID", "a b\"\n");
	put_begin(&rq);
	put_stream(&rq, RECORD_PARAMS, &params, 65535);
	put_stream(&rq, RECORD_STDIN, &none, 1);
	client_ask(f->path, &rq, &answer);
	const char *id = strstr(buf_cstr(&answer), "id=");
	assert_non_null(id);
	assert_int_equal(strspn(id + 3, "0123456789abcdef"), 32);
}

/* Too many or too large: no answer at all, and the worker lives. */
/* I-06 */
static void
parameters_are_capped(void **state)
{
	const struct fixture *f = *state;
	scope_buf many = { 0 }, large = { 0 }, none = { 0 }, rq = { 0 }, answer = { 0 };
	char value[50000];

	for (int i = 0; i < 40; i++)
		put_param(&many, "A", "b");
	memset(value, 'v', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	put_param(&large, "X", value);

	put_begin(&rq);
	put_stream(&rq, RECORD_PARAMS, &many, 65535);
	put_stream(&rq, RECORD_STDIN, &none, 1);
	client_ask(f->path, &rq, &answer);
	assert_int_equal(answer.len, 0);

	rq.len = 0;
	put_begin(&rq);
	put_stream(&rq, RECORD_PARAMS, &large, 65535);
	put_stream(&rq, RECORD_STDIN, &none, 1);
	client_ask(f->path, &rq, &answer);
	assert_int_equal(answer.len, 0);

	rq.len = 0;
	put_request(&rq, "GET", "/after", "", "");
	assert_answer(f, &rq, "GET /after ");
}

static const struct {
	const char *what;
	const void *bytes;
	size_t len;
} garbage[] = {
	{ "nothing", "", 0 },
	{ "another version", "\2\1\0\1\0\10\0\0\0\1\0\0\0\0\0\0", 16 },
	{ "no begin", "\1\4\0\1\0\0\0\0", 8 },
	{ "begin with a short body", "\1\1\0\1\0\4\0\0\0\1\0\0", 12 },
	{ "begin, then a stream that must not come yet",
	    "\1\1\0\1\0\10\0\0\0\1\0\0\0\0\0\0\1\5\0\1\0\1\0\0x", 25 },
	{ "begin, then nothing", "\1\1\0\1\0\10\0\0\0\1\0\0\0\0\0\0", 16 },
	{ "begin, abort", "\1\1\0\1\0\10\0\0\0\1\0\0\0\0\0\0\1\2\0\1\0\0\0\0", 24 },
	{ "a name longer than its record",
	    "\1\1\0\1\0\10\0\0\0\1\0\0\0\0\0\0\1\4\0\1\0\3\0\0\x7f\1a\1\4\0\1\0\0\0\0",
	    35 },
	{ "HTTP", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27 },
};

/* Sent, and then either closed or left to stand: the worker drops it by itself. */
/* I-06 */
static void
garbage_is_dropped(void **state)
{
	const struct fixture *f = *state;

	for (size_t i = 0; i < 2 * sizeof(garbage) / sizeof(garbage[0]); i++) {
		struct buf b = { 0 }, answer = { 0 };
		int fd = client_connect(f->path);

		buf_add(&b, garbage[i / 2].bytes, garbage[i / 2].len);
		client_send(fd, &b);
		if (i % 2 == 0)
			client_read(fd, &answer); /* until the worker closes */
		close(fd);
		buf_free(&b);
		if (answer.len != 0)
			fail_msg("%s: %s", garbage[i / 2].what, answer.data);
		buf_free(&answer);
	}

	scope_buf rq = { 0 };
	put_request(&rq, "GET", "/after", "", "");
	assert_answer(f, &rq, "GET /after ");
}

/* The body stops half-way: closed, or open and silent. */
static void
an_abort_in_the_body_is_no_request(void **state)
{
	const struct fixture *f = *state;
	scope_buf params = { 0 }, rq = { 0 }, answer = { 0 };

	put_param(&params, "REQUEST_METHOD", "POST");
	put_param(&params, "CONTENT_LENGTH", "100");
	put_begin(&rq);
	put_stream(&rq, RECORD_PARAMS, &params, 65535);
	put_record(&rq, RECORD_STDIN, "half", 4);

	int fd = client_connect(f->path);
	client_send(fd, &rq);
	client_read(fd, &answer);
	assert_null(strstr(buf_cstr(&answer), "Status"));
	close(fd);

	fd = client_connect(f->path);
	client_send(fd, &rq);
	close(fd);
	rq.len = 0;
	put_request(&rq, "GET", "/after", "", "");
	assert_answer(f, &rq, "GET /after ");
}

static void
a_client_that_does_not_read_is_dropped(void **state)
{
	const struct fixture *f = *state;
	scope_buf rq = { 0 };

	put_request(&rq, "GET", "/big", "", "");
	int fd = client_connect(f->path);
	client_send(fd, &rq);

	rq.len = 0;
	put_request(&rq, "GET", "/after", "", "");
	assert_answer(f, &rq, "GET /after ");
	close(fd);
}

static void
a_large_answer_arrives_whole(void **state)
{
	const struct fixture *f = *state;
	scope_buf rq = { 0 }, answer = { 0 };

	put_request(&rq, "GET", "/big", "", "");
	client_ask(f->path, &rq, &answer);
	assert_true(answer.len > 3000000);
	assert_int_equal(answer.data[answer.len - 1], 'x');
}

/* A handler sees the hang-up on client_fd; the worker's status says if it did. */
static void
a_hangup_is_seen_by_the_handler(void **state)
{
	const struct fixture *f = *state;
	scope_buf rq = { 0 };

	put_request(&rq, "GET", "/hangup", "", "");
	int fd = client_connect(f->path);
	client_send(fd, &rq);
	close(fd);
	rq.len = 0;
	put_request(&rq, "GET", "/after", "", "");
	assert_answer(f, &rq, "GET /after ");
}

/* What the handler made for a client that left is not sent. */
static void
nothing_is_sent_to_the_gone(void **state)
{
	const struct fixture *f = *state;
	scope_buf rq = { 0 }, answer = { 0 };

	put_request(&rq, "GET", "/gone", "", "");
	client_ask(f->path, &rq, &answer);
	assert_int_equal(answer.len, 0);
}

static void
retires_after_its_requests(void **state)
{
	struct fixture *f = *state;
	scope_buf rq = { 0 };
	int status = -1;

	stop_worker(f);
	start_worker(f, 2, false);
	put_request(&rq, "GET", "/one", "", "");
	assert_answer(f, &rq, "GET /one ");
	assert_answer(f, &rq, "GET /one ");
	assert_int_equal(waitpid(f->worker, &status, 0), f->worker);
	assert_int_equal(status, 0);
	start_worker(f, 0, false);
}

/* Told to stop, with requests waiting and the door shut: all get their answer. */
static void
empties_the_queue_before_it_goes(void **state)
{
	struct fixture *f = *state;
	scope_buf rq = { 0 };
	struct err e = { 0 };
	int fds[5], status = -1;

	stop_worker(f);
	put_request(&rq, "GET", "/queued", "", "");
	for (int i = 0; i < 5; i++) {
		fds[i] = client_connect(f->path);
		client_send(fds[i], &rq);
	}
	assert_int_equal(listen_shut(&f->l, &e), 0);
	assert_int_equal(client_connect(f->path), -1);
	start_worker(f, 0, true);
	kill(f->worker, SIGTERM);
	for (int i = 0; i < 5; i++) {
		scope_buf answer = { 0 };
		client_read(fds[i], &answer);
		assert_non_null(strstr(buf_cstr(&answer), "GET /queued "));
		close(fds[i]);
	}
	assert_int_equal(waitpid(f->worker, &status, 0), f->worker);
	assert_int_equal(status, 0);
	close(f->l.fd);
	assert_int_equal(listen_open(f->path, "", &f->l, &e), 0);
	start_worker(f, 0, false);
}

/* SIGTERM while a request is being handled: it is answered first, and the next one that
 * waits is left to others, however busy the socket is. */
static void
finishes_its_request_before_it_goes(void **state)
{
	struct fixture *f = *state;
	scope_buf rq = { 0 }, answer = { 0 };
	int status = -1;

	put_request(&rq, "GET", "/big", "", "");
	int fd = client_connect(f->path);
	client_send(fd, &rq);
	char first;
	assert_int_equal(recv(fd, &first, 1, MSG_PEEK), 1); /* it is being answered */
	rq.len = 0;
	put_request(&rq, "GET", "/next", "", "");
	int next = client_connect(f->path);
	client_send(next, &rq);
	kill(f->worker, SIGTERM);
	client_read(fd, &answer);
	assert_true(answer.len > 3000000);
	close(fd);
	assert_int_equal(waitpid(f->worker, &status, 0), f->worker);
	assert_int_equal(status, 0);

	struct pollfd p = { .fd = next, .events = POLLIN };
	assert_int_equal(poll(&p, 1, 0), 0);
	start_worker(f, 0, false);
	answer.len = 0;
	client_read(next, &answer);
	assert_non_null(strstr(buf_cstr(&answer), "GET /next "));
	close(next);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(answers_a_request),
		CASE(head_gets_no_body),
		CASE(content_length_is_strict),
		CASE(unlisted_parameters_do_nothing),
		CASE(records_may_be_split_anywhere),
		CASE(values_too_long_count_as_absent),
		CASE(a_bad_request_id_is_replaced),
		CASE(parameters_are_capped),
		CASE(garbage_is_dropped),
		CASE(an_abort_in_the_body_is_no_request),
		CASE(a_client_that_does_not_read_is_dropped),
		CASE(a_large_answer_arrives_whole),
		CASE(a_hangup_is_seen_by_the_handler),
		CASE(nothing_is_sent_to_the_gone),
		CASE(retires_after_its_requests),
		CASE(empties_the_queue_before_it_goes),
		CASE(finishes_its_request_before_it_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
