/*
 * fcgi_client - FastCGI records by hand, for tests of the worker's door and the master:
 * a client that can also say what nginx never would.
 */
#ifndef TESTS_UNIT_FCGI_CLIENT_H
#define TESTS_UNIT_FCGI_CLIENT_H

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"

enum { RECORD_BEGIN = 1, RECORD_ABORT = 2, RECORD_PARAMS = 4, RECORD_STDIN = 5 };

static inline void
put_record(struct buf *b, unsigned char type, const void *data, size_t len)
{
	unsigned char head[8] = { 1, type, 0, 1, (unsigned char)(len >> 8),
		(unsigned char)len, 0, 0 };

	buf_add(b, head, sizeof(head));
	buf_add(b, data, len);
}

static inline void
put_length(struct buf *b, size_t n)
{
	unsigned char four[4] = { (unsigned char)(0x80 | n >> 24),
		(unsigned char)(n >> 16), (unsigned char)(n >> 8), (unsigned char)n };

	if (n < 128)
		buf_add(b, four + 3, 1);
	else
		buf_add(b, four, 4);
}

static inline void
put_param(struct buf *b, const char *name, const char *value)
{
	put_length(b, strlen(name));
	put_length(b, strlen(value));
	buf_str(b, name);
	buf_str(b, value);
}

/* BEGIN_REQUEST of a responder, without KEEP_CONN. */
static inline void
put_begin(struct buf *b)
{
	put_record(b, RECORD_BEGIN, "\0\1\0\0\0\0\0", 8);
}

/* Parameters and their end, in records of at most `piece` bytes. */
static inline void
put_stream(struct buf *b, unsigned char type, const struct buf *data, size_t piece)
{
	for (size_t at = 0; at < data->len; at += piece)
		put_record(b, type, data->data + at,
		    data->len - at < piece ? data->len - at : piece);
	put_record(b, type, "", 0);
}

/* A whole request; length NULL: the true one, "": none. */
static inline void
put_request(struct buf *b, const char *method, const char *path, const char *length,
    const char *body)
{
	struct buf params = { 0 }, content = { 0 };
	char n[24];

	snprintf(n, sizeof(n), "%zu", strlen(body));
	put_param(&params, "REQUEST_METHOD", method);
	put_param(&params, "DOCUMENT_URI", path);
	put_param(&params, "CONTENT_TYPE", "application/json");
	put_param(&params, "CONTENT_LENGTH", length != NULL ? length : n);
	put_param(&params, "REQUEST_ID", "abc-1");
	buf_str(&content, body);
	put_begin(b);
	put_stream(b, RECORD_PARAMS, &params, 65535);
	put_stream(b, RECORD_STDIN, &content, 65535);
	buf_free(&params);
	buf_free(&content);
}

static inline int
client_connect(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	if (fd != -1 && connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0)
		return fd;
	close(fd);
	return -1;
}

static inline void
client_send(int fd, const struct buf *b)
{
	size_t at = 0;

	while (at < b->len) {
		ssize_t n = send(fd, b->data + at, b->len - at, MSG_NOSIGNAL);
		if (n <= 0)
			return;
		at += (size_t)n;
	}
}

/* Reads to the end (10 s at most); out is what the STDOUT records held. */
static inline void
client_read(int fd, struct buf *out)
{
	struct buf raw = { 0 };
	struct pollfd p = { .fd = fd, .events = POLLIN };

	while (poll(&p, 1, 10000) == 1) {
		ssize_t n = read(fd, buf_room(&raw, 65536), 65536);
		if (n <= 0)
			break;
		raw.len += (size_t)n;
	}
	for (size_t at = 0; at + 8 <= raw.len;) {
		const unsigned char *h = (const unsigned char *)raw.data + at;
		size_t len = (size_t)h[4] << 8 | h[5];
		if (h[1] == 6 && at + 8 + len <= raw.len)
			buf_add(out, raw.data + at + 8, len);
		if (h[1] == 3) /* END_REQUEST: all is said */
			break;
		at += 8 + len + h[6];
	}
	buf_cstr(out);
	buf_free(&raw);
}

/* One request in, the answer out; "" if the connection was closed without one. */
static inline void
client_ask(const char *path, const struct buf *request, struct buf *answer)
{
	int fd = client_connect(path);

	client_send(fd, request);
	client_read(fd, answer);
	buf_cstr(answer);
	close(fd);
}

#endif
