/* The listening socket: whose it may be, what it replaces, how it shuts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "fcgi_client.h"
#include "http/listen.h"

struct fixture {
	char dir[32], path[64];
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	snprintf(f->dir, sizeof(f->dir), "/tmp/jb-listen-XXXXXX");
	if (mkdtemp(f->dir) == NULL)
		return -1;
	snprintf(f->path, sizeof(f->path), "%s/s", f->dir);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	unlink(f->path);
	rmdir(f->dir);
	free(f);
	return 0;
}

static void
makes_a_socket_for_its_group(void **state)
{
	const struct fixture *f = *state;
	struct listener l;
	struct err e = { 0 };
	struct stat st;

	assert_int_equal(listen_open(f->path, "", &l, &e), 0);
	assert_int_equal(lstat(f->path, &st), 0);
	assert_int_equal(st.st_mode, S_IFSOCK | 0660);
	assert_int_not_equal(fcntl(l.fd, F_GETFL) & O_NONBLOCK, 0);
	assert_int_not_equal(fcntl(l.fd, F_GETFD) & FD_CLOEXEC, 0);
	assert_false(l.activated);
	close(l.fd);
}

static void
makes_its_directory(void **state)
{
	const struct fixture *f = *state;
	struct listener l;
	struct err e = { 0 };
	struct stat st;
	char dir[80], path[120], wanted[150];

	snprintf(dir, sizeof(dir), "%s/run", f->dir);
	snprintf(path, sizeof(path), "%s/s", dir);
	assert_int_equal(listen_open(path, "", &l, &e), 0);
	assert_int_equal(stat(dir, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0751);
	close(l.fd);
	unlink(path);
	rmdir(dir);

	snprintf(path, sizeof(path), "%s/two/levels/s", f->dir);
	snprintf(wanted, sizeof(wanted), "make %s/two/levels", f->dir);
	assert_int_equal(listen_open(path, "", &l, &e), -1);
	assert_string_equal(e.msg, wanted);
}

static void
replaces_a_stale_socket(void **state)
{
	const struct fixture *f = *state;
	struct listener l;
	struct err e = { 0 };

	assert_int_equal(listen_open(f->path, "", &l, &e), 0);
	close(l.fd); /* as if killed: the file stays */
	assert_int_equal(access(f->path, F_OK), 0);
	assert_int_equal(listen_open(f->path, "", &l, &e), 0);
	close(l.fd);
}

static void
leaves_a_living_one_alone(void **state)
{
	const struct fixture *f = *state;
	struct listener l, other;
	struct err e = { 0 };
	char wanted[120];

	assert_int_equal(listen_open(f->path, "", &l, &e), 0);
	assert_int_equal(listen_open(f->path, "", &other, &e), -1);
	snprintf(wanted, sizeof(wanted), "somebody already listens on %s", f->path);
	assert_string_equal(e.msg, wanted);
	int fd = client_connect(f->path);
	assert_int_not_equal(fd, -1);
	close(fd);
	close(l.fd);
}

/* The listener dies while we wait to see whether it does. */
static void
waits_for_a_dying_one(void **state)
{
	const struct fixture *f = *state;
	struct listener l, next;
	struct err e = { 0 };

	assert_int_equal(listen_open(f->path, "", &l, &e), 0);
	pid_t pid = fork();
	if (pid == 0) { /* holds the socket, goes when somebody has come */
		struct pollfd p = { .fd = l.fd, .events = POLLIN };
		poll(&p, 1, 5000);
		_exit(0);
	}
	close(l.fd);
	assert_int_equal(listen_open(f->path, "", &next, &e), 0);
	close(next.fd);
	waitpid(pid, NULL, 0);
}

