#include "fake_helper.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "sandbox/wire/bundle.h"

#define HELD_MAX 64

enum hold { HOLD_NOT, HOLD_FLOOD, HOLD_HANG, HOLD_AFTER };

struct held {
	enum hold why;
	unsigned after;
	int out, err;
	struct wire_outcome o;
};

struct session {
	struct fake *f;
	int sock;
	unsigned sent;      /* outcomes */
	unsigned announced; /* tests */
	struct words args;
	char source[4096]; /* the main file of the job */
	struct held held[HELD_MAX];
	unsigned nheld;
	bool denied;         /* its last job: more of that may follow */
	bool compiled, made; /* its program is asked for; is there */
	uint32_t compile_tag;
	bool dead;
};

static void
must(bool ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	abort();
}

static void
answer(struct session *s, const struct held *h)
{
	const struct wire_outcome *o = &h->o;
	struct err e;

	if (s->compiled && o->tag == s->compile_tag)
		s->made = o->exit_code == 0 && o->signal == 0 && o->oom_kills == 0 &&
			  o->violation == -1 && o->fired == 0 && o->exec_errno == 0 &&
			  o->fault.code == ERR_NONE;
	close(h->out);
	close(h->err);
	if (wire_send(s->sock, WIRE_OUTCOME, &h->o, NULL, 0, &e) == -1)
		s->dead = true;
	s->sent++;
}

static void
answer_held(struct session *s, unsigned i)
{
	struct held h = s->held[i];

	s->held[i] = s->held[--s->nheld];
	answer(s, &h);
}

static void
answer_due(struct session *s)
{
	for (unsigned i = 0; i < s->nheld; i++)
		if (s->held[i].why == HOLD_AFTER && s->sent >= s->held[i].after) {
			answer_held(s, i);
			i = UINT_MAX; /* one more was sent: look again from the first */
		}
}

/* The first time only, over all connections: what follows is a second attempt. */
static bool
once(struct session *s)
{
	return s->f->onces++ == 0;
}

static void
write_line(int fd, const char *text)
{
	struct err e;

	fd_write_all(fd, text, strlen(text), &e);
	fd_write_all(fd, "\n", 1, &e);
}

static void
write_big(int fd, size_t n, char c)
{
	char block[4096];
	struct err e;

	memset(block, c, sizeof(block));
	for (; n > 0; n -= n < sizeof(block) ? n : sizeof(block))
		if (fd_write_all(fd, block, n < sizeof(block) ? n : sizeof(block), &e) ==
		    -1)
			return;
}

static void
write_words(int fd, const struct words *w)
{
	for (const char *a = words_next(w, NULL); a != NULL; a = words_next(w, a))
		write_line(fd, a);
}

static void
set_fault(struct wire_outcome *o, enum err_code code)
{
	err_set(&o->fault, code, "mounts: bind /usr");
}

