/* Control groups by hand: a group is a directory, and a process moves by a write. */
#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/scope.h"
#include "sandbox/cgroup_tree.h"

#define PATH_BYTES 700

int
tree_open(struct err *e)
{
	(void)e;
	return 0;
}

int
tree_mount_point(const char *controller, char *out, size_t size, struct err *e)
{
	struct mntent m;
	char line[4096];
	bool found = false;
	FILE *f = setmntent("/proc/self/mounts", "re");

	if (f == NULL)
		return err_sys(e, "open /proc/self/mounts");
	while (!found && getmntent_r(f, &m, line, sizeof(line)) != NULL)
		found = strcmp(m.mnt_type, "cgroup") == 0 &&
			hasmntopt(&m, controller) != NULL && strlen(m.mnt_dir) < size;
	if (found)
		snprintf(out, size, "%s", m.mnt_dir);
	endmntent(f);
	return found ? 0 : err_set(e, ERR_SYS, "not mounted");
}

static int
path_of(const struct tree_group *g, const char *controller, const char *file,
    char out[PATH_BYTES], struct err *e)
{
	char mp[256];

	if (g->v2_root != NULL)
		snprintf(mp, sizeof(mp), "%s", g->v2_root);
	else if (tree_mount_point(controller, mp, sizeof(mp), e) == -1)
		return err_wrap(e, "cgroup controller '%s'", controller);
	int n = snprintf(out, PATH_BYTES, "%s/%s%s", mp, g->name, file);
	return n < PATH_BYTES ? 0 : err_set(e, ERR_BAD_INPUT, "%s is too long", g->name);
}

/* Does the same to the group in each of its hierarchies.  Controllers that share one come
 * twice to the same directory, which must do no harm. */
static int
in_each(const struct tree_group *g, const char *file,
    int (*act)(const char *path, const char *text, struct err *e), const char *text,
    struct err *e)
{
	char path[PATH_BYTES];

	for (const char *const *c = g->controllers; *c != NULL; c++) {
		if (path_of(g, *c, file, path, e) == -1 || act(path, text, e) == -1)
			return -1;
		if (g->v2_root != NULL)
			break;
	}
	return 0;
}

/* text: the group's name, which is how long the end of the path is that is ours. */
static int
make_path(const char *path, const char *text, struct err *e)
{
	char part[PATH_BYTES];
	size_t all = strlen(path), known = all - strlen(text);

	for (size_t i = known + 1; i <= all; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		snprintf(part, sizeof(part), "%.*s", (int)i, path);
		if (mkdir(part, 0755) == -1 && errno != EEXIST)
			return err_sys(e, "make %s", part);
	}
	return 0;
}

static int
write_path(const char *path, const char *text, struct err *e)
{
	scope_fd fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd == -1)
		return err_sys(e, "open %s", path);
	if (fd_write_all(fd, text, strlen(text), e) == -1)
		return err_wrap(e, "write '%s' to %s", text, path);
	return 0;
}

static int
remove_path(const char *path, const char *text, struct err *e)
{
	(void)text;
	if (rmdir(path) == -1 && errno != ENOENT) {
		int busy = errno == EBUSY;

		err_sys(e, "remove %s", path);
		e->code = busy ? ERR_BUSY : e->code;
		return -1;
	}
	return 0;
}

int
tree_make(const struct tree_group *g, struct err *e)
{
	return in_each(g, "", make_path, g->name, e);
}

int
tree_attach(const struct tree_group *g, pid_t pid, struct err *e)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", (int)pid);
	return in_each(g, "/cgroup.procs", write_path, text, e);
}

int
tree_remove(const struct tree_group *g, struct err *e)
{
	return in_each(g, "", remove_path, NULL, e);
}

void
tree_remove_empty(const struct tree_group *g)
{
	struct err ignored = { 0 };

	in_each(g, "", remove_path, NULL, &ignored);
}
