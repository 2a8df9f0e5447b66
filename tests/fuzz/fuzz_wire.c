/*
 * Any datagram on the bridge: refused with a reason, or a message whose size is its
 * type's; words that pass their check can be walked, and stay within their block.  (I-14)
 *
 * Input: the datagram.  Where its version is 0 it gets today's, and a body of its type's
 * size, so that a seed is worth something after the next change of layout.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sandbox/wire/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(int yes, const char *what)
{
	if (yes)
		return;
	fprintf(stderr, "%s\n", what);
	abort();
}

static void
walk(const struct words *w)
{
	unsigned n = 0;
	struct err e;

	if (words_check(w, &e) == -1)
		return;
	for (const char *s = words_next(w, NULL); s != NULL; s = words_next(w, s), n++)
		require(s + strlen(s) < w->data + w->len, "a word leaves its block");
	require(n == w->count, "words are miscounted");
}

static void
receive(int sock)
{
	struct wire_message m;
	struct err e = { .code = ERR_NONE };
	int fds[WIRE_FDS_MAX];
	unsigned n = 0;

	if (wire_recv(sock, &m, fds, &n, &e) == -1) {
		require(
		    e.code != ERR_NONE && e.msg[0] != '\0', "refused without a reason");
		return;
	}
	require(m.head.len == wire_body_size(m.head.type), "a body of another size");
	require(n == 0, "descriptors out of nothing");
	if (m.head.type == WIRE_JOB)
		walk(&m.body.job.options);
	else if (m.head.type == WIRE_RUN)
		walk(&m.body.run.args);
}

/* Returns the size of what is in `out`, or 0: it is to be sent as it is. */
static size_t
renew(const uint8_t *data, size_t size, struct wire_message *out)
{
	struct wire_head head;

	if (size < sizeof(head))
		return 0;
	memcpy(&head, data, sizeof(head));
	uint32_t body = wire_body_size(head.type);
	if (head.version != 0 || body == UINT32_MAX)
		return 0;
	*out = (struct wire_message){
		.head = { .version = WIRE_VERSION, .type = head.type, .len = body }
	};
	size -= sizeof(head);
	memcpy(&out->body, data + sizeof(head), size < body ? size : body);
	return sizeof(head) + body;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wire_message m;
	int pair[2];
	size_t whole = renew(data, size, &m);

	if (whole > 0) {
		data = (const uint8_t *)&m;
		size = whole;
	}

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1)
		abort();
	if (send(pair[0], data, size, MSG_DONTWAIT) == (ssize_t)size) {
		close(pair[0]); /* nothing sent is then the end of file */
		receive(pair[1]);
	} else {
		close(pair[0]);
	}
	close(pair[1]);
	return 0;
}
