#include "sandbox/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/fd.h"
#include "base/scope.h"
#include "sandbox/cgroup_tree.h"

#define V2_ROOT "/sys/fs/cgroup" /* where systemd and every distribution mount it */

struct cgroups {
	bool v2;
	char base[256]; /* relative to the mount points, no slash at either end */
};

static const char *const v1_controllers[] = { "memory", "pids", "cpu", "cpuacct", NULL };
static const char *const v2_controllers[] = { "memory", "pids", "cpu", NULL };

/* Which file of which controller is which meter. */
static const struct {
	const char *controller, *v1, *v2; /* NULL: there is none */
	bool optional;
	int flags;
} files[METER_MAX_] = {
	[METER_CPU] = { "cpuacct", "cpuacct.usage", "cpu.stat", false, O_RDONLY },
	[METER_CPU_MAX] = { "cpu", "cpu.cfs_quota_us", "cpu.max", false, O_RDWR },
	[METER_MEMORY] = { "memory", "memory.usage_in_bytes", "memory.current", false,
	    O_RDONLY },
	[METER_MEMORY_PEAK] = { "memory", "memory.max_usage_in_bytes", "memory.peak",
	    false, O_RDWR },
	[METER_MEMORY_MAX] = { "memory", "memory.limit_in_bytes", "memory.max", false,
	    O_RDWR },
	[METER_MEMSW_MAX] = { "memory", "memory.memsw.limit_in_bytes", "memory.swap.max",
	    true, O_RDWR },
	[METER_OOM] = { "memory", "memory.oom_control", "memory.events", false,
	    O_RDONLY },
	[METER_PIDS] = { "pids", "pids.current", "pids.current", false, O_RDONLY },
	[METER_PIDS_MAX] = { "pids", "pids.max", "pids.max", false, O_RDWR },
	[METER_KERNEL] = { "memory", "memory.kmem.usage_in_bytes", "memory.stat", true,
	    O_RDONLY },
	[METER_SHED] = { "memory", "memory.force_empty", "memory.reclaim", true,
	    O_WRONLY },
	[METER_STAT] = { "memory", "memory.stat", "memory.stat", true, O_RDONLY },
	[METER_REFUSED] = { "pids", "pids.events", "pids.events", true, O_RDONLY },
	[METER_REFUSED_ALL] = { "pids", NULL, "pids.events.local", true, O_RDONLY },
	[METER_PIDS_PEAK] = { "pids", "pids.peak", "pids.peak", true, O_RDONLY },
};

static int
mount_point(const struct cgroups *g, const char *controller, char *out, size_t size,
    struct err *e)
{
	if (g->v2) {
		snprintf(out, size, "%s", V2_ROOT);
		return 0;
	}
	if (tree_mount_point(controller, out, size, e) == -1)
		return err_set(e, ERR_SYS,
		    "cgroup controller '%s' is not mounted: boot with cgroup v2, or "
		    "mount it",
		    controller);
	return 0;
}

static void
slot_name(const struct cgroups *g, unsigned slot, char *out, size_t size)
{
	snprintf(out, size, "%s/slot%u", g->base, slot);
}

/* --- v2: controllers are handed down level by level ------------------------------------
 */

static int
write_file(const char *path, const char *text, struct err *e)
{
	scope_fd fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd == -1)
		return err_sys(e, "open %s", path);
	if (fd_write_all(fd, text, strlen(text), e) == -1)
		return err_wrap(e, "write '%s' to %s", text, path);
	return 0;
}

static int
hand_down(const char *group, struct err *e)
{
	char path[400];

	snprintf(path, sizeof(path), V2_ROOT "/%s%scgroup.subtree_control", group,
	    group[0] != '\0' ? "/" : "");
	return write_file(path, "+memory +pids +cpu", e);
}

static int
own_v2_group(char *out, size_t size, struct err *e)
{
	char line[512];

	FILE *f = fopen("/proc/self/cgroup", "re");
	if (f == NULL)
		return err_sys(e, "open /proc/self/cgroup");
	out[0] = '\0';
	while (fgets(line, sizeof(line), f) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "0::/", 4) == 0)
			snprintf(out, size, "%.200s", line + 4);
	}
	fclose(f);
	return 0;
}

/* A group with controllers for its children may hold no process itself: we move into a
 * leaf of our own (cgroups(7), "no internal processes"). */
static int
move_self_down(const struct cgroups *g, struct err *e)
{
	char path[400], pid[16];

	snprintf(path, sizeof(path), V2_ROOT "/%s/supervisor", g->base);
	if (mkdir(path, 0755) == -1 && errno != EEXIST)
		return err_sys(e, "make %s", path);
	snprintf(path, sizeof(path), V2_ROOT "/%s/supervisor/cgroup.procs", g->base);
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	return write_file(path, pid, e);
}