static void
never_removes_a_file(void **state)
{
	const struct fixture *f = *state;
	struct listener l;
	struct err e = { 0 };
	char wanted[120];

	close(open(f->path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	assert_int_equal(listen_open(f->path, "", &l, &e), -1);
	snprintf(wanted, sizeof(wanted), "%s is there and is not a socket", f->path);
	assert_string_equal(e.msg, wanted);
	assert_int_equal(access(f->path, F_OK), 0);
}

static void
names_an_unknown_group(void **state)
{
	const struct fixture *f = *state;
	struct listener l;
	struct err e = { 0 };

	assert_int_equal(listen_open(f->path, "no-such-group", &l, &e), -1);
	assert_string_equal(e.msg, "socket_group: no group 'no-such-group'");
}

static void
refuses_a_path_too_long(void **state)
{
	struct listener l;
	struct err e = { 0 };
	char path[200];

	(void)state;
	memset(path, 'x', sizeof(path));
	path[199] = '\0';
	assert_int_equal(listen_open(path, "", &l, &e), -1);
	assert_string_equal(e.msg, "socket: path of more than 107 bytes");
}

/* In a child: descriptor 3 must be what systemd promised. */
static int
activate_with(int fd, const char *fds, char msg[240])
{
	int out[2];
	int status;
	struct err e = { 0 };

	assert_int_equal(pipe(out), 0);
	pid_t pid = fork();
	if (pid == 0) {
		struct listener l = { .fd = -1 };
		char self[24];
		if (dup2(out[1], 200) == -1 || dup2(fd, 3) == -1)
			_exit(100);
		snprintf(self, sizeof(self), "%d", (int)getpid());
		setenv("LISTEN_PID", self, 1);
		setenv("LISTEN_FDS", fds, 1);
		int rc = listen_open("/nonexistent/socket", "", &l, &e);
		if (write(200, e.msg, sizeof(e.msg)) == -1)
			_exit(101);
		_exit(rc == 0 && l.fd == 3 && l.activated && getenv("LISTEN_FDS") == NULL
			  ? 0
			  : 1);
	}
	close(out[1]);
	assert_int_equal(read(out[0], msg, 240), 240);
	close(out[0]);
	waitpid(pid, &status, 0);
	return status;
}

static void
takes_the_socket_of_systemd(void **state)
{
	const struct fixture *f = *state;
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	char msg[240];

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", f->path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_not_equal(activate_with(fd, "1", msg), 0);
	assert_string_equal(msg, "descriptor 3 from systemd is not listening");
	assert_int_equal(listen(fd, 5), 0);
	assert_int_equal(activate_with(fd, "1", msg), 0);
	assert_int_not_equal(activate_with(fd, "2", msg), 0);
	assert_string_equal(msg, "systemd passed 2 sockets, not one");
	close(fd);

	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_not_equal(activate_with(fd, "1", msg), 0);
	assert_string_equal(msg, "descriptor 3 from systemd is not a unix socket");
	close(fd);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	assert_int_not_equal(activate_with(fd, "1", msg), 0);
	assert_string_equal(msg, "descriptor 3 from systemd is not a stream socket");
	close(fd);
}

/* What the drain stands on: shut, it refuses newcomers and keeps those in its queue. */
static void
shut_it_refuses_but_keeps_its_queue(void **state)
{
	const struct fixture *f = *state;
	struct listener l;
	struct err e = { 0 };

	assert_int_equal(listen_open(f->path, "", &l, &e), 0);
	int a = client_connect(f->path), b = client_connect(f->path);
	assert_int_not_equal(b, -1);
	assert_int_equal(listen_shut(&l, &e), 0);
	assert_int_equal(client_connect(f->path), -1);
	int x = accept(l.fd, NULL, NULL), y = accept(l.fd, NULL, NULL);
	assert_int_not_equal(x, -1);
	assert_int_not_equal(y, -1);
	assert_int_equal(accept(l.fd, NULL, NULL), -1);
	close(a);
	close(b);
	close(x);
	close(y);
	close(l.fd);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(makes_a_socket_for_its_group),
		CASE(makes_its_directory),
		CASE(replaces_a_stale_socket),
		CASE(leaves_a_living_one_alone),
		CASE(waits_for_a_dying_one),
		CASE(never_removes_a_file),
		CASE(names_an_unknown_group),
		CASE(refuses_a_path_too_long),
		CASE(takes_the_socket_of_systemd),
		CASE(shut_it_refuses_but_keeps_its_queue),
	};

	umask(022);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
