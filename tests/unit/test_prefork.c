/* The master: its workers die, retire, reload and drain, and no request is lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "app/prefork.h"
#include "fcgi_client.h"
#include "http/fcgi.h"

/* Shared with every process of the test: what the next crew shall be. */
struct plan {
	unsigned generation; /* 0: the next reading of the configuration fails */
	unsigned workers, most;
	uint64_t idle_us;
	uint64_t drain_ms, max_requests;
	bool crash;      /* workers die at once */
	unsigned starts; /* of workers, counted by themselves */
};

struct fixture {
	char dir[32], path[64];
	struct listener l;
	struct plan *plan;
	pid_t master;
	int entered[2]; /* a handler of /block writes its pid here … */
	int leave[2];   /* … and waits for a byte from here */
	int alive[2];   /* end of file: no process of the service lives any more */
};

static const struct fixture *fix; /* for the handler */

static void *
load(void *ctx, struct err *e)
{
	struct plan *now = malloc(sizeof(*now));

	*now = *((struct fixture *)ctx)->plan;
	if (now->generation == 0) {
		free(now);
		err_set(e, ERR_BAD_INPUT, "bad on purpose");
		return NULL;
	}
	return now;
}

static struct crowd_bounds
bounds(const void *crew)
{
	const struct plan *p = crew;

	return (struct crowd_bounds){
		.least = p->workers, .most = p->most, .idle_us = p->idle_us
	};
}

static uint64_t
drain_ms(const void *crew)
{
	return ((const struct plan *)crew)->drain_ms;
}

static const char *
helper(const void *crew)
{
	(void)crew;
	return "/nonexistent/helper.sock";
}

struct answer {
	int status, pid;
	unsigned crew;
};

struct answering {
	const struct plan *plan;
	bool refuse;
	const struct prefork_link *link;
};

static bool
handle(void *ctx, const struct http_request *rq, struct http_response *rs)
{
	const struct answering *a = ctx;
	pid_t pid = getpid();
	char c;

	crowd_busy(a->link->crowd, a->link->place, true);
	rs->status = a->refuse ? 503 : 200;
	if (strcmp(rq->path, "/block") == 0 && !a->refuse) {
		if (write(fix->entered[1], &pid, sizeof(pid)) == -1 ||
		    read(fix->leave[0], &c, 1) == -1)
			_exit(1);
	}
	buf_fmt(&rs->body, "pid=%d crew=%u", (int)pid, a->plan->generation);
	crowd_busy(a->link->crowd, a->link->place, false);
	return true;
}

static int
work(void *crew, const struct listener *l, enum prefork_role role,
    const struct prefork_link *link)
{
	struct answering a = {
		.plan = crew, .refuse = role == PREFORK_REFUSE, .link = link
	};
	struct fcgi_service s = { .listen_fd = l->fd,
		.max_body = 1000,
		.max_requests = a.refuse ? 0 : a.plan->max_requests,
		.stall_ms = 5000,
		.empty_queue = a.refuse,
		.ctx = &a,
		.handle = handle };
	struct err e = { 0 };

	(void)link;
	if (role == PREFORK_SERVE)
		__atomic_add_fetch(&fix->plan->starts, 1, __ATOMIC_SEQ_CST);
	if (a.plan->crash && role == PREFORK_SERVE)
		return 1;
	return role == PREFORK_ONCE ? 0 : fcgi_serve(&s, &e) == 0 ? 0 : 1;
}

static void
start_master(struct fixture *f)
{
	static const struct prefork_calls calls = { load, free, bounds, drain_ms, helper,
		work, NULL };
	struct err e = { 0 };

	f->master = fork();
	assert_int_not_equal(f->master, -1);
	if (f->master == 0) {
		close(f->alive[0]);
		if (prefork_hold_signals(&e) == -1)
			_exit(2);
		_exit(prefork_run(&calls, f, load(f, &e), &f->l, &e) == 0 ? 0 : 1);
	}
	close(f->alive[1]);
	f->alive[1] = -1;
}

