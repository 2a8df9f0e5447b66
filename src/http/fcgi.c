#include "http/fcgi.h"

#include <errno.h>
#include <fcgiapp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/time.h>

#include "base/fault.h"
#include "base/lean.h"
#include "base/log.h"
#include "base/num.h"
#include "base/scope.h"

#define PARAMS_BYTES 49152 /* of names and values: four headers as nginx takes them */
#define PARAMS_MAX   32
#define LENGTH_MAX   10 /* digits of CONTENT_LENGTH */

/* What a request came with, before any of it is believed. */
struct incoming {
	struct http_request rq;
	char content_length[LENGTH_MAX + 1];
};

/*
 * Everything that is read of a request.  A name that is absent here has no effect
 * whatever it says; a value longer than its place counts as absent, or is cut where too
 * long a one must not become none: a key, a query.
 */
static const struct param {
	const char *name;
	size_t offset, size;
	bool cut;
} params[] = {
#define ROW(name, member, cut)                                                           \
	{                                                                                \
		name, offsetof(struct incoming, member),                                 \
		    sizeof(((struct incoming *)0)->member), cut                          \
	}
#define PARAM(name, member) ROW(name, member, false)
#define CUT(name, member)   ROW(name, member, true)
	PARAM("REQUEST_METHOD", rq.method),
	PARAM("DOCUMENT_URI", rq.path),
	PARAM("CONTENT_TYPE", rq.content_type),
	PARAM("CONTENT_LENGTH", content_length),
	PARAM("REQUEST_ID", rq.request_id),
	PARAM("HTTP_ORIGIN", rq.origin),
	PARAM("HTTP_HOST", rq.host),
	PARAM("REMOTE_ADDR", rq.address),
	CUT("QUERY_STRING", rq.query),
	CUT("HTTP_AUTHORIZATION", rq.authorization),
	CUT("HTTP_X_API_KEY", rq.api_key),
	CUT("JUDGEBOX_USER", rq.user),
	CUT("JUDGEBOX_PROXIED", rq.proxied),
#undef CUT
#undef PARAM
#undef ROW
};

static void
ignore_signal(int sig)
{
	(void)sig; /* its only use: to end a system call with EINTR */
}

/*
 * libfcgi reads and writes without a time limit.  A repeated signal ends the call it
 * hangs in; libfcgi takes EINTR there for a broken connection.  Repeated, for the first
 * may come just before the call.
 */
static void
arm(uint32_t ms)
{
	struct itimerval t = { .it_value = { .tv_sec = ms / 1000,
				   .tv_usec = (suseconds_t)(ms % 1000) * 1000 },
		.it_interval = { .tv_usec = ms > 0 ? 250000 : 0 } };

	setitimer(ITIMER_REAL, &t, NULL);
}

static void
take_param(struct incoming *in, const char *pair, size_t name_len)
{
	const char *value = pair + name_len + 1;

	for (size_t i = 0; i < sizeof(params) / sizeof(params[0]); i++) {
		const struct param *p = &params[i];
		if (JB_FAULT(PARAMETERS))
			name_len = strlen(p->name); /* the beginning will do */
		if (strlen(p->name) != name_len || memcmp(p->name, pair, name_len) != 0)
			continue;
		if (p->cut || strlen(value) < p->size)
			snprintf((char *)in + p->offset, p->size, "%s", value);
		return;
	}
}

static int
read_params(struct incoming *in, FCGX_Request *r, struct err *e)
{
	size_t total = 0;

	/* FCGX_Accept_r takes parameters that broke off in the middle for all of them */
	if (FCGX_GetError(r->in) != 0)
		return err_set(
		    e, ERR_PROTO, "parameters broke off (%d)", FCGX_GetError(r->in));
	for (unsigned n = 0; r->envp[n] != NULL; n++) {
		const char *pair = r->envp[n], *eq = strchr(pair, '=');

		total += strlen(pair);
		if ((n >= PARAMS_MAX || total > PARAMS_BYTES) && !JB_FAULT(PARAMS_CAP))
			return err_set(e, ERR_OVER_LIMIT,
			    "more than %d parameters or %d bytes", PARAMS_MAX,
			    PARAMS_BYTES);
		if (eq != NULL)
			take_param(in, pair, (size_t)(eq - pair));
	}
	return 0;
}

