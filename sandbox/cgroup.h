/*
 * cgroup - the control groups of the slots, on v1, v2 and hybrid machines.
 *
 * Groups are made, filled and removed by cgroup_tree.h, with libcgroup or without: 0.7 ms
 * a call with it, so at the start of a slot only.  What is read and written per test goes
 * through descriptors opened here once (meter.h).
 */
#ifndef SANDBOX_CGROUP_H
#define SANDBOX_CGROUP_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "sandbox/meter.h"

struct cgroups;

/* Finds the controllers.  name: "judgebox", below the root of every hierarchy, or "self",
 * below the group we were started in (a delegated v2 subtree).  Fails, in one sentence,
 * if memory, pids, cpu or CPU accounting is missing. */
int cgroups_open(const char *name, struct cgroups **out, struct err *e);
void cgroups_close(struct cgroups *g);
bool cgroups_v2(const struct cgroups *g);

/* May we make groups below ours?  Root may; an account where it was given one. */
int cgroups_check_given(const struct cgroups *g, struct err *e);
/* Is there a bound on memory or processor time in a group above ours? */
bool cgroups_bounded_above(const struct cgroups *g);

/* Kills and removes whatever an earlier instance left. */
int cgroups_clean(struct cgroups *g, unsigned slots, struct err *e);

/* fd: METER_MAX_ descriptors, owned by the caller; a file the kernel lacks is -1. */
int cgroups_make_slot(
    struct cgroups *g, unsigned slot, int fd[METER_MAX_], struct err *e);
int cgroups_attach(struct cgroups *g, unsigned slot, pid_t pid, struct err *e);
/* ERR_BUSY: something still lives in it. */
int cgroups_drop_slot(struct cgroups *g, unsigned slot, struct err *e);

#endif