static void settle(const struct fixture *f);

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct err e = { 0 };

	fix = f;
	f->plan = mmap(NULL, sizeof(*f->plan), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	*f->plan = (struct plan){ .generation = 1, .workers = 2, .drain_ms = 20000 };
	snprintf(f->dir, sizeof(f->dir), "/tmp/jb-prefork-XXXXXX");
	if (mkdtemp(f->dir) == NULL || pipe(f->entered) == -1 || pipe(f->leave) == -1 ||
	    pipe(f->alive) == -1)
		return -1;
	snprintf(f->path, sizeof(f->path), "%s/s", f->dir);
	if (listen_open(f->path, "", &f->l, &e) == -1)
		return -1;
	start_master(f);
	*state = f;
	settle(f); /* it is up, and whom a test lists before a reload are all */
	return 0;
}

static void
wait_master(struct fixture *f, int wanted)
{
	int status = -1;

	assert_int_equal(waitpid(f->master, &status, 0), f->master);
	f->master = 0;
	assert_int_equal(status, wanted);
}

/* Nothing of the service may outlive its master. */
static void
wait_all_dead(const struct fixture *f)
{
	struct pollfd p = { .fd = f->alive[0], .events = 0 };

	assert_int_equal(poll(&p, 1, 10000), 1);
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	if (f->master > 0) {
		kill(f->master, SIGTERM);
		wait_master(f, 0);
	}
	unlink(f->path); /* before anything else can fail */
	rmdir(f->dir);
	wait_all_dead(f);
	close(f->l.fd);
	close(f->alive[0]);
	for (int i = 0; i < 2; i++) {
		close(f->entered[i]);
		close(f->leave[i]);
	}
	munmap(f->plan, sizeof(*f->plan));
	free(f);
	return 0;
}

static int
send_request(const struct fixture *f, const char *path)
{
	scope_buf rq = { 0 };
	int fd = client_connect(f->path);

	put_request(&rq, "GET", path, "", "");
	client_send(fd, &rq);
	return fd;
}

static struct answer
read_answer(int fd)
{
	struct answer a = { 0 };
	scope_buf out = { 0 };

	client_read(fd, &out);
	close(fd);
	const char *body = strstr(buf_cstr(&out), "pid=");
	if (body == NULL || sscanf(out.data, "Status: %d", &a.status) != 1 ||
	    sscanf(body, "pid=%d crew=%u", &a.pid, &a.crew) != 2)
		fail_msg("no answer: '%s'", out.data);
	return a;
}

static struct answer
ask(const struct fixture *f)
{
	return read_answer(send_request(f, "/"));
}

static unsigned
list_children(pid_t pid, pid_t *out, unsigned most)
{
	char path[80];
	int child;
	unsigned n = 0;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
	FILE *in = fopen(path, "re");
	while (in != NULL && n < most && fscanf(in, "%d", &child) == 1)
		out[n++] = child;
	if (in != NULL)
		fclose(in);
	return n;
}

static unsigned
count_children(pid_t pid)
{
	pid_t all[256];

	return list_children(pid, all, 256);
}

/* Until the new crew has answered and nobody of the old is left. */
static void
settle(const struct fixture *f)
{
	while (ask(f).crew != f->plan->generation ||
	       count_children(f->master) != f->plan->workers)
		;
}

/* A request that a worker has begun and will not end before release_one. */
static int
begin_blocked(const struct fixture *f, pid_t *worker)
{
	int fd = send_request(f, "/block");

	assert_int_equal(read(f->entered[0], worker, sizeof(*worker)), sizeof(*worker));
	return fd;
}

static void
release_one(const struct fixture *f)
{
	assert_int_equal(write(f->leave[1], "x", 1), 1);
}

static void
serves(void **state)
{
	const struct fixture *f = *state;

	for (int i = 0; i < 20; i++)
		assert_int_equal(ask(f).status, 200);
}

static void
replaces_dead_workers(void **state)
{
	const struct fixture *f = *state;

	for (int i = 0; i < 3; i++) { /* both workers, and then some */
		int pid = ask(f).pid;
		kill(pid, SIGKILL);
		assert_int_equal(ask(f).status, 200);
	}
}