static void
do_command(struct session *s, struct held *h, const char *verb, const char *rest)
{
	struct wire_outcome *o = &h->o;
	int n = atoi(rest);
	char text[32];

	if (strcmp(verb, "out") == 0)
		write_line(h->out, rest);
	else if (strcmp(verb, "err") == 0)
		write_line(h->err, rest);
	else if (strcmp(verb, "big") == 0)
		write_big(h->out, (size_t)n, 'x');
	else if (strcmp(verb, "binary") == 0) {
		write_big(h->out, 1, '\xff');
		write_big(h->out, (size_t)n, '\x01');
	} else if (strcmp(verb, "exit") == 0)
		o->exit_code = n;
	else if (strcmp(verb, "signal") == 0)
		o->signal = n;
	else if (strcmp(verb, "oom") == 0)
		o->oom_kills = 1;
	else if (strcmp(verb, "violation") == 0)
		o->violation = n;
	else if (strcmp(verb, "fired") == 0)
		o->fired = (uint32_t)n;
	else if (strcmp(verb, "execerr") == 0)
		o->exec_errno = (uint32_t)n;
	else if (strcmp(verb, "memory") == 0)
		o->memory_bytes = (uint64_t)n;
	else if (strcmp(verb, "cpu") == 0)
		o->cpu_us = (uint64_t)n;
	else if (strcmp(verb, "queue") == 0)
		o->queue_us = (uint64_t)n;
	else if (strcmp(verb, "fault") == 0)
		set_fault(o, ERR_SYS);
	else if (strcmp(verb, "fault-once") == 0 && once(s))
		set_fault(o, ERR_SYS);
	else if (strcmp(verb, "refuse") == 0)
		set_fault(o, (enum err_code)n);
	else if (strcmp(verb, "cancel-once") == 0 && once(s))
		o->fired = WIRE_FIRED_CANCEL;
	else if (strcmp(verb, "after") == 0) {
		h->why = HOLD_AFTER;
		h->after = (unsigned)n;
	} else if (strcmp(verb, "flood") == 0)
		h->why = HOLD_FLOOD;
	else if (strcmp(verb, "hang") == 0)
		h->why = HOLD_HANG;
	else if (strcmp(verb, "die") == 0 || (strcmp(verb, "die-once") == 0 && once(s)))
		s->dead = true;
	else if (strcmp(verb, "hangup") == 0) {
		close(s->f->client);
		h->why = HOLD_HANG;
	} else if (strcmp(verb, "args") == 0)
		write_words(h->out, &s->args);
	else if (strcmp(verb, "tests") == 0) {
		snprintf(text, sizeof(text), "%u", s->announced);
		write_line(h->out, text);
	}
}

static void
run_program(struct session *s, uint32_t tag, char *program, int out, int err)
{
	struct held h = { .out = out, .err = err, .o = { .tag = tag, .violation = -1 } };
	char *save = NULL;

	for (char *line = strtok_r(program, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save)) {
		char *rest = strchr(line, ' ');

		if (rest != NULL)
			*rest++ = '\0';
		do_command(s, &h, line, rest != NULL ? rest : "");
	}
	if (s->dead) {
		close(out);
		close(err);
		return;
	}
	if (h.why == HOLD_NOT) {
		answer(s, &h);
		return;
	}
	must(s->nheld < HELD_MAX, "too many runs");
	fcntl(out, F_SETFL, O_NONBLOCK);
	s->held[s->nheld++] = h;
}

static void
read_file(int fd, uint64_t offset, uint64_t size, char *text, size_t room)
{
	struct err e;
	size_t n = size < room - 1 ? (size_t)size : room - 1;

	must(fd_pread_all(fd, text, n, offset, &e) == 0, "read a sealed file");
	text[n] = '\0';
}

static void
take_job(struct session *s, const struct wire_job *job, int bundle)
{
	struct bundle_entry *entries = NULL;
	uint32_t count = 0;
	struct err e;

	must(bundle_open(bundle, &entries, &count, &e) == 0, e.msg);
	s->source[0] = '\0';
	if (count > 0) {
		read_file(bundle, entries[0].offset, entries[0].size, s->source,
		    sizeof(s->source));
		memcpy(s->f->last_file, entries[0].name, sizeof(s->f->last_file));
	}
	free(entries);
	s->announced = job->tests;
	s->f->last_tenant = job->tenant;
	s->f->last_cpu_us = job->cpu_us;
	memcpy(s->f->last_language, job->language, sizeof(job->language));
	s->f->last_options = job->options;
}

static void
on_job(struct session *s, const struct wire_job *job, int bundle)
{
	struct wire_ready ready = { .position = 5, .wait_us = 7000 };
	struct wire_busy busy = { .retry_us = 2500000, .why = WIRE_BUSY_WAIT };
	struct wire_refused refused;
	struct err e;

	take_job(s, job, bundle);
	s->denied = s->compiled = s->made = false;
	switch (s->f->job_reply[s->f->jobs++ % 16]) {
	case FAKE_READY:
		wire_send(s->sock, WIRE_READY, &ready, NULL, 0, &e);
		break;
	case FAKE_BUSY_KEY:
		busy.why = WIRE_BUSY_JOBS;
		/* fall through */
	case FAKE_BUSY:
		s->denied = true;
		wire_send(s->sock, WIRE_BUSY, &busy, NULL, 0, &e);
		break;
	case FAKE_REFUSED:
		s->denied = true;
		memset(&refused, 0, sizeof(refused));
		err_set(&refused.why, ERR_BAD_INPUT, "no language 'x'");
		wire_send(s->sock, WIRE_REFUSED, &refused, NULL, 0, &e);
		break;
	case FAKE_NONSENSE:
		wire_send(s->sock, WIRE_STATUS, NULL, NULL, 0, &e);
		break;
	case FAKE_DROP:
		s->dead = true;
		break;
	}
}

