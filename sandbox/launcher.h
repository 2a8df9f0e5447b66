/*
 * launcher - starts the boxes of one slot, one at a time, under one seccomp filter.
 *
 * It reads its filter once, loads it, and from then on can do no more than the programs
 * it starts, plus what profiles/launcher.syscalls lists.
 */
#ifndef SANDBOX_LAUNCHER_H
#define SANDBOX_LAUNCHER_H

#include <linux/filter.h>

#include "base/err.h"
#include "sandbox/inner.h"
#include "sandbox/domain.h"
#include "sandbox/meter.h"
#include "sandbox/monitor.h"

struct launcher {
	struct meter meter;
	struct monitor monitor;
	int control;  /* socket: RUN and KILL come in, OUTCOME goes out */
	int listener; /* of the filter's tripwires */
	int proc;     /* the host's /proc */
};

/* What a launcher is made of; all borrowed. */
struct launcher_parts {
	int control, proc;
	const int *meters; /* METER_MAX_ of them */
	bool cgroup_v2;
	struct meter_force *force;
	const struct monitor_rules *monitor;
	enum domain_mode landlock;
	enum domain_view view;
	const struct sock_filter *program;
	unsigned instructions;
};

/* Takes over descriptors and becomes as small as a launcher is. */
int launcher_start(struct launcher *l, const struct launcher_parts *p, struct err *e);

/* One box, from start to the OUTCOME on l->control.  fds: [program] in out err; they
 * stay the caller's. */
int launcher_run(struct launcher *l, const struct inner_run *run, const int fds[],
    unsigned nfds, struct err *e);

/* Serves RUN after RUN until the helper hangs up. */
_Noreturn void launcher_serve(struct launcher *l);

#endif
