#include "sandbox/loop.h"

#include <errno.h>
#include <stddef.h>
#include <sys/epoll.h>

int
loop_open(struct loop *l, struct err *e)
{
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll == -1)
		return err_sys(e, "epoll_create");
	return 0;
}

int
loop_add(struct loop *l, struct watcher *w, struct err *e)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = w };

	if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, w->fd, &ev) == -1)
		return err_sys(e, "epoll_ctl");
	return 0;
}

void
loop_remove(struct loop *l, struct watcher *w)
{
	epoll_ctl(l->epoll, EPOLL_CTL_DEL, w->fd, NULL);
}

int
loop_turn(struct loop *l, int timeout_ms, struct err *e)
{
	struct epoll_event ev;
	/* One event at a time: a callback may close any other watcher. */
	int n = epoll_wait(l->epoll, &ev, 1, timeout_ms);

	if (n == -1 && errno != EINTR)
		return err_sys(e, "epoll_wait");
	if (n == 1) {
		struct watcher *w = ev.data.ptr;
		w->ready(w, ev.events);
	}
	return 0;
}
