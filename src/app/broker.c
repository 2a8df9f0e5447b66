#include "app/broker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/scope.h"

#define PATIENCE_US 10000000
#define PAUSE_MS    5 /* while the helper's queue of connections is full */

#define GIVEN 0 /* the serial of what nobody asked for */

struct question {
	uint32_t serial;
};

struct answer {
	uint32_t serial;
	int32_t error; /* errno; 0: a descriptor comes along */
};

int
broker_pair(int line[2], struct err *e)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, line) == -1)
		return err_sys(e, "socketpair");
	if (fcntl(line[0], F_SETOWN, getpid()) == -1 ||
	    fcntl(line[0], F_SETFL, O_NONBLOCK | O_ASYNC) == -1) {
		err_sys(e, "make a worker's line raise SIGIO");
		fd_close_all(line, 2);
		return -1;
	}
	return 0;
}

/* --- the master --- */

static int
connect_now(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(a.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(a.sun_path, path, strlen(path) + 1);
	scope_fd fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1 || connect(fd, (const struct sockaddr *)&a, sizeof(a)) == -1 ||
	    fcntl(fd, F_SETFL, 0) == -1)
		return -1;
	return take_fd(&fd);
}

void
broker_give(int line, const char *path)
{
	struct answer a = { GIVEN, 0 };
	struct err e = { 0 };

	scope_fd fd = connect_now(path);
	if (fd != -1)
		fd_send(line, &a, sizeof(a), &fd, 1, &e);
}

static bool
too_often(struct broker_pace *p)
{
	uint64_t now = clock_us() / 1000000;

	if (p->second != now)
		*p = (struct broker_pace){ .second = now };
	return ++p->asked > BROKER_PER_SECOND;
}

void
broker_answer(int line, struct broker_pace *pace, const char *path)
{
	struct question q;
	struct err e = { 0 };

	/* a few of each line per signal: none can keep the master from the others */
	for (unsigned i = 0; i < 4; i++) {
		ssize_t n = recv(line, &q, sizeof(q), MSG_DONTWAIT | MSG_TRUNC);

		if (n != sizeof(q))
			return; /* nothing, or nothing of ours: descriptors are dropped */
		if (i == 3)
			raise(SIGIO);

		scope_fd fd = too_often(pace) ? (errno = EBUSY, -1) : connect_now(path);
		struct answer a = { q.serial, fd == -1 ? errno : 0 };
		/* full: the worker does not read its answers, and goes without */
		fd_send(line, &a, sizeof(a), &fd, fd != -1 ? 1 : 0, &e);
	}
}

/* --- a worker --- */

/* The answer to this question; one to an earlier one that came too late is dropped. */
static int
take_answer(int line, uint32_t serial, uint64_t until_us, struct answer *a, struct err *e)
{
	for (;;) {
		uint64_t now = clock_us();
		struct pollfd p = { .fd = line, .events = POLLIN };
		int fds[FD_PASS_MAX];
		unsigned nfds = 0;

		if (now >= until_us || poll(&p, 1, (int)((until_us - now) / 1000)) == 0)
			return err_set(e, ERR_GONE, "the master does not answer");
		if ((p.revents & (POLLIN | POLLHUP)) == 0)
			continue; /* a signal */
		long n = fd_recv(line, a, sizeof(*a), fds, &nfds, e);
		if (n == -1)
			return err_wrap(e, "the master's line");
		if (n == sizeof(*a) && a->serial == serial && a->error != 0 && nfds == 0)
			return -1;
		if (n == sizeof(*a) && a->serial == serial && nfds == 1)
			return fds[0];
		fd_close_all(fds, nfds);
	}
}

static bool
is_alive(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLRDHUP };

	return poll(&p, 1, 0) == 0;
}

/* What broker_give sent, unless the helper it leads to has ended since; -1: nothing. */
static int
take_given(int line)
{
	struct pollfd p = { .fd = line, .events = POLLIN };
	struct answer a = { 0 };
	int fds[FD_PASS_MAX];
	unsigned nfds = 0;
	struct err e = { 0 };

	if (poll(&p, 1, 0) != 1 || (p.revents & POLLIN) == 0)
		return -1;
	if (fd_recv(line, &a, sizeof(a), fds, &nfds, &e) == sizeof(a) &&
	    a.serial == GIVEN && nfds == 1 && is_alive(fds[0]))
		return fds[0];
	fd_close_all(fds, nfds);
	return -1;
}

int
broker_dial(const struct box_door *door, struct err *e)
{
	uint64_t until = clock_us() + PATIENCE_US;
	int given = take_given(door->line);

	if (given != -1)
		return given;
	for (;;) {
		struct question q = { (uint32_t)clock_us() | 1U };
		struct answer a = { 0 };

		if (fd_send(door->line, &q, sizeof(q), NULL, 0, e) == -1)
			return err_wrap(e, "the master's line");
		int fd = take_answer(door->line, q.serial, until, &a, e);
		if (fd != -1 || a.error == 0)
			return fd;
		if (a.error != EAGAIN || clock_us() >= until) {
			errno = a.error;
			return err_sys(e, "connect %s", door->path);
		}
		poll(NULL, 0, PAUSE_MS);
	}
}
