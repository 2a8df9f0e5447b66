#include "base/landlock.h"

#include <fcntl.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/scope.h"

#define NR_CREATE   444
#define NR_ADD      445
#define NR_RESTRICT 446
#define ASK_VERSION 1
#define BENEATH     1 /* the one kind of rule used here */
#define QUIET       1 /* no line in the kernel's log for what is refused */

struct ruleset {
	uint64_t fs;     /* rights on files that need a rule */
	uint64_t net;    /* TCP bind and connect */
	uint64_t scoped; /* abstract unix sockets, signals */
};

struct __attribute__((packed)) beneath {
	uint64_t allowed;
	int32_t parent;
};

/* What each version handles; the last row that the kernel reaches counts. */
static const struct version {
	int abi;
	unsigned fs_bits; /* the lowest so many rights on files */
	struct ruleset rest;
	size_t size; /* of struct ruleset as that version knows it */
	unsigned flags;
} versions[] = {
	{ 1, 13, { 0 }, 8, 0 },
	{ 2, 14, { 0 }, 8, 0 }, /* REFER */
	{ 3, 15, { 0 }, 8, 0 }, /* TRUNCATE */
	{ 4, 15, { .net = 3 }, 16, 0 },
	{ 5, 16, { .net = 3 }, 16, 0 }, /* IOCTL_DEV */
	{ 6, 16, { .net = 3, .scoped = 3 }, 24, 0 },
	{ 7, 16, { .net = 3, .scoped = 3 }, 24, QUIET },
};

int
landlock_abi(void)
{
	long abi = syscall(NR_CREATE, NULL, 0, ASK_VERSION);

	return abi > 0 ? (int)abi : 0;
}

static int
add_rule(int set, uint64_t handled, const struct landlock_rule *r, struct err *e)
{
	scope_fd opened = r->path != NULL ? open(r->path, O_PATH | O_CLOEXEC) : -1;

	if (r->path != NULL && opened == -1)
		return err_sys(e, "Landlock: open %s", r->path);
	struct beneath b = { .allowed = r->allowed & handled,
		.parent = r->path != NULL ? opened : r->fd };
	if (syscall(NR_ADD, set, BENEATH, &b, 0) == -1)
		return err_sys(e, "Landlock: add a rule");
	return 0;
}

int
landlock_enter(const struct landlock_rule *rules, unsigned n, struct err *e)
{
	const struct version *v = NULL;
	int abi = landlock_abi();

	for (unsigned i = 0; i < sizeof(versions) / sizeof(versions[0]); i++)
		if (versions[i].abi <= abi)
			v = &versions[i];
	if (v == NULL)
		return 0;

	struct ruleset s = v->rest;
	s.fs = (1ULL << v->fs_bits) - 1;
	scope_fd set = (int)syscall(NR_CREATE, &s, v->size, 0);
	if (set == -1)
		return err_sys(e, "Landlock: make a ruleset");
	for (unsigned i = 0; i < n; i++)
		if (add_rule(set, s.fs, &rules[i], e) == -1)
			return -1;
	if (syscall(NR_RESTRICT, set, v->flags) == -1)
		return err_sys(e, "Landlock: enter the domain");
	return 0;
}
