/*
 * loop - the helper's event loop: epoll(7), one callback per descriptor.
 */
#ifndef SANDBOX_LOOP_H
#define SANDBOX_LOOP_H

#include <stdint.h>

#include "base/err.h"

/* Embedded in whoever owns the descriptor; it must stay put while it is watched. */
struct watcher {
	int fd;
	void (*ready)(struct watcher *w, uint32_t events);
	void *owner;
};

struct loop {
	int epoll;
};

int loop_open(struct loop *l, struct err *e);
int loop_add(struct loop *l, struct watcher *w, struct err *e); /* for reading */
void loop_remove(struct loop *l, struct watcher *w);

/* Handles what is there, waiting at most timeout_ms (-1: for ever). */
int loop_turn(struct loop *l, int timeout_ms, struct err *e);

#endif
