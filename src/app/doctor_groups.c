/* The control groups that boxes are put into, and the memory that they leave to them. */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/doctor.h"
#include "app/room.h"
#include "base/scope.h"
#include "base/weaker.h"

#define MIB ((uint64_t)1 << 20)

static const char *const controllers[] = { "memory", "pids", "cpu", "cpuacct" };
#define CONTROLLERS (sizeof(controllers) / sizeof(controllers[0]))

bool
doctor_lists(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *at = strstr(list, word); at != NULL; at = strstr(at + 1, word)) {
		bool begins = at == list || strchr(" ,", at[-1]) != NULL;
		if (begins && (at[n] == '\0' || strchr(" ,\n", at[n]) != NULL))
			return true;
	}
	return false;
}

struct cgroups {
	char v2[128]; /* where cgroup2 is mounted; "" if nowhere */
	char v2_controllers[128];
	char v1[CONTROLLERS][128]; /* where each is mounted as v1 */
};

/* A line of mountinfo: … root MOUNT_POINT options … - TYPE source SUPER_OPTIONS */
static void
take_mount(struct cgroups *g, const char *line)
{
	char point[128] = "", type[32] = "", super[256] = "", path[160];
	const char *dash = strstr(line, " - ");

	if (dash == NULL || sscanf(line, "%*s %*s %*s %*s %127s", point) != 1 ||
	    sscanf(dash, " - %31s %*s %255s", type, super) != 2)
		return;
	if (strcmp(type, "cgroup2") == 0 && g->v2[0] == '\0') {
		snprintf(g->v2, sizeof(g->v2), "%s", point);
		snprintf(path, sizeof(path), "%s/cgroup.controllers", point);
		doctor_read(path, g->v2_controllers, sizeof(g->v2_controllers));
	}
	for (size_t i = 0; i < CONTROLLERS; i++)
		if (strcmp(type, "cgroup") == 0 && doctor_lists(super, controllers[i]))
			snprintf(g->v1[i], sizeof(g->v1[i]), "%s", point);
}

static void
find_cgroups(struct cgroups *g)
{
	char line[1024];
	FILE *in = fopen("/proc/self/mountinfo", "re");

	*g = (struct cgroups){ 0 };
	while (in != NULL && fgets(line, sizeof(line), in) != NULL)
		take_mount(g, line);
	if (in != NULL)
		fclose(in);
}

/* False if a group counts memory, and not its peak: before Linux 5.19 none does. */
static bool
counts_peaks(const struct cgroups *g)
{
	char path[400];
	bool counts = true;
	DIR *root = g->v1[0][0] == '\0' ? opendir(g->v2) : NULL;

	for (const struct dirent *e; root != NULL && (e = readdir(root)) != NULL;) {
		snprintf(path, sizeof(path), "%s/%s/memory.current", g->v2, e->d_name);
		if (access(path, F_OK) == -1)
			continue;
		snprintf(path, sizeof(path), "%s/%s/memory.peak", g->v2, e->d_name);
		counts = access(path, F_OK) == 0;
		break;
	}
	if (root != NULL)
		closedir(root);
	return counts;
}

void
doctor_check_groups(struct doctor *d, struct finding *f)
{
	struct cgroups g;
	char missing[80] = "", where[100] = "";

	find_cgroups(&g);
	for (size_t i = 0; i < CONTROLLERS; i++) {
		/* v2 has no cpuacct: its cpu.stat is always there */
		const char *in_v2 =
		    strcmp(controllers[i], "cpuacct") == 0 ? "cpu" : controllers[i];
		const char *from = g.v1[i][0] != '\0'                      ? "v1"
				   : doctor_lists(g.v2_controllers, in_v2) ? "v2"
									   : NULL;
		char *list = from != NULL ? where : missing;
		size_t n = strlen(list),
		       size = from != NULL ? sizeof(where) : sizeof(missing);
		snprintf(list + n, size - n, "%s%s%s%s", n > 0 ? ", " : "",
		    controllers[i], from != NULL ? " " : "", from != NULL ? from : "");
	}
	if (missing[0] != '\0')
		doctor_found(f, HEALTH_FAIL, "no %s", missing);
	else if (!counts_peaks(&g))
		doctor_found(f, HEALTH_FAIL, "%s has no memory.peak", g.v2);
	else if (d->root && !weaker_is_account() &&
		 access(g.v1[0][0] != '\0' ? g.v1[0] : g.v2, W_OK) == -1)
		doctor_found(f, HEALTH_FAIL, "%s is read-only",
		    g.v1[0][0] != '\0' ? g.v1[0] : g.v2);
	else
		doctor_found(f, HEALTH_OK, "%s", where);
}

