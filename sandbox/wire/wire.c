#include "sandbox/wire/wire.h"

#include <stddef.h>
#include <string.h>

#include "base/fault.h"
#include "base/fd.h"

uint32_t
wire_body_size(uint16_t type)
{
	switch ((enum wire_type)type) {
	case WIRE_HELLO:
	case WIRE_STATUS:
	case WIRE_END:
		return 0;
	case WIRE_JOB:
		return sizeof(struct wire_job);
	case WIRE_COMPILE:
		return sizeof(struct wire_compile);
	case WIRE_RUN:
		return sizeof(struct wire_run);
	case WIRE_KILL:
		return sizeof(struct wire_kill);
	case WIRE_KEEP:
		return sizeof(struct wire_keep);
	case WIRE_WELCOME:
		return sizeof(struct wire_welcome);
	case WIRE_STATE:
		return sizeof(struct wire_state);
	case WIRE_READY:
		return sizeof(struct wire_ready);
	case WIRE_BUSY:
		return sizeof(struct wire_busy);
	case WIRE_REFUSED:
		return sizeof(struct wire_refused);
	case WIRE_OUTCOME:
		return sizeof(struct wire_outcome);
	case WIRE_REQUEST_MAX_:
		break;
	}
	return UINT32_MAX;
}

int
wire_send(int sock, enum wire_type type, const void *body, const int *fds, unsigned nfds,
    struct err *e)
{
	struct wire_message m;
	uint32_t len = wire_body_size((uint16_t)type);

	if (len == UINT32_MAX)
		return err_set(e, ERR_BUG, "no such message %d", type);
	m.head = (struct wire_head){ WIRE_VERSION, (uint16_t)type, len };
	if (len > 0)
		memcpy(&m.body, body, len);
	return fd_send(sock, &m, offsetof(struct wire_message, body) + len, fds, nfds, e);
}

int
wire_recv(int sock, struct wire_message *m, int fds[], unsigned *nfds, struct err *e)
{
	int got[FD_PASS_MAX];
	long n = fd_recv(sock, m, sizeof(*m), got, nfds, e);
	if (n == -1)
		return -1;

	size_t head = offsetof(struct wire_message, body);
	if (*nfds > WIRE_FDS_MAX)
		err_set(e, ERR_PROTO, "%u descriptors in one message", *nfds);
	else if ((size_t)n < head)
		err_set(e, ERR_PROTO, "short message (%ld bytes)", n);
	else if (m->head.version != WIRE_VERSION)
		err_set(e, ERR_PROTO, "wire version %u", m->head.version);
	else if (wire_body_size(m->head.type) == UINT32_MAX)
		err_set(e, ERR_PROTO, "unknown message %u", m->head.type);
	else if ((m->head.len != wire_body_size(m->head.type) ||
		     (size_t)n != head + m->head.len) &&
		 !JB_FAULT(LENGTH))
		err_set(e, ERR_PROTO, "message %u: bad length", m->head.type);
	else {
		memcpy(fds, got, sizeof(int) * *nfds);
		return 0;
	}
	fd_close_all(got, *nfds);
	*nfds = 0;
	return -1;
}
