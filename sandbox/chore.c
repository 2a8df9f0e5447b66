#include "sandbox/chore.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/scope.h"

#define NICE 5 /* who runs a test goes first */

static int
by_number(const void *a, const void *b)
{
	int x = *(const int *)a, y = *(const int *)b;

	return (x > y) - (x < y);
}

/* A pipe of a client's, held open here, would keep him waiting for its end. */
static void
close_all_but(int fds[], unsigned n)
{
	unsigned from = 3;

	qsort(fds, n, sizeof(*fds), by_number);
	for (unsigned i = 0; i < n; i++) {
		if (fds[i] < (int)from)
			continue;
		if (fds[i] > (int)from)
			syscall(SYS_close_range, from, (unsigned)fds[i] - 1, 0);
		from = (unsigned)fds[i] + 1;
	}
	syscall(SYS_close_range, from, ~0U, 0);
}

static _Noreturn void
do_chore(int answer, chore_work *work, void *arg, const int keep[CHORE_KEEP])
{
	int fds[CHORE_KEEP + 1] = { answer }, made[CHORE_MADE] = { -1, -1 };
	struct err why = { 0 }, e = { 0 };
	unsigned n = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	setpriority(PRIO_PROCESS, 0, NICE);
	memcpy(fds + 1, keep, CHORE_KEEP * sizeof(*keep));
	close_all_but(fds, CHORE_KEEP + 1);
	if (work(arg, made, &why) == 0)
		while (n < CHORE_MADE && made[n] != -1)
			n++;
	else if (why.code == ERR_NONE)
		err_set(&why, ERR_BUG, "a chore failed without a word");
	_exit(fd_send(answer, &why, sizeof(why), made, n, &e) == 0 ? 0 : 1);
}

static void
on_answer(struct watcher *w, uint32_t events)
{
	struct chore *c = w->owner;
	struct err why = { 0 }, e = { 0 };
	int fds[FD_PASS_MAX], made[CHORE_MADE] = { -1, -1 };
	unsigned n = 0;

	(void)events;
	if (fd_recv(w->fd, &why, sizeof(why), fds, &n, &e) != sizeof(why)) {
		n = 0;
		why = e;
		if (why.code == ERR_NONE)
			err_set(&why, ERR_BUG, "half an answer");
		err_wrap(&why, "a chore ended early");
	}
	why.msg[sizeof(why.msg) - 1] = '\0';
	for (unsigned i = 0; i < n && i < CHORE_MADE; i++)
		made[i] = fds[i];
	if (n > CHORE_MADE)
		fd_close_all(fds + CHORE_MADE, n - CHORE_MADE);
	chore_end(c);
	c->done(c->owner, &why, made);
}

int
chore_start(struct chore *c, struct loop *loop, chore_work *work, void *arg,
    const int keep[CHORE_KEEP], struct err *e)
{
	int pair[2];

	if (c->loop != NULL)
		return err_set(e, ERR_BUG, "a chore is being done already");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1)
		return err_sys(e, "socketpair");
	scope_fd ours = pair[0], theirs = pair[1];
	pid_t pid = fork();
	if (pid == -1)
		return err_sys(e, "fork a chore");
	if (pid == 0)
		do_chore(theirs, work, arg, keep);
	c->answer = (struct watcher){ ours, on_answer, c };
	if (loop_add(loop, &c->answer, e) == -1) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		return -1;
	}
	take_fd(&ours);
	c->loop = loop;
	c->pid = pid;
	return 0;
}

void
chore_end(struct chore *c)
{
	if (c->loop == NULL)
		return;
	loop_remove(c->loop, &c->answer);
	close(c->answer.fd);
	kill(c->pid, SIGKILL); /* it has nothing left to do, or nobody to do it for */
	waitpid(c->pid, NULL, 0);
	c->loop = NULL;
}
