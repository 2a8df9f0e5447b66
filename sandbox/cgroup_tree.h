/*
 * cgroup_tree - making, filling and removing control groups: what cgroup.c leaves to a
 * library.  Two files know how, and configure picks one: cgroup_lib.c by libcgroup,
 * cgroup_fs.c by hand, for systems that do not have it.  For cgroup.c alone.
 */
#ifndef SANDBOX_CGROUP_TREE_H
#define SANDBOX_CGROUP_TREE_H

#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

/* One group in the hierarchies of these controllers; v2 has but one hierarchy. */
struct tree_group {
	const char *name; /* relative to the mount points, no slash at either end */
	const char *const *controllers; /* NULL ends it */
	const char *v2_root;            /* NULL: v1 */
};

int tree_open(struct err *e);
/* Of a v1 controller.  Fails if it is not mounted. */
int tree_mount_point(const char *controller, char *out, size_t size, struct err *e);

/* With the groups above, if they are missing; one that is there is taken. */
int tree_make(const struct tree_group *g, struct err *e);
int tree_attach(const struct tree_group *g, pid_t pid, struct err *e);
/* One that is not there is removed already.  Nothing lives in it. */
int tree_remove(const struct tree_group *g, struct err *e);
/* If nothing lives in it and no group is below; else it stays. */
void tree_remove_empty(const struct tree_group *g);

#endif