/* nginx makes the id; a wrong one could forge a log line or a header. */
static void
check_request_id(char id[65])
{
	static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789_-";
	unsigned char raw[16] = { 0 };

	if (id[0] != '\0' && id[strspn(id, good)] == '\0')
		return;
	if (getrandom(raw, sizeof(raw), 0) != sizeof(raw))
		log_warn("getrandom gave no request id");
	for (unsigned i = 0; i < sizeof(raw); i++)
		snprintf(id + 2 * (size_t)i, 3, "%02x", raw[i]);
}

static bool
wants_body(const char *method)
{
	return strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 ||
	       strcmp(method, "PATCH") == 0;
}

/* Exactly CONTENT_LENGTH bytes, never one more, and none of a body above the cap.
 * Fails only if the peer went away or stalled. */
static int
read_body(struct incoming *in, FCGX_Request *r, uint64_t max, struct err *e)
{
	struct http_request *rq = &in->rq;
	struct err why = { 0 };
	uint64_t length = 0;

	if (in->content_length[0] == '\0' ||
	    num_parse(in->content_length, NUM_PLAIN, &length, &why) == -1) {
		rq->body_short = wants_body(rq->method);
		return 0;
	}
	if (length > max) {
		rq->body_too_large = true;
		return 0;
	}
	while (rq->body.len < length) {
		uint64_t rest = length - rq->body.len;
		int want = (int)(rest < 65536 ? rest : 65536);
		int got = FCGX_GetStr(buf_room(&rq->body, (size_t)want), want, r->in);
		rq->body.len += (size_t)(got > 0 ? got : 0);
		if (got < want)
			break;
	}
	if (FCGX_GetError(r->in) != 0)
		return err_set(e, ERR_GONE, "gone after %zu of %llu bytes", rq->body.len,
		    (unsigned long long)length);
	rq->body_short = rq->body.len < length;
	return 0;
}

/* A status line without a phrase is legal, and yet some clients choke on it. */
static const char *
phrase_of(int status)
{
	static const struct {
		int status;
		const char *phrase;
	} phrases[] = {
		{ 200, "OK" },
		{ 204, "No Content" },
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 413, "Content Too Large" },
		{ 415, "Unsupported Media Type" },
		{ 429, "Too Many Requests" },
		{ 500, "Internal Server Error" },
		{ 503, "Service Unavailable" },
	};

	for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++)
		if (phrases[i].status == status)
			return phrases[i].phrase;
	return "Status";
}

/* Its end goes out with the last of it: each piece more would wake the web server. */
static int
send_answer(const struct http_response *rs, FCGX_Request *r)
{
	scope_buf head = { 0 };
	bool body = !rs->head_only && rs->body.len > 0;

	buf_fmt(&head, "Status: %d %s\r\nContent-Type: %s\r\n", rs->status,
	    phrase_of(rs->status),
	    rs->content_type != NULL ? rs->content_type
				     : "application/json; charset=utf-8");
	if (rs->status != 204)
		buf_fmt(&head, "Content-Length: %zu\r\n", rs->body.len);
	buf_add(&head, rs->headers.data, rs->headers.len);
	buf_str(&head, "\r\n");
	if (FCGX_PutStr(head.data, (int)head.len, r->out) == -1 ||
	    (body && FCGX_PutStr(rs->body.data, (int)rs->body.len, r->out) == -1))
		return -1;
	/* the last of the two streams to be closed ends the request */
	return FCGX_FClose(r->err) == 0 && FCGX_FClose(r->out) == 0 ? 0 : -1;
}

static void
serve_one(const struct fcgi_service *s, FCGX_Request *r)
{
	struct incoming in = { .rq.client_fd = r->ipcFd };
	struct http_response rs = { 0 };
	bool handled = false, delivered = false;
	struct err e = { 0 };

	if (read_params(&in, r, &e) == -1 || read_body(&in, r, s->max_body, &e) == -1) {
		log_err(&e, "request dropped");
	} else {
		check_request_id(in.rq.request_id);
		arm(0); /* a run takes as long as its limits say */
		handled = true;
		delivered = s->handle(s->ctx, &in.rq, &rs);
		arm(s->stall_ms);
		delivered = delivered && send_answer(&rs, r) == 0;
	}
	FCGX_Finish_r(r);
	arm(0);
	if (handled && s->done != NULL)
		s->done(s->ctx, &in.rq, &rs, delivered);
	buf_free(&in.rq.body);
	buf_free(&rs.headers);
	buf_free(&rs.body);
}

