/* A worker's way to the helper by way of the master: connections, errors, floods. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/broker.h"
#include "base/fd.h"
#include "base/scope.h"

static char path[] = "/tmp/judgebox-broker-XXXXXX";

static int
listen_there(int backlog)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	unlink(path);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, backlog), 0);
	return fd;
}

/* A master in a process of its own, with the other end of the line. */
static pid_t
start_master(const int line[2])
{
	pid_t pid = fork();

	assert_int_not_equal(pid, -1);
	if (pid == 0) {
		struct broker_pace pace = { 0 };
		struct pollfd p = { .fd = line[0], .events = POLLIN };

		close(line[1]);
		while (poll(&p, 1, -1) == 1 && (p.revents & POLLHUP) == 0)
			broker_answer(line[0], &pace, path);
		_exit(0);
	}
	close(line[0]);
	return pid;
}

static void
end_master(pid_t pid, int line)
{
	close(line);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static struct box_door
door_of(const int line[2])
{
	return (struct box_door){ path, broker_dial, line[1] };
}

/* It is a connection to who listens, and blocks. */
static void
is_connected(int mine, int listener)
{
	char text[8] = "";

	assert_int_not_equal(mine, -1);
	assert_int_equal(fcntl(mine, F_GETFL) & O_NONBLOCK, 0);
	assert_int_equal(fcntl(mine, F_GETFD), FD_CLOEXEC);
	scope_fd theirs = accept(listener, NULL, NULL);
	assert_int_not_equal(theirs, -1);
	assert_int_equal(send(mine, "hello", 5, 0), 5);
	assert_int_equal(recv(theirs, text, sizeof(text), 0), 5);
}

static void
a_worker_gets_a_connection(void **state)
{
	struct err e = { 0 };
	int line[2];

	(void)state;
	scope_fd listener = listen_there(8);
	CHECK_OK(broker_pair(line, &e), e);
	pid_t master = start_master(line);
	for (int i = 0; i < 3; i++) {
		struct box_door door = door_of(line);
		scope_fd mine = broker_dial(&door, &e);
		is_connected(mine, listener);
	}
	end_master(master, line[1]);
}

/* The first is there already, and without a master to ask; the second is not. */
static void
a_worker_is_born_with_a_connection(void **state)
{
	struct err e = { 0 };
	int line[2];

	(void)state;
	scope_fd listener = listen_there(8);
	CHECK_OK(broker_pair(line, &e), e);
	broker_give(line[0], path);
	struct box_door door = door_of(line);
	scope_fd mine = broker_dial(&door, &e);
	is_connected(mine, listener);
	close(line[0]);
	CHECK_INT("dial", broker_dial(&door, &e), -1);
	CHECK_INT("code", e.code, ERR_GONE);
	close(line[1]);
}

/* It was born, and the helper was started anew before it had anything to ask. */
static void
a_dead_connection_is_not_taken(void **state)
{
	struct err e = { 0 };
	int line[2];

	(void)state;
	int old = listen_there(8);
	CHECK_OK(broker_pair(line, &e), e);
	broker_give(line[0], path);
	close(old);
	scope_fd listener = listen_there(8);
	pid_t master = start_master(line);
	struct box_door door = door_of(line);
	scope_fd mine = broker_dial(&door, &e);
	is_connected(mine, listener);
	end_master(master, line[1]);
}

static void
nobody_listens(void **state)
{
	struct err e = { 0 };
	int line[2];

	(void)state;
	unlink(path);
	CHECK_OK(broker_pair(line, &e), e);
	pid_t master = start_master(line);
	struct box_door door = door_of(line);
	CHECK_INT("dial", broker_dial(&door, &e), -1);
	CHECK_INT("errno", e.sys, ENOENT);
	assert_int_equal(strncmp(e.msg, "connect /tmp/", 13), 0);
	end_master(master, line[1]);
	e = (struct err){ 0 };
}

static void
the_master_is_gone(void **state)
{
	struct err e = { 0 };
	int line[2];

	(void)state;
	CHECK_OK(broker_pair(line, &e), e);
	close(line[0]);
	struct box_door door = door_of(line);
	CHECK_INT("dial", broker_dial(&door, &e), -1);
	CHECK_INT("code", e.code, ERR_GONE);
	close(line[1]);
}

/* The queue of connections is full at first: the worker waits, the master does not. */
static void
a_full_queue_is_waited_for(void **state)
{
	struct err e = { 0 };
	int line[2];

	(void)state;
	scope_fd listener = listen_there(0);
	CHECK_OK(broker_pair(line, &e), e);
	pid_t master = start_master(line);
	struct box_door door = door_of(line);
	scope_fd first = broker_dial(&door, &e);
	assert_int_not_equal(first, -1);
	pid_t helper = fork();
	if (helper == 0) {
		poll(NULL, 0, 30); /* however long: the second dial needs the place */
		_exit(accept(listener, NULL, NULL) == -1);
	}
	scope_fd second = broker_dial(&door, &e);
	assert_int_not_equal(second, -1);
	assert_int_equal(waitpid(helper, NULL, 0), helper);
	end_master(master, line[1]);
}

/* Of a worker that was taken over: no size, no descriptor, no flood harms the master. */
static void
nonsense_is_dropped(void **state)
{
	struct err e = { 0 };
	struct broker_pace pace = { 0 };
	uint32_t answer[2];
	unsigned refused = 0, asked = 0;
	int line[2], fds[FD_PASS_MAX];
	unsigned n;

	(void)state;
	scope_fd listener = listen_there(1);
	scope_fd before = dup(listener);
	CHECK_OK(broker_pair(line, &e), e);
	assert_int_equal(send(line[1], "abc", 3, 0), 3);
	broker_answer(line[0], &pace, path);
	CHECK_OK(fd_send(line[1], "1234", 4, &before, 1, &e), e);
	broker_answer(line[0], &pace, path);
	CHECK_INT("answered", fd_recv(line[1], answer, sizeof(answer), fds, &n, &e), 8);
	CHECK_INT("with a connection", n, 1);
	fd_close_all(fds, n);

	for (; refused == 0 && asked < 10 * BROKER_PER_SECOND; asked++) {
		assert_int_equal(send(line[1], "1234", 4, 0), 4);
		broker_answer(line[0], &pace, path);
		CHECK_INT(
		    "one each", fd_recv(line[1], answer, sizeof(answer), fds, &n, &e), 8);
		fd_close_all(fds, n);
		refused += answer[1] == EBUSY;
	}
	assert_int_equal(refused, 1);
	assert_true(asked >= BROKER_PER_SECOND - 1);

	/* who does not read his answers gets none, and keeps nobody */
	assert_int_equal(fcntl(line[1], F_SETFL, O_NONBLOCK), 0);
	for (unsigned i = 0; i < 2000; i++) {
		if (send(line[1], "1234", 4, MSG_DONTWAIT) == -1)
			assert_int_equal(errno, EAGAIN);
		broker_answer(line[0], &pace, path);
	}
	close(line[0]);
	close(line[1]);
	scope_fd after = dup(listener);
	CHECK_INT("no descriptor is left open", after, before + 1);
}

static int
make_path(void **state)
{
	(void)state;
	signal(SIGIO, SIG_IGN); /* a master takes it by sigtimedwait(2) */
	int fd = mkstemp(path);
	close(fd);
	return fd == -1;
}

static int
remove_path(void **state)
{
	(void)state;
	unlink(path);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_worker_gets_a_connection),
		cmocka_unit_test(a_worker_is_born_with_a_connection),
		cmocka_unit_test(a_dead_connection_is_not_taken),
		cmocka_unit_test(nobody_listens),
		cmocka_unit_test(the_master_is_gone),
		cmocka_unit_test(a_full_queue_is_waited_for),
		cmocka_unit_test(nonsense_is_dropped),
	};

	return cmocka_run_group_tests(tests, make_path, remove_path);
}