static void
on_version(struct session *s, const struct wire_run *run, const int fds[2])
{
	char program[] = "out fake 1.0";
	struct err e;

	must(fd_check_pipe_writer(fds[0], &e) == 0 &&
		 fd_check_pipe_writer(fds[1], &e) == 0,
	    e.msg);
	s->f->runs++;
	run_program(s, run->tag, program, fds[0], fds[1]);
}

static void
on_run(struct session *s, const struct wire_run *run, const int fds[3])
{
	struct err e;
	uint64_t size;
	char program[4096];

	must(fd_check_sealed(fds[0], WIRE_INPUT_MAX, &size, &e) == 0, e.msg);
	must(fd_check_pipe_writer(fds[1], &e) == 0 &&
		 fd_check_pipe_writer(fds[2], &e) == 0,
	    e.msg);
	read_file(fds[0], 0, size, program, sizeof(program));
	close(fds[0]);
	s->f->runs++;
	s->f->last_limits = run->limits;
	s->args = run->args;
	run_program(s, run->tag, program, fds[1], fds[2]);
}

static void
close_all(const int *fds, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		close(fds[i]);
}

static void
on_early_run(struct session *s, uint32_t tag, const int fds[3])
{
	struct held h = {
		.out = fds[1], .err = fds[2], .o = { .tag = tag, .violation = -1 }
	};

	close(fds[0]);
	s->f->early++;
	err_set(&h.o.fault, ERR_BUSY, "nothing is compiled yet");
	answer(s, &h);
}

static void
on_kill(struct session *s, const struct wire_kill *kill)
{
	if (kill->why == WIRE_FIRED_OUTPUT)
		s->f->killed_output++;
	else
		s->f->killed_cancel++;
	for (unsigned i = 0; i < s->nheld; i++) {
		if (s->held[i].o.tag != kill->tag)
			continue;
		s->held[i].o.fired = kill->why;
		s->held[i].o.signal = SIGKILL;
		answer_held(s, i);
		return;
	}
}

static void
dispatch(struct session *s, const struct wire_message *m, const int *fds, unsigned nfds)
{
	struct wire_welcome welcome = { s->f->slots, WIRE_PENDING_MAX };
	struct wire_state state = { .slots = s->f->slots,
		.most_slots = s->f->slots + 2,
		.busy = 1,
		.queued = 3,
		.jobs = 4,
		.tenants = 2,
		.wait_us = 9,
		.oldest_us = 10,
		.refused = 11,
		.caps = { .cpu_us = 1000,
		    .wall_us = 2000,
		    .memory_bytes = 3,
		    .file_bytes = 4,
		    .stack_bytes = 5,
		    .processes = 6,
		    .open_files = 7,
		    .cpu_share_milli = 8 },
		.why = "why" };
	char program[4096];
	struct err e;

	switch (m->head.type) {
	case WIRE_HELLO:
		wire_send(s->sock, WIRE_WELCOME, &welcome, NULL, 0, &e);
		break;
	case WIRE_STATUS:
		wire_send(s->sock, WIRE_STATE, &state, NULL, 0, &e);
		break;
	case WIRE_JOB:
		must(nfds == 1, "JOB without its bundle");
		on_job(s, &m->body.job, fds[0]);
		close(fds[0]);
		break;
	case WIRE_COMPILE:
		must(nfds == 2, "COMPILE without its pipes");
		if (s->denied) {
			close_all(fds, nfds);
			break;
		}
		s->f->compiles++;
		s->compiled = true;
		s->compile_tag = m->body.compile.tag;
		s->f->last_limits = m->body.compile.limits;
		memcpy(program, s->source, sizeof(program));
		run_program(s, m->body.compile.tag, program, fds[0], fds[1]);
		break;
	case WIRE_RUN:
		if (m->body.run.stage == WIRE_STAGE_VERSION) {
			must(nfds == 2, "a version command has two streams, no input");
			on_version(s, &m->body.run, fds);
			break;
		}
		must(nfds == 3, "RUN without its descriptors");
		if (s->denied)
			close_all(fds, nfds);
		else if (s->compiled && !s->made)
			on_early_run(s, m->body.run.tag, fds);
		else
			on_run(s, &m->body.run, fds);
		break;
	case WIRE_KILL:
		on_kill(s, &m->body.kill);
		break;
	case WIRE_KEEP:
		s->f->keeps += m->body.keep.keep;
		s->f->releases += 1 - m->body.keep.keep;
		break;
	case WIRE_END:
		must(s->nheld == 0, "END with runs outstanding");
		s->f->ends++;
		break;
	}
}

