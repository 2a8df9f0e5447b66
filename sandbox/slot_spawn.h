/*
 * slot_spawn - clones the first process of a slot into its namespaces, gives it its ids
 * and its cgroup, and starts judgebox-slot in it.
 */
#ifndef SANDBOX_SLOT_SPAWN_H
#define SANDBOX_SLOT_SPAWN_H

#include <sys/types.h>

#include "sandbox/cgroup.h"

#define SLOT_IDS 16 /* host ids per slot; two are mapped, the rest keeps slots apart */

struct slot_spawn {
	/* in */
	unsigned index, uid_base;
	int program, filters; /* borrowed */
	const int *meters;    /* METER_MAX_, borrowed */
	int cwd;              /* a directory that it begins in, borrowed; -1: / */
	struct cgroups *cgroups;
	/* out, owned by the caller */
	pid_t pid;
	int pidfd, control;
};

int slot_spawn(struct slot_spawn *s, struct err *e);

#endif