/*
 * Waits for a connection or for SIGTERM, which is blocked everywhere but inside
 * epoll_pwait(2): libfcgi's own handling has a window between its check and accept(2), in
 * which a worker sleeps through the signal.  While connections are there epoll_pwait does
 * not look at signals, hence the question before it.
 *
 * A connection wakes one of the waiting workers, not all of hundreds (EPOLLEXCLUSIVE).
 * Whoever is woken goes on to accept(2), so no wake-up is lost; whoever was busy sees
 * when he comes back that somebody waits.
 *
 * *worked: a request was answered; who then has nothing to do for a while gives memory
 * back that the next one may never need.
 */
static bool
told_to_stop(int epoll, const sigset_t *inside, bool *worked)
{
	struct epoll_event ev;
	sigset_t waiting;
	int n;

	if (sigpending(&waiting) == 0 && sigismember(&waiting, SIGTERM) == 1)
		return true;
	n = epoll_pwait(epoll, &ev, 1, *worked ? LEAN_REST_MS : -1, inside);
	if (n == 0) {
		lean_rest();
		*worked = false;
		n = epoll_pwait(epoll, &ev, 1, -1, inside);
	}
	return n == -1; /* EINTR: nothing else has a handler */
}

static int
watch_listener(int fd, struct err *e)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLEXCLUSIVE };

	scope_fd epoll = epoll_create1(EPOLL_CLOEXEC);
	if (epoll == -1)
		return err_sys(e, "epoll_create");
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &ev) == -1)
		return err_sys(e, "epoll_ctl on the FastCGI socket");
	return take_fd(&epoll);
}

/* Takes and answers one request.  Returns 1, 0 if there was none, -1. */
static int
accept_one(const struct fcgi_service *s, FCGX_Request *r, struct err *e)
{
	arm(s->stall_ms);
	int rc = FCGX_Accept_r(r);
	if (rc == 0) {
		serve_one(s, r);
		return 1;
	}
	arm(0);
	if (rc == -EAGAIN || rc == -EINTR || rc == -ECONNABORTED)
		return 0; /* another worker was faster, or the client left */
	errno = rc > -200 ? -rc : 0;
	return err_sys(e, "accept on the FastCGI socket (%d)", rc);
}

static int
prepare(FCGX_Request *r, const struct fcgi_service *s, sigset_t *inside, struct err *e)
{
	struct sigaction noop = { .sa_handler = ignore_signal };
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	if (FCGX_Init() != 0 ||
	    FCGX_InitRequest(r, s->listen_fd, FCGI_FAIL_ACCEPT_ON_INTR) != 0)
		return err_set(e, ERR_SYS, "libfcgi does not start");

	/* After FCGX_Init, which installs handlers of its own.  Not SA_RESTART. */
	if (sigaction(SIGTERM, &noop, NULL) == -1 ||
	    sigaction(SIGALRM, &noop, NULL) == -1 ||
	    sigaction(SIGUSR1, &ignore, NULL) == -1 ||
	    sigaction(SIGPIPE, &ignore, NULL) == -1)
		return err_sys(e, "sigaction");
	if (sigprocmask(SIG_SETMASK, NULL, inside) == -1)
		return err_sys(e, "sigprocmask");
	sigdelset(inside, SIGTERM);
	return 0;
}

int
fcgi_serve(const struct fcgi_service *s, struct err *e)
{
	FCGX_Request r;
	sigset_t inside;
	uint64_t served = 0;
	bool worked = true; /* it has just started, which is work, too */
	int n = 1;

	if (prepare(&r, s, &inside, e) == -1)
		return -1;
	scope_fd epoll = watch_listener(s->listen_fd, e);
	if (epoll == -1)
		return -1;
	while (s->max_requests == 0 || served < s->max_requests) {
		/* whoever goes here although he was woken is replaced at once, and his
		 * successor finds the connection */
		if (told_to_stop(epoll, &inside, &worked) ||
		    (s->is_over != NULL && s->is_over(s->ctx)))
			break;
		n = accept_one(s, &r, e);
		if (n == -1)
			return -1;
		served += (uint64_t)n;
		worked |= n == 1;
	}
	for (n = s->empty_queue; n == 1;)
		n = accept_one(s, &r, e);
	FCGX_Free(&r, 1);
	return n == -1 ? -1 : 0;
}