static void
flood(struct held *h)
{
	static const char noise[8192] = "noise\n";

	while (write(h->out, noise, sizeof(noise)) > 0)
		;
}

static void
wait_event(struct session *s)
{
	struct pollfd p[1 + HELD_MAX] = { { s->sock, POLLIN, 0 } };
	nfds_t n = 1;

	for (unsigned i = 0; i < s->nheld; i++)
		p[n++] =
		    (struct pollfd){ s->held[i].why == HOLD_FLOOD ? s->held[i].out : -1,
			    POLLOUT, 0 };
	must(poll(p, n, -1) != -1 || errno == EINTR, "poll");
	for (unsigned i = 0; i < s->nheld; i++)
		if ((p[1 + i].revents & POLLOUT) != 0)
			flood(&s->held[i]);
	if (p[0].revents == 0)
		return;

	struct wire_message m;
	int fds[WIRE_FDS_MAX];
	unsigned nfds;
	struct err e;
	if (wire_recv(s->sock, &m, fds, &nfds, &e) == -1)
		s->dead = true;
	else
		dispatch(s, &m, fds, nfds);
	answer_due(s);
}

static void
serve(struct fake *f, int sock)
{
	struct session s = { .f = f, .sock = sock };
	unsigned n = f->connections++;

	while (!s.dead && (n < f->drop_from || n >= f->drop_to))
		wait_event(&s);
	for (unsigned i = 0; i < s.nheld; i++) {
		close(s.held[i].out);
		close(s.held[i].err);
	}
	close(sock);
	__atomic_add_fetch(&f->closed, 1, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, &f->closed, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

struct fake *
fake_new(void)
{
	struct fake *f = mmap(
	    NULL, sizeof(*f), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	char dir[] = "/tmp/judgebox-test-XXXXXX";

	must(f != MAP_FAILED, "mmap");
	must(mkdtemp(dir) != NULL, "mkdtemp");
	f->slots = 2;
	f->client = -1;
	snprintf(f->path, sizeof(f->path), "%s/sock", dir);
	return f;
}

void
fake_start(struct fake *f)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int l = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	memcpy(a.sun_path, f->path, sizeof(a.sun_path));
	must(l != -1 && bind(l, (struct sockaddr *)&a, sizeof(a)) == 0 &&
		 listen(l, 8) == 0,
	    "listen");
	f->pid = fork();
	must(f->pid != -1, "fork");
	if (f->pid > 0) {
		close(l);
		return;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_IGN);
	for (;;) {
		int sock = accept4(l, NULL, NULL, SOCK_CLOEXEC);

		if (sock != -1)
			serve(f, sock);
	}
}

void
fake_await_closed(struct fake *f, unsigned n)
{
	for (;;) {
		unsigned now = __atomic_load_n(&f->closed, __ATOMIC_SEQ_CST);

		if (now >= n)
			return;
		syscall(SYS_futex, &f->closed, FUTEX_WAIT, now, NULL, NULL, 0);
	}
}

void
fake_free(struct fake *f)
{
	char *slash;

	if (f->pid > 0) {
		kill(f->pid, SIGKILL);
		waitpid(f->pid, NULL, 0);
	}
	unlink(f->path);
	slash = strrchr(f->path, '/');
	*slash = '\0';
	rmdir(f->path);
	munmap(f, sizeof(*f));
}
