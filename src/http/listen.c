#include "http/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/num.h"
#include "base/scope.h"

#define ACTIVATED_FD 3    /* SD_LISTEN_FDS_START */
#define QUEUE        4096 /* the kernel takes net.core.somaxconn at most */
#define DYING_MS     1000

static int
check_option(int fd, int option, int wanted, const char *what, struct err *e)
{
	int have = -1;
	socklen_t len = sizeof(have);

	if (getsockopt(fd, SOL_SOCKET, option, &have, &len) == -1 || have != wanted)
		return err_set(
		    e, ERR_BAD_INPUT, "descriptor %d from systemd is not %s", fd, what);
	return 0;
}

static int
prepare(int fd, struct err *e)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags == -1 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) == -1 ||
	    fcntl(fd, F_SETFD, FD_CLOEXEC) == -1)
		return err_sys(e, "set flags of the listening socket");
	return 0;
}

/* 1: there is one, 0: we were not started for a socket. */
static int
take_activated(struct err *e)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	struct err why = { 0 };
	uint64_t n = 0;

	if (pid == NULL || fds == NULL || num_parse(pid, NUM_PLAIN, &n, &why) == -1 ||
	    n != (uint64_t)getpid())
		return 0;
	if (num_parse(fds, NUM_PLAIN, &n, &why) == -1 || n != 1)
		return err_set(
		    e, ERR_BAD_INPUT, "systemd passed %.20s sockets, not one", fds);
	if (check_option(ACTIVATED_FD, SO_DOMAIN, AF_UNIX, "a unix socket", e) == -1 ||
	    check_option(ACTIVATED_FD, SO_TYPE, SOCK_STREAM, "a stream socket", e) ==
		-1 ||
	    check_option(ACTIVATED_FD, SO_ACCEPTCONN, 1, "listening", e) == -1 ||
	    prepare(ACTIVATED_FD, e) == -1)
		return -1;
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	return 1;
}

/*
 * Removes a socket file whose owner is dead.  A killed master's workers die a moment
 * after it: while they do, connecting works, but the connection is soon cut.
 */
static int
remove_stale(const struct sockaddr_un *addr, struct err *e)
{
	struct stat st;

	if (lstat(addr->sun_path, &st) == -1)
		return errno == ENOENT ? 0 : err_sys(e, "stat %s", addr->sun_path);
	if (!S_ISSOCK(st.st_mode))
		return err_set(
		    e, ERR_BAD_INPUT, "%s is there and is not a socket", addr->sun_path);

	scope_fd probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (probe == -1)
		return err_sys(e, "socket");
	if (connect(probe, (const struct sockaddr *)addr, sizeof(*addr)) == 0) {
		struct pollfd p = { .fd = probe, .events = POLLRDHUP };
		if (poll(&p, 1, DYING_MS) == 0)
			return err_set(e, ERR_BUSY, "somebody already listens on %s",
			    addr->sun_path);
	} else if (errno != ECONNREFUSED) {
		return err_sys(e, "connect %s", addr->sun_path);
	}
	if (unlink(addr->sun_path) == -1 && errno != ENOENT)
		return err_sys(e, "remove stale %s", addr->sun_path);
	return 0;
}

static int
give_to_group(const char *path, const char *group, struct err *e)
{
	if (group[0] == '\0')
		return 0;

	const struct group *g = getgrnam(group);
	if (g == NULL)
		return err_set(e, ERR_BAD_INPUT, "socket_group: no group '%.60s'", group);
	if (lchown(path, (uid_t)-1, g->gr_gid) == -1)
		return err_sys(e, "give %s to group %s", path, group);
	return 0;
}

/* /run is empty after a boot.  0751: nginx passes through, nobody but us looks around. */
static int
make_parent(const char *path, struct err *e)
{
	char dir[sizeof(((struct sockaddr_un *)0)->sun_path)];
	const char *slash = strrchr(path, '/');

	if (slash == NULL || slash == path)
		return 0;
	snprintf(dir, sizeof(dir), "%.*s", (int)(slash - path), path);
	if (mkdir(dir, 0751) == -1 && errno != EEXIST)
		return err_sys(e, "make %s", dir);
	return 0;
}

static int
bind_path(const char *path, const char *group, struct err *e)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	if ((size_t)snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path) >=
	    sizeof(addr.sun_path))
		return err_set(e, ERR_BAD_INPUT, "socket: path of more than %zu bytes",
		    sizeof(addr.sun_path) - 1);
	if (make_parent(path, e) == -1 || remove_stale(&addr, e) == -1)
		return -1;

	scope_fd fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return err_sys(e, "socket");

	mode_t old = umask(0117); /* 0660 from the first moment */
	int rc = bind(fd, (const struct sockaddr *)&addr, sizeof(addr));
	int why = errno;
	umask(old);
	errno = why;
	if (rc == -1)
		return err_sys(e, "bind %s", path);
	if (give_to_group(path, group, e) == -1)
		return -1;
	if (listen(fd, QUEUE) == -1)
		return err_sys(e, "listen on %s", path);
	return take_fd(&fd);
}

int
listen_open(const char *path, const char *group, struct listener *out, struct err *e)
{
	int activated = take_activated(e);
	if (activated == -1)
		return -1;

	int fd = activated == 1 ? ACTIVATED_FD : bind_path(path, group, e);
	if (fd == -1)
		return -1;
	*out = (struct listener){ .fd = fd, .activated = activated == 1 };
	return 0;
}

int
listen_shut(const struct listener *l, struct err *e)
{
	/* unix(7) does not say so, but a listening socket shut for reading refuses
	 * connect(2) and still hands out its queue; test_listen holds it to that. */
	if (shutdown(l->fd, SHUT_RD) == -1)
		return err_sys(e, "shutdown of the listening socket");
	return 0;
}
