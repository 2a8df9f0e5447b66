/*
 * Any bytes on a FastCGI connection: it ends, and what reaches the handler are bounded,
 * terminated fields, an id that cannot forge a line, and no more body than was announced.
 *
 * Input: an even first byte, then records as they come; or an odd one, then lines
 * "NAME=VALUE", an empty line and a body, of which well-formed records are made.  (I-05,
 * I-06)
 */
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/log.h"
#include "http/fcgi.h"
#include "tests/unit/fcgi_client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Not ours: the library forgets a management record, and nginx sends none. */
const char *__lsan_default_suppressions(void);
const char *
__lsan_default_suppressions(void)
{
	return "leak:libfcgi\n";
}

#define MAX_BODY  4096
#define SENT_MAX  65536 /* fits a socket's buffer: nobody reads while we write */
#define STALL_MS  2000
#define PIECE_MAX 65535

static void
require(bool yes, const char *what)
{
	if (yes)
		return;
	fprintf(stderr, "%s\n", what);
	abort();
}

#define TERMINATED(field) require(memchr(field, '\0', sizeof(field)) != NULL, #field)

static bool
handle(void *ctx, const struct http_request *rq, struct http_response *rs)
{
	(void)ctx;
	TERMINATED(rq->method);
	TERMINATED(rq->path);
	TERMINATED(rq->content_type);
	TERMINATED(rq->request_id);
	TERMINATED(rq->origin);
	require(rq->request_id[0] != '\0' &&
		    strcspn(rq->request_id, "\r\n =\"") == strlen(rq->request_id),
	    "an id that forges lines");
	require(rq->body.len <= MAX_BODY, "more body than the cap");
	require(!rq->body_too_large || rq->body.len == 0, "a body that is too large");
	rs->status = 200;
	buf_add(&rs->body, rq->body.data, rq->body.len);
	return true;
}

/* The address is the kernel's choice, in no file system. */
static int
listen_somewhere(struct sockaddr_un *a, socklen_t *len)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	sigset_t term;

	memset(a, 0, sizeof(*a));
	a->sun_family = AF_UNIX;
	*len = sizeof(*a);
	require(fd != -1 && bind(fd, (struct sockaddr *)a, sizeof(a->sun_family)) == 0 &&
		    getsockname(fd, (struct sockaddr *)a, len) == 0 && listen(fd, 8) == 0,
	    "listen");
	/* always pending: the worker empties its queue and returns */
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	raise(SIGTERM);
	return fd;
}

static void
put_lines(struct buf *out, const char *text, size_t len)
{
	struct buf params = { 0 }, body = { 0 };

	put_begin(out);
	while (len > 0 && text[0] != '\n') {
		const char *end = memchr(text, '\n', len);
		size_t n = end != NULL ? (size_t)(end - text) : len;
		const char *eq = memchr(text, '=', n);
		size_t name = eq != NULL ? (size_t)(eq - text) : n;
		size_t value = eq != NULL ? n - name - 1 : 0;

		put_length(&params, name);
		put_length(&params, value);
		buf_add(&params, text, name);
		buf_add(&params, text + n - value, value);
		text += n + (end != NULL);
		len -= n + (end != NULL);
	}
	if (len > 0)
		buf_add(&body, text + 1, len - 1);
	put_stream(out, RECORD_PARAMS, &params, PIECE_MAX);
	put_stream(out, RECORD_STDIN, &body, PIECE_MAX);
	buf_free(&params);
	buf_free(&body);
}

/*
 * Records as they come, but for the highest bit: libfcgi allocates what a long length
 * announces, and aborts if that fails.  This is known, and only the web server can
 * connect; it would hide all else there is to find.
 */
static void
put_raw(struct buf *out, const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		char low = (char)(data[i] & 0x7f);
		buf_add(out, &low, 1);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sockaddr_un address;
	static socklen_t len;
	static int listener = -1;
	struct buf sent = { 0 };
	struct err e = { 0 };

	if (size == 0 || size > SENT_MAX / 2)
		return 0;
	if (listener == -1) {
		log_start(
		    "fuzz", (enum log_level)0); /* each drop is worth a line, elsewhere */
		listener = listen_somewhere(&address, &len);
	}
	if ((data[0] & 1) != 0)
		put_lines(&sent, (const char *)data + 1, size - 1);
	else
		put_raw(&sent, data + 1, size - 1);

	int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	require(connect(client, (struct sockaddr *)&address, len) == 0, "connect");
	client_send(client, &sent);
	shutdown(client, SHUT_WR);

	struct fcgi_service s = { .listen_fd = listener,
		.max_body = MAX_BODY,
		.stall_ms = STALL_MS,
		.empty_queue = true,
		.handle = handle };
	require(fcgi_serve(&s, &e) == 0, e.msg);
	close(client);
	buf_free(&sent);
	return 0;
}
