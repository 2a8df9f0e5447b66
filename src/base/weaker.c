#include "base/weaker.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/scope.h"

/* linux/nsfs.h, which redefines nothing else of ours */
#define GET_OWNER_UID _IO(0xb7, 0x4)

const struct weaker_point weaker_points[WEAKER_MAX_] = {
	[WEAKER_SHARED_ACCOUNT] = { "shared-account",
	    "whatever else runs under this account can read and change all of judgebox",
	    "let root start judgebox, or give it an account of its own with nothing else "
	    "in it." },
	[WEAKER_SHARED_LIMITS] = { "shared-limits",
	    "a bound on memory or processor time above judgebox's group is shared: what "
	    "else uses it up makes runs fail, or slow",
	    "have root lift MemoryMax and CPUQuota of the groups above, or let root "
	    "start judgebox." },
};

/* The first namespace alone has all ids, each as itself. */
static bool
is_first_namespace(void)
{
	unsigned inside = 1, outside = 1, count = 0;
	FILE *map = fopen("/proc/self/uid_map", "re");

	if (map == NULL)
		return true; /* a kernel without user namespaces */
	int n = fscanf(map, "%u %u %u", &inside, &outside, &count);
	fclose(map);
	return n == 3 && inside == 0 && outside == 0 && count == 4294967295U;
}

bool
weaker_is_account(void)
{
	uid_t owner = (uid_t)-1;

	if (is_first_namespace())
		return false;
	scope_fd ns = open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC);
	/* who cannot be asked is not taken for the machine's root */
	return ns == -1 || ioctl(ns, GET_OWNER_UID, &owner) == -1 || owner == geteuid();
}

enum weaker
weaker_named(const char *name)
{
	enum weaker w = 0;

	while (w < WEAKER_MAX_ && strcmp(weaker_points[w].name, name) != 0)
		w++;
	return w;
}

int
weaker_check(unsigned mask, const struct words *accepted, struct err *e)
{
	for (enum weaker w = 0; w < WEAKER_MAX_; w++) {
		const struct weaker_point *p = &weaker_points[w];

		if ((mask & (1U << w)) == 0 || words_has(accepted, p->name))
			continue;
		return err_set(e, ERR_SYS,
		    "weaker than under root: %s; accept_weaker does not name \"%s\"",
		    p->what, p->name);
	}
	return 0;
}