/* The dead one's request is lost, its neighbour's is not. */
static void
a_death_touches_nobody_else(void **state)
{
	const struct fixture *f = *state;
	pid_t a, b;
	scope_buf out = { 0 };
	int first = begin_blocked(f, &a), second = begin_blocked(f, &b);

	kill(a, SIGKILL);
	client_read(first, &out);
	assert_int_equal(out.len, 0);
	close(first);
	release_one(f);
	assert_int_equal(read_answer(second).pid, b);
}

static void
workers_retire_without_loss(void **state)
{
	struct fixture *f = *state;
	int last = 0, changes = 0;

	f->plan->generation = 2;
	f->plan->workers = 1;
	f->plan->max_requests = 3;
	kill(f->master, SIGHUP);
	settle(f);
	for (int i = 0; i < 30; i++) {
		struct answer a = ask(f);
		changes += a.pid != last;
		last = a.pid;
	}
	assert_in_range(changes, 9, 12);
}

/* A request begun under the old configuration is finished by it. */
static void
reload_lets_the_old_finish(void **state)
{
	struct fixture *f = *state;
	pid_t a, b;
	int first = begin_blocked(f, &a), second = begin_blocked(f, &b);
	int queued = send_request(f, "/"); /* both workers are busy: it waits */

	f->plan->generation = 2;
	kill(f->master, SIGHUP);
	assert_int_equal(read_answer(queued).crew, 2);
	release_one(f);
	release_one(f);
	struct answer x = read_answer(first), y = read_answer(second);
	assert_int_equal(x.crew, 1);
	assert_int_equal(x.pid, a);
	assert_int_equal(y.crew, 1);
	assert_int_equal(y.pid, b);
	settle(f);
}

static void
a_bad_reload_changes_nothing(void **state)
{
	struct fixture *f = *state;
	int pid;

	f->plan->workers = 1;
	f->plan->generation = 2;
	kill(f->master, SIGHUP);
	settle(f);
	pid = ask(f).pid;
	f->plan->generation = 0;
	for (int i = 0; i < 3; i++) {
		kill(f->master, SIGHUP);
		kill(f->master, SIGUSR1);
		struct answer a = ask(f);
		assert_int_equal(a.crew, 2);
		assert_int_equal(a.pid, pid);
	}
}

/* Reloads one after the other under load: every request is answered. */
static void
reloads_lose_nothing(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < 40; i++) {
		int fds[8];

		for (int k = 0; k < 8; k++)
			fds[k] = send_request(f, "/");
		f->plan->generation = i + 2;
		kill(f->master, SIGHUP);
		for (int k = 0; k < 8; k++)
			assert_int_equal(read_answer(fds[k]).status, 200);
	}
	settle(f);
}

/* Workers that die at once are started ever more seldom; a good reload ends it. */
static void
a_crash_loop_costs_little(void **state)
{
	struct fixture *f = *state;

	f->plan->generation = 2;
	f->plan->crash = true;
	f->plan->starts = 0;
	kill(f->master, SIGHUP);
	poll(NULL, 0, 1000); /* 0, 100, 300, 700 ms: four rounds of two */
	assert_in_range(__atomic_load_n(&f->plan->starts, __ATOMIC_SEQ_CST), 2, 10);
	int waiting = send_request(f, "/");

	f->plan->generation = 3;
	f->plan->crash = false;
	kill(f->master, SIGHUP);
	assert_int_equal(read_answer(waiting).crew, 3);
}

/* A reload, until the last of the old crew is reaped. */
static void
reload(struct fixture *f)
{
	pid_t old[64];
	unsigned n = list_children(f->master, old, 64);

	kill(f->master, SIGHUP);
	for (unsigned i = 0; i < n; i++)
		while (kill(old[i], 0) == 0)
			poll(NULL, 0, 1);
}

/* While hardly anybody is left for the next request there are more, up to the bound; who
 * comes then waits; and those that have nothing to do for long go again, but for a few.
 */
