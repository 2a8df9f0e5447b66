/* Control groups by libcgroup. */
#include <errno.h>
#include <libcgroup.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "sandbox/cgroup_tree.h"

static int
library(int ret, struct err *e, const char *what, const char *group)
{
	if (ret == 0)
		return 0;
	errno = ret == ECGOTHER ? cgroup_get_last_errno() : 0;
	return err_sys(e, "libcgroup: %s %s: %s", what, group, cgroup_strerror(ret));
}

int
tree_open(struct err *e)
{
	int ret = cgroup_init();

	if (ret == 0)
		return 0;
	/* its own words for it are "Success", where /sys/fs/cgroup is empty */
	return err_set(e, ERR_SYS,
	    "control groups are not mounted: boot with cgroup v2, or mount them "
	    "(libcgroup: %d)",
	    ret);
}

int
tree_mount_point(const char *controller, char *out, size_t size, struct err *e)
{
	char *mp = NULL;

	if (cgroup_get_subsys_mount_point(controller, &mp) != 0 || mp == NULL)
		return err_set(e, ERR_SYS, "not mounted");
	snprintf(out, size, "%s", mp);
	free(mp);
	return 0;
}

static void
free_group(struct cgroup **cg)
{
	if (*cg != NULL)
		cgroup_free(cg);
}
#define scope_group __attribute__((cleanup(free_group))) struct cgroup

static int
new_group(const struct tree_group *g, struct cgroup **out, struct err *e)
{
	struct cgroup *cg = cgroup_new_cgroup(g->name);

	if (cg == NULL)
		return err_set(e, ERR_SYS, "libcgroup: no memory");
	for (const char *const *c = g->controllers; *c != NULL; c++)
		if (cgroup_add_controller(cg, *c) == NULL) {
			cgroup_free(&cg);
			return err_set(e, ERR_SYS, "libcgroup: add controller %s", *c);
		}
	*out = cg;
	return 0;
}

/* On v2 it hands controllers down all the way from the root, which who was given a group
 * below may not; where that begins, cgroup.c has done it. */
static int
make_below(const struct tree_group *g, struct err *e)
{
	char path[700];

	snprintf(path, sizeof(path), "%s/%s", g->v2_root, g->name);
	return mkdir(path, 0755) == 0 || errno == EEXIST ? 0
							 : err_sys(e, "make %s", path);
}

int
tree_make(const struct tree_group *g, struct err *e)
{
	scope_group *cg = NULL;

	if (new_group(g, &cg, e) == -1)
		return -1;
	int ret = cgroup_create_cgroup(cg, 0);
	if (ret == ECGROUPVALUENOTEXIST && g->v2_root != NULL)
		return make_below(g, e);
	return library(ret, e, "make", g->name);
}

int
tree_attach(const struct tree_group *g, pid_t pid, struct err *e)
{
	scope_group *cg = NULL;

	if (new_group(g, &cg, e) == -1)
		return -1;
	return library(cgroup_attach_task_pid(cg, pid), e, "attach to", g->name);
}

int
tree_remove(const struct tree_group *g, struct err *e)
{
	/* v2 has one directory for all of them, which libcgroup 2.0 would remove once for
	 * each, and complain the second time */
	const char *const any[] = { g->controllers[0], NULL };
	const struct tree_group once = { .name = g->name,
		.controllers = g->v2_root != NULL ? any : g->controllers };
	scope_group *cg = NULL;

	if (new_group(&once, &cg, e) == -1)
		return -1;
	return library(cgroup_delete_cgroup_ext(cg, CGFLAG_DELETE_IGNORE_MIGRATION), e,
	    "remove", g->name);
}

void
tree_remove_empty(const struct tree_group *g)
{
	struct err ignored = { 0 };
	scope_group *cg = NULL;

	if (new_group(g, &cg, &ignored) == 0)
		cgroup_delete_cgroup_ext(cg, CGFLAG_DELETE_EMPTY_ONLY);
}
