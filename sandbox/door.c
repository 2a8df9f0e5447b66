#include "sandbox/door.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/log.h"
#include "base/scope.h"
#include "base/weaker.h"

#define INHERITED   3     /* where systemd puts its socket */
#define OVERFLOW_ID 65534 /* of a user whom a namespace has no id for */

/* --- who comes in --- */

int
door_find_client(struct door *d, const char *user, struct err *e)
{
	const struct passwd *pw = getpwnam(user);

	if (pw == NULL)
		return err_set(e, ERR_BAD_INPUT, "user: there is no user '%s'", user);
	/* whom a namespace does not know looks like this one, and would be let in */
	if (pw->pw_uid == OVERFLOW_ID && weaker_is_account())
		return err_set(e, ERR_BAD_INPUT,
		    "user: '%s' stands for everybody else in a user namespace", user);
	d->client = pw->pw_uid;
	d->client_group = pw->pw_gid;
	return 0;
}

/* Nothing is wrong with the client: there is no descriptor for him, or no memory. */
static bool
is_shortage(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS;
}

/* Who cannot be served is told so: left in the queue he would keep us awake for ever. */
static void
turn_away(struct door *d)
{
	int error = errno;

	if (d->spare != -1)
		close(d->spare);
	int sock = accept4(d->listener.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (sock != -1)
		close(sock);
	else if (is_shortage(errno))
		poll(NULL, 0, 10); /* not even that: do not spend all time on trying */
	d->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	log_warn("refused a connection: %s", strerror(error));
}

static void
on_connect(struct watcher *w, uint32_t events)
{
	struct door *d = w->owner;
	struct ucred peer;
	socklen_t len = sizeof(peer);
	struct err e = { 0 };

	(void)events;
	scope_fd sock = accept4(w->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (sock == -1 && is_shortage(errno))
		turn_away(d);
	if (sock == -1)
		return;
	if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &peer, &len) == -1)
		return;
	if (peer.uid != d->client && peer.uid != 0 && !JB_FAULT(PEER)) {
		log_warn("refused a connection uid=%u pid=%d", peer.uid, peer.pid);
		return;
	}
	if (d->enter(d->ctx, sock, &e) == -1) {
		log_err(&e, "a client cannot be served");
		return;
	}
	take_fd(&sock);
}

/* --- the socket --- */

/* systemd's socket activation, sd_listen_fds(3): one SOCK_SEQPACKET socket. */
static int
inherited_socket(void)
{
	const char *pid = getenv("LISTEN_PID"), *n = getenv("LISTEN_FDS");
	int type = 0;
	socklen_t len = sizeof(type);

	if (pid == NULL || n == NULL || strtol(pid, NULL, 10) != getpid() ||
	    strcmp(n, "1") != 0)
		return -1;
	if (getsockopt(INHERITED, SOL_SOCKET, SO_TYPE, &type, &len) == -1 ||
	    type != SOCK_SEQPACKET)
		return -1;
	fcntl(INHERITED, F_SETFD, FD_CLOEXEC);
	fcntl(INHERITED, F_SETFL, O_NONBLOCK);
	return INHERITED;
}

static int
check_alone(const struct door *d, struct err *e)
{
	if (d->listener.fd != -1 || JB_FAULT(ALONE))
		return 0;
	scope_fd fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return err_sys(e, "socket");
	if (connect(fd, (const struct sockaddr *)&d->address, sizeof(d->address)) == 0)
		return err_set(
		    e, ERR_BUSY, "another helper serves %s", d->address.sun_path);
	return 0;
}

int
door_prepare(struct door *d, const char *path, struct err *e)
{
	d->address.sun_family = AF_UNIX;
	snprintf(d->address.sun_path, sizeof(d->address.sun_path), "%s", path);
	d->listener.fd = inherited_socket();
	d->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (d->spare == -1)
		return err_sys(e, "open /dev/null");
	return check_alone(d, e);
}

/* /run/judgebox: the web server, which is in no group of ours, passes through it to the
 * application's socket.  Ours lies one deeper, where it does not. */