static int
prepare_v2(struct cgroups *g, const char *name, struct err *e)
{
	char path[400];

	if (strcmp(name, "self") == 0) {
		if (own_v2_group(g->base, sizeof(g->base), e) == -1)
			return -1;
		/* started by hand in the root group: nothing was delegated, nothing
		 * forbids */
		char *tail = strstr(g->base, "/supervisor");
		if (tail != NULL && tail[strlen("/supervisor")] == '\0')
			*tail = '\0';
		if (g->base[0] == '\0')
			return err_set(e, ERR_SYS,
			    "cgroup = \"self\" needs a delegated group (systemd: "
			    "Delegate=yes)");
		if (move_self_down(g, e) == -1)
			return -1;
		return hand_down(g->base, e);
	}
	snprintf(g->base, sizeof(g->base), "%s", name);
	if (hand_down("", e) == -1)
		return -1;
	snprintf(path, sizeof(path), V2_ROOT "/%s", name);
	if (mkdir(path, 0755) == -1 && errno != EEXIST)
		return err_sys(e, "make %s", path);
	return hand_down(name, e);
}

static bool
v2_has_memory(void)
{
	char text[512];

	scope_fd fd = open(V2_ROOT "/cgroup.controllers", O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return false;
	ssize_t n = read(fd, text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	return strstr(text, "memory") != NULL;
}

int
cgroups_open(const char *name, struct cgroups **out, struct err *e)
{
	char mp[256];

	if (tree_open(e) == -1)
		return -1;
	scope_free struct cgroups *g = calloc(1, sizeof(*g));
	if (g == NULL)
		return err_sys(e, "calloc");
	g->v2 = v2_has_memory();
	if (g->v2 && prepare_v2(g, name, e) == -1)
		return -1;
	if (!g->v2) {
		if (strcmp(name, "self") == 0)
			name =
			    "judgebox"; /* v1 has no delegation: the root of each tree */
		snprintf(g->base, sizeof(g->base), "%s", name);
		for (const char *const *c = v1_controllers; *c != NULL; c++)
			if (mount_point(g, *c, mp, sizeof(mp), e) == -1)
				return -1;
	}
	*out = take_ptr(&g);
	return 0;
}

bool
cgroups_v2(const struct cgroups *g)
{
	return g->v2;
}

int
cgroups_check_given(const struct cgroups *g, struct err *e)
{
	const char *const *c = g->v2 ? v2_controllers : v1_controllers;
	char mp[256], path[640];

	for (; *c != NULL; c++) {
		if (mount_point(g, *c, mp, sizeof(mp), e) == -1)
			return -1;
		snprintf(path, sizeof(path), "%s/%s", mp, g->base);
		if (access(path, W_OK) == -1)
			return err_sys(e,
			    "control group %s was not given to this account: use "
			    "systemd --user, or let root make it and chown it",
			    path);
	}
	return 0;
}

/* A bound is a number: neither "max" nor -1, nor what v1 has for infinity. */
static bool
is_bounded(const char *mp, const char *group, const char *file)
{
	char path[700], text[32] = "";

	snprintf(path, sizeof(path), "%s/%s/%s", mp, group, file);
	scope_fd fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd != -1 && read(fd, text, sizeof(text) - 1) > 0 && text[0] >= '0' &&
	       text[0] <= '9' && strtoull(text, NULL, 10) < 1ULL << 62;
}

bool
cgroups_bounded_above(const struct cgroups *g)
{
	static const enum meter_file bounds[] = { METER_MEMORY_MAX, METER_CPU_MAX };
	char group[sizeof(g->base)], mp[256];
	struct err ignored = { 0 };
	char *slash;

	snprintf(group, sizeof(group), "%s", g->base);
	while ((slash = strrchr(group, '/')) != NULL) {
		*slash = '\0';
		for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
			enum meter_file f = bounds[i];

			if (mount_point(
				g, files[f].controller, mp, sizeof(mp), &ignored) == 0 &&
			    is_bounded(mp, group, g->v2 ? files[f].v2 : files[f].v1))
				return true;
		}
	}
	return false;
}

/* --- one slot -------------------------------------------------------------------------
 */

static struct tree_group
group_named(const struct cgroups *g, const char *name)
{
	return (struct tree_group){ .name = name,
		.controllers = g->v2 ? v2_controllers : v1_controllers,
		.v2_root = g->v2 ? V2_ROOT : NULL };
}

static int
open_meter(
    const struct cgroups *g, const char *name, enum meter_file f, int *fd, struct err *e)
{
	char mp[256], path[640];
	const char *file = g->v2 ? files[f].v2 : files[f].v1;
	int flags = files[f].flags | O_CLOEXEC;

	if (file == NULL)
		return 0;
	if (mount_point(g, files[f].controller, mp, sizeof(mp), e) == -1)
		return -1;
	snprintf(path, sizeof(path), "%s/%s/%s", mp,
	    f == METER_REFUSED_ALL ? g->base : name, file);
	*fd = open(path, flags);
	if (*fd == -1 && f == METER_MEMORY_PEAK && g->v2)
		*fd = open(
		    path, O_RDONLY | O_CLOEXEC); /* cannot be reset before Linux 6.12 */
	if (*fd == -1 && !files[f].optional)
		return err_sys(e, "open %s%s", path,
		    f == METER_MEMORY_PEAK && g->v2 ? ", which is of Linux 5.19" : "");
	return 0;
}

/* No swap, whatever the machine has: time and memory would mean nothing. */
static int
forbid_swap(
    const struct cgroups *g, const char *name, const int fd[METER_MAX_], struct err *e)
{
	char mp[256], path[640];

	if (g->v2) {
		if (fd[METER_MEMSW_MAX] == -1)
			return 0; /* a kernel without swap */
		if (pwrite(fd[METER_MEMSW_MAX], "0", 1, 0) == -1)
			return err_sys(e, "set memory.swap.max of %s", name);
		return 0;
	}
	if (mount_point(g, "memory", mp, sizeof(mp), e) == -1)
		return -1;
	snprintf(path, sizeof(path), "%s/%s/memory.swappiness", mp, name);
	return write_file(path, "0", e);
}

int
cgroups_make_slot(struct cgroups *g, unsigned slot, int fd[METER_MAX_], struct err *e)
{
	char name[320];

	slot_name(g, slot, name, sizeof(name));
	for (int i = 0; i < METER_MAX_; i++)
		fd[i] = -1;
	const struct tree_group group = group_named(g, name);
	if (tree_make(&group, e) == -1)
		return -1;
	for (int i = 0; i < METER_MAX_; i++)
		if (open_meter(g, name, (enum meter_file)i, &fd[i], e) == -1) {
			fd_close_all(fd, METER_MAX_);
			return -1;
		}
	if (forbid_swap(g, name, fd, e) == -1) {
		fd_close_all(fd, METER_MAX_);
		return -1;
	}
	return 0;
}

int
cgroups_attach(struct cgroups *g, unsigned slot, pid_t pid, struct err *e)
{
	char name[320];

	slot_name(g, slot, name, sizeof(name));
	const struct tree_group group = group_named(g, name);
	return tree_attach(&group, pid, e);
}

/* Kills every process of a group; returns how many there were. */
static int
kill_members(const struct cgroups *g, const char *name)
{
	char mp[256], path[640], line[32];
	struct err ignored = { 0 };
	int n = 0;

	if (mount_point(g, "pids", mp, sizeof(mp), &ignored) == -1)
		return 0;
	snprintf(path, sizeof(path), "%s/%s/cgroup.procs", mp, name);
	FILE *f = fopen(path, "re");
	if (f == NULL)
		return 0;
	while (fgets(line, sizeof(line), f) != NULL) {
		pid_t pid = (pid_t)strtol(line, NULL, 10);

		if (pid > 1 && kill(pid, SIGKILL) == 0)
			n++;
	}
	fclose(f);
	return n;
}

static bool
exists(const struct cgroups *g, const char *name)
{
	const char *const *c = g->v2 ? v2_controllers : v1_controllers;
	char mp[256], path[640];
	struct err ignored = { 0 };

	for (; *c != NULL; c++) {
		if (mount_point(g, *c, mp, sizeof(mp), &ignored) == -1)
			continue;
		snprintf(path, sizeof(path), "%s/%s", mp, name);
		if (access(path, F_OK) == 0)
			return true;
	}
	return false;
}

int
cgroups_drop_slot(struct cgroups *g, unsigned slot, struct err *e)
{
	char name[320];

	slot_name(g, slot, name, sizeof(name));
	if (!exists(g, name))
		return 0;
	if (kill_members(g, name) > 0)
		return err_set(e, ERR_BUSY, "%s is not empty yet", name);
	const struct tree_group group = group_named(g, name);
	return tree_remove(&group, e);
}

int
cgroups_clean(struct cgroups *g, unsigned slots, struct err *e)
{
	const struct timespec pause = { .tv_nsec = 10 * 1000000 };

	if (JB_FAULT(SWEEP))
		return 0;
	for (unsigned i = 0; i < slots; i++)
		for (int tries = 0; cgroups_drop_slot(g, i, e) == -1; tries++) {
			if (tries == 200)
				return err_wrap(e, "left by an earlier instance");
			nanosleep(
			    &pause, NULL); /* the dying have no event for strangers */
		}
	*e = (struct err){ 0 };
	return 0;
}

/* Empty by now, or another instance's too: then it stays. */
void
cgroups_close(struct cgroups *g)
{
	if (g == NULL)
		return;
	const struct tree_group group = group_named(g, g->base);
	if (strchr(g->base, '/') == NULL && exists(g, g->base))
		tree_remove_empty(&group);
	free(g);
}