static void
as_many_workers_as_are_needed(void **state)
{
	enum { MOST = 12, KEPT = 5 };
	struct fixture *f = *state;
	pid_t pid[MOST];
	int fds[MOST];

	f->plan->generation = 2;
	f->plan->most = MOST;
	f->plan->idle_us = 20000;
	reload(f);
	for (int i = 0; i < MOST; i++)
		fds[i] = begin_blocked(f, &pid[i]); /* each by a worker of its own */
	for (int i = 0; i < MOST; i++)
		for (int k = 0; k < i; k++)
			assert_int_not_equal(pid[i], pid[k]);
	assert_int_equal(count_children(f->master), MOST);
	int waiting = send_request(f, "/");
	kill(f->master, SIGUSR1);
	assert_int_equal(count_children(f->master), MOST);
	for (int i = 0; i < MOST; i++)
		release_one(f);
	assert_int_equal(read_answer(waiting).status, 200);
	for (int i = 0; i < MOST; i++)
		assert_int_equal(read_answer(fds[i]).status, 200);
	while (count_children(f->master) > KEPT)
		poll(NULL, 0, 5);
	poll(NULL, 0, 100);
	assert_int_equal(count_children(f->master), KEPT);
	for (int i = 0; i < 20; i++)
		assert_int_equal(ask(f).status, 200);
}

/* A reload in the middle of a rush brings as many as there were. */
static void
a_reload_keeps_the_number(void **state)
{
	enum { MANY = 8 };
	struct fixture *f = *state;
	pid_t pid;
	int fds[2 * MANY];

	f->plan->generation = 2;
	f->plan->most = 4 * MANY;
	f->plan->idle_us = 60000000;
	reload(f);
	for (int i = 0; i < MANY; i++)
		fds[i] = begin_blocked(f, &pid);
	f->plan->generation = 3;
	kill(f->master, SIGHUP);
	while (ask(f).crew != 3)
		;
	for (int i = MANY; i < 2 * MANY; i++)
		fds[i] = begin_blocked(f, &pid);
	assert_in_range(count_children(f->master), 2 * MANY, 6 * MANY);
	for (int i = 0; i < 2 * MANY; i++)
		release_one(f);
	for (int i = 0; i < MANY; i++)
		assert_int_equal(read_answer(fds[i]).crew, 2);
	for (int i = MANY; i < 2 * MANY; i++)
		assert_in_range(read_answer(fds[i]).crew, 2, 3);
}

/* What was begun is finished; what waits or comes gets 503; then the door is shut. */
static void
drain_answers_everybody(void **state)
{
	struct fixture *f = *state;
	pid_t a, b;
	int first = begin_blocked(f, &a), second = begin_blocked(f, &b);
	int queued = send_request(f, "/");

	kill(f->master, SIGTERM);
	assert_int_equal(read_answer(queued).status, 503);
	for (int i = 0; i < 20; i++)
		assert_int_equal(ask(f).status, 503);
	release_one(f);
	release_one(f);
	assert_int_equal(read_answer(first).pid, a);
	struct answer y = read_answer(second);
	assert_int_equal(y.pid, b);
	assert_int_equal(y.status, 200);
	wait_master(f, 0);
	assert_int_equal(client_connect(f->path), -1);
	wait_all_dead(f);
}

/* A crowd comes while the service stops: each is refused at the door or answered. */
static void
nobody_is_cut_off_at_the_end(void **state)
{
	struct fixture *f = *state;
	int answered = 0;

	kill(f->master, SIGTERM);
	for (;;) {
		int fd = client_connect(f->path);
		scope_buf rq = { 0 };
		if (fd == -1)
			break;
		put_request(&rq, "GET", "/", "", "");
		client_send(fd, &rq);
		assert_in_range(read_answer(fd).status, 200, 503);
		answered++;
	}
	wait_master(f, 0);
	print_message("%d answered while it stopped\n", answered);
}

/* Another master on a socket that systemd has opened. */
static void
start_activated(struct fixture *f)
{
	struct err e = { 0 };

	kill(f->master, SIGTERM);
	wait_master(f, 0);
	close(f->l.fd);
	assert_int_equal(listen_open(f->path, "", &f->l, &e), 0);
	f->l.activated = true;
	assert_int_equal(pipe(f->alive), 0);
	start_master(f);
	assert_int_equal(ask(f).status, 200);
}

static void
start_successor(struct fixture *f)
{
	close(f->alive[0]);
	assert_int_equal(pipe(f->alive), 0);
	start_master(f);
}