static void
make_above(const char *dir)
{
	char above[sizeof(((struct sockaddr_un *)0)->sun_path)];
	const char *slash = strrchr(dir, '/');

	snprintf(above, sizeof(above), "%.*s", (int)(slash - dir), dir);
	if (above[0] != '\0')
		mkdir(above, 0751); /* there, or the next one fails and says so */
}

static int
make_runtime_dir(const struct door *d, struct err *e)
{
	char dir[sizeof(d->address.sun_path)];

	snprintf(dir, sizeof(dir), "%s", d->address.sun_path);
	char *slash = strrchr(dir, '/');
	if (slash == NULL || slash == dir)
		return err_set(
		    e, ERR_BAD_INPUT, "socket: '%s' is not an absolute path", dir);
	*slash = '\0';
	make_above(dir);
	if (mkdir(dir, 0750) == 0 && chown(dir, 0, d->client_group) == -1)
		return err_sys(e, "chown %s", dir);
	if (access(dir, F_OK) == -1)
		return err_sys(e, "make %s", dir);
	return 0;
}

static int
bind_socket(struct door *d, struct err *e)
{
	const char *path = d->address.sun_path;
	struct stat st;

	scope_fd fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return err_sys(e, "socket");
	unlink(path);
	mode_t old = umask(0177);
	int r = bind(fd, (const struct sockaddr *)&d->address, sizeof(d->address));
	umask(old);
	if (r == -1)
		return err_sys(e, "bind %s", path);
	if (chown(path, 0, d->client_group) == -1 ||
	    chmod(path, JB_FAULT(SOCKET_MODE) ? 0666 : 0660) == -1)
		return err_sys(e, "set the owner of %s", path);
	if (listen(fd, 128) == -1)
		return err_sys(e, "listen on %s", path);
	if (lstat(path, &st) == -1)
		return err_sys(e, "stat %s", path);
	d->ino = st.st_ino;
	return take_fd(&fd);
}

/* Something changed where the socket is.  If it was the socket that went, nobody could
 * find us any more: there is to be another. */
static void
on_place(struct watcher *w, uint32_t events)
{
	struct door *d = w->owner;
	char changes[4096];
	struct stat st;

	(void)events;
	while (read(w->fd, changes, sizeof(changes)) > 0)
		;
	if (lstat(d->address.sun_path, &st) == 0 && st.st_ino == d->ino)
		return;
	log_warn("somebody took %s away: making it again", d->address.sun_path);
	loop_remove(d->loop, &d->listener);
	close(d->listener.fd);
	d->listener.fd = bind_socket(d, &d->lost);
	if (d->listener.fd != -1)
		loop_add(d->loop, &d->listener, &d->lost);
}

static int
watch_place(struct door *d, struct err *e)
{
	char dir[sizeof(d->address.sun_path)];

	snprintf(dir, sizeof(dir), "%s", d->address.sun_path);
	*strrchr(dir, '/') = '\0';
	d->place =
	    (struct watcher){ inotify_init1(IN_CLOEXEC | IN_NONBLOCK), on_place, d };
	if (d->place.fd == -1 ||
	    inotify_add_watch(d->place.fd, dir,
		IN_DELETE | IN_MOVE | IN_DELETE_SELF | IN_MOVE_SELF) == -1) {
		log_warn("nobody will see if %s goes: %s", d->address.sun_path,
		    strerror(errno)); /* as where all watches are used up */
		return 0;
	}
	return loop_add(d->loop, &d->place, e);
}

int
door_open(struct door *d, struct loop *loop, door_enter *enter, void *ctx, struct err *e)
{
	d->loop = loop;
	d->enter = enter;
	d->ctx = ctx;
	d->listener.ready = on_connect;
	d->listener.owner = d;
	if (d->listener.fd == -1) {
		if (make_runtime_dir(d, e) == -1)
			return -1;
		d->listener.fd = bind_socket(d, e);
		if (d->listener.fd != -1 && watch_place(d, e) == -1)
			return -1;
	}
	if (d->listener.fd == -1)
		return -1;
	return loop_add(d->loop, &d->listener, e);
}

void
door_close(struct door *d)
{
	if (d->listener.fd > INHERITED)
		unlink(d->address.sun_path);
}