static bool
has_swap(void)
{
	char line[160];
	unsigned long long kb = 0;
	FILE *in = fopen("/proc/meminfo", "re");

	while (in != NULL && fgets(line, sizeof(line), in) != NULL)
		if (sscanf(line, "SwapTotal: %llu", &kb) == 1)
			break;
	if (in != NULL)
		fclose(in);
	return kb > 0;
}

/* v2 counts swap unless told not to; the file is absent in the root cgroup, so that the
 * kernel's command line has to be asked. */
void
doctor_check_swap(struct doctor *d, struct finding *f)
{
	struct cgroups g;
	char path[200], line[1024] = "";

	(void)d;
	find_cgroups(&g);
	snprintf(path, sizeof(path), "%s/memory.memsw.limit_in_bytes", g.v1[0]);
	doctor_read("/proc/cmdline", line, sizeof(line));
	bool counted = g.v1[0][0] != '\0' ? access(path, F_OK) == 0
					  : strstr(line, "swapaccount=0") == NULL;
	if (counted)
		doctor_found(f, HEALTH_OK, "counted");
	else if (!has_swap())
		doctor_found(f, HEALTH_OK, "not counted, but there is no swap");
	else
		doctor_found(f, HEALTH_FAIL, "swap is in use and not counted");
}

/* --- memory --- */

static void
narrow_by(struct room *r, const struct cgroups *g, const char *pid)
{
	struct room_group group;
	char path[300], text[4096] = "";

	snprintf(path, sizeof(path), "/proc/%.16s/cgroup", pid);
	scope_fd fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1 || read(fd, text, sizeof(text) - 1) < 1 ||
	    !room_group_of(text, &group))
		return;
	if (group.v2)
		room_narrow(r, g->v2, group.path, "memory.max");
	else
		room_narrow(r, g->v1[0], group.path, "memory.limit_in_bytes");
}

/* The helper may be in another group than its slots, which are its children. */
static void
narrow_by_helper(struct room *r, const struct cgroups *g, const char *pid)
{
	char path[300], children[4096] = "", name[32] = "";

	snprintf(path, sizeof(path), "/proc/%.16s/comm", pid);
	doctor_read(path, name, sizeof(name));
	if (strcmp(name, "judgebox-sandbo") != 0)
		return;
	narrow_by(r, g, pid);
	snprintf(path, sizeof(path), "/proc/%.16s/task/%.16s/children", pid, pid);
	doctor_read(path, children, sizeof(children));
	char *rest = children;
	for (char *child; (child = strsep(&rest, " ")) != NULL;)
		if (child[0] != '\0')
			narrow_by(r, g, child);
}

static struct room
find_room(void)
{
	struct cgroups g;
	struct room r = { (uint64_t)sysconf(_SC_PHYS_PAGES) *
			      (uint64_t)sysconf(_SC_PAGESIZE),
		"the machine" };
	DIR *proc = opendir("/proc");

	find_cgroups(&g);
	for (const struct dirent *e; proc != NULL && (e = readdir(proc)) != NULL;)
		if (isdigit((unsigned char)e->d_name[0]))
			narrow_by_helper(&r, &g, e->d_name);
	if (proc != NULL)
		closedir(proc);
	return r;
}

/* What requests may ask for of it, for a test or for the compiler. */
static uint64_t
most_of_a_slot(const struct doctor *d)
{
	uint64_t run = d->settings.site.cap.memory_bytes,
		 compile = d->settings.site.compile_cap.memory_bytes,
		 helper = d->caps.memory_bytes;
	uint64_t most = run == 0 || compile == 0 ? 0 : run > compile ? run : compile;

	return most == 0 || (helper != 0 && most > helper) ? helper : most;
}

void
doctor_check_memory(struct doctor *d, struct finding *f)
{
	uint64_t each = most_of_a_slot(d);
	struct room r = find_room();

	if (!d->have_caps || each == 0) {
		doctor_found(f, HEALTH_WARN,
		    "%llu MiB (%s); what slots may take is not known",
		    (unsigned long long)(r.bytes / MIB), r.where);
		return;
	}
	doctor_found(f, d->most_slots * each <= r.bytes ? HEALTH_OK : HEALTH_WARN,
	    "%u slots, spare ones too, of %llu MiB: %llu MiB of %llu (%s)", d->most_slots,
	    (unsigned long long)(each / MIB),
	    (unsigned long long)(d->most_slots * each / MIB),
	    (unsigned long long)(r.bytes / MIB), r.where);
}