static void
an_activated_socket_stays_open(void **state)
{
	struct fixture *f = *state;

	start_activated(f);
	kill(f->master, SIGTERM);
	wait_master(f, 0);
	int fd = send_request(f, "/"); /* waits for the successor */
	assert_int_not_equal(fd, -1);
	start_successor(f);
	assert_int_equal(read_answer(fd).status, 200);
}

/* What was begun is finished, what comes meanwhile is the successor's. */
static void
an_activated_drain_refuses_nobody(void **state)
{
	struct fixture *f = *state;
	pid_t a, b;

	start_activated(f);
	int first = begin_blocked(f, &a), second = begin_blocked(f, &b);
	int queued = send_request(f, "/");
	kill(f->master, SIGTERM);
	int late = send_request(f, "/");
	poll(NULL, 0, 200); /* for whoever would refuse them */
	release_one(f);
	release_one(f);
	assert_int_equal(read_answer(first).status, 200);
	assert_int_equal(read_answer(second).status, 200);
	wait_master(f, 0);
	start_successor(f);
	assert_int_equal(read_answer(queued).status, 200);
	assert_int_equal(read_answer(late).status, 200);
}

/* The watchdog hears of an idle master, again and again. */
static void
an_idle_master_barks(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), heard = 0;
	char said[100];

	snprintf(a.sun_path, sizeof(a.sun_path), "%s/notify", f->dir);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	setenv("NOTIFY_SOCKET", a.sun_path, 1);
	setenv("WATCHDOG_USEC", "100000", 1);
	start_activated(f);
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	while (heard < 3) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		assert_int_equal(poll(&p, 1, 10000), 1);
		ssize_t n = recv(fd, said, sizeof(said), 0);
		heard += n == 10 && memcmp(said, "WATCHDOG=1", 10) == 0;
	}
	close(fd);
	unlink(a.sun_path);
}

static void
the_deadline_ends_a_stuck_worker(void **state)
{
	struct fixture *f = *state;
	scope_buf out = { 0 };
	pid_t a;

	f->plan->generation = 2;
	f->plan->drain_ms = 200;
	kill(f->master, SIGHUP);
	settle(f);
	int fd = begin_blocked(f, &a);
	kill(f->master, SIGTERM);
	client_read(fd, &out);
	assert_int_equal(out.len, 0);
	close(fd);
	wait_master(f, 0);
}

static void
a_second_term_ends_the_patience(void **state)
{
	struct fixture *f = *state;
	pid_t a;
	int fd = begin_blocked(f, &a);

	kill(f->master, SIGTERM);
	while (ask(f).status != 503)
		;
	kill(f->master, SIGTERM);
	wait_master(f, 0);
	close(fd);
}

/* kill -9 of the master: no worker goes on without it, and the next one can start. */
static void
workers_die_with_the_master(void **state)
{
	struct fixture *f = *state;
	struct err e = { 0 };
	pid_t a;
	int fd = begin_blocked(f, &a);

	kill(f->master, SIGKILL);
	wait_master(f, SIGKILL);
	close(f->l.fd); /* ours; the dead ones' go with them */
	assert_int_equal(listen_open(f->path, "", &f->l, &e), 0);
	wait_all_dead(f);
	close(fd);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

/* Only who started it can make another socket. */
static void
ends_when_its_socket_is_deleted(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(unlink(f->path), 0);
	wait_master(f, 1 << 8);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(serves),
		CASE(replaces_dead_workers),
		CASE(a_death_touches_nobody_else),
		CASE(workers_retire_without_loss),
		CASE(reload_lets_the_old_finish),
		CASE(a_bad_reload_changes_nothing),
		CASE(reloads_lose_nothing),
		CASE(as_many_workers_as_are_needed),
		CASE(a_reload_keeps_the_number),
		CASE(a_crash_loop_costs_little),
		CASE(ends_when_its_socket_is_deleted),
		CASE(drain_answers_everybody),
		CASE(nobody_is_cut_off_at_the_end),
		CASE(an_activated_socket_stays_open),
		CASE(an_activated_drain_refuses_nobody),
		CASE(an_idle_master_barks),
		CASE(the_deadline_ends_a_stuck_worker),
		CASE(a_second_term_ends_the_patience),
		CASE(workers_die_with_the_master),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
