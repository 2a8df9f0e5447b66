#include "base/kernel.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CLOEXEC (1L << 2) /* CLOSE_RANGE_CLOEXEC: not in the first version */
#define NOTHING 0xffffffffL

static const uint32_t notify = SECCOMP_RET_USER_NOTIF;

/* Each with arguments that it can do nothing with, and its answer where it is there. */
static const struct {
	const char *name, *since;
	long number, a[5];
	int answer;
	bool privileged; /* EPERM tells only that we may not */
} calls[] = {
	{ "memfd_create", "3.17", SYS_memfd_create, { 0, NOTHING }, EINVAL, false },
	{ "seccomp", "5.0", SYS_seccomp,
	    { SECCOMP_GET_ACTION_AVAIL, 0, (long)(uintptr_t)&notify }, 0, false },
	{ "open_tree", "5.2", SYS_open_tree, { -1, 0, NOTHING }, EINVAL, false },
	{ "move_mount", "5.2", SYS_move_mount, { -1, 0, -1, 0, NOTHING }, EINVAL, true },
	{ "clone3", "5.3", SYS_clone3, { 0, 0 }, EINVAL, false },
	{ "openat2", "5.6", SYS_openat2, { -1, 0, 0, 0 }, EINVAL, false },
	{ "close_range", "5.11", SYS_close_range, { NOTHING, NOTHING, CLOEXEC }, 0,
	    false },
	{ "mount_setattr", "5.12", SYS_mount_setattr, { -1, 0, 0, 0, 0 }, EINVAL, false },
};

static bool
is_there(size_t i)
{
	const long *a = calls[i].a;

	errno = 0;
	if (syscall(calls[i].number, a[0], a[1], a[2], a[3], a[4]) != -1)
		errno = 0;
	return errno == calls[i].answer || (errno == EPERM && calls[i].privileged);
}

unsigned
kernel_missing(char out[KERNEL_MISSING_MAX])
{
	unsigned n = 0;

	out[0] = '\0';
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		size_t used = strlen(out);

		if (!is_there(i))
			snprintf(out + used, KERNEL_MISSING_MAX - used, "%s%s (%s)",
			    n++ > 0 ? ", " : "", calls[i].name, calls[i].since);
	}
	return n;
}

int
kernel_check(struct err *e)
{
	char missing[KERNEL_MISSING_MAX];

	if (kernel_missing(missing) == 0)
		return 0;
	return err_set(e, ERR_SYS,
	    "the kernel, or a container, lacks %s: " KERNEL_NEEDED " or later is needed",
	    missing);
}
