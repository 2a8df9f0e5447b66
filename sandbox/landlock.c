#include "sandbox/landlock.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/scope.h"
#include "sandbox/fault.h"

/* As in linux/landlock.h: Debian 12's knows version 1 only. */
#define NR_CREATE   444
#define NR_ADD      445
#define NR_RESTRICT 446
#define ASK_VERSION 1
#define BENEATH     1 /* the one kind of rule used here */

#define FS(bit)     (1ULL << (bit))
#define EXECUTE     FS(0)
#define WRITE_FILE  FS(1)
#define READ_FILE   FS(2)
#define READ_DIR    FS(3)
#define REMOVE_DIR  FS(4)
#define REMOVE_FILE FS(5)
#define MAKE_DIR    FS(7)
#define MAKE_REG    FS(8)
#define MAKE_SYM    FS(12)
#define REFER       FS(13)
#define TRUNCATE    FS(14)
#define LOOK        (EXECUTE | READ_FILE | READ_DIR)
#define CHANGE                                                                           \
	(WRITE_FILE | TRUNCATE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG | REFER)

#define QUIET 1 /* no line in the kernel's log for what is refused before execve(2) */

struct ruleset {
	uint64_t fs;     /* rights on files that need a rule */
	uint64_t net;    /* TCP bind and connect */
	uint64_t scoped; /* abstract unix sockets, signals */
};

struct __attribute__((packed)) rule {
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

static const char *const mode_names[] = {
	[LANDLOCK_OFF] = "off",
	[LANDLOCK_AUTO] = "auto",
	[LANDLOCK_REQUIRED] = "required",
};

int
landlock_mode_of(const char *name)
{
	for (int i = 0; i < (int)(sizeof(mode_names) / sizeof(mode_names[0])); i++)
		if (strcmp(mode_names[i], name) == 0)
			return i;
	return -1;
}

int
landlock_abi(void)
{
	long abi = syscall(NR_CREATE, NULL, 0, ASK_VERSION);

	return abi > 0 ? (int)abi : 0;
}

static int
add_rule(int set, uint64_t handled, int parent, uint64_t allowed, struct err *e)
{
	struct rule r = { .allowed = allowed & handled, .parent = parent };

	if (syscall(NR_ADD, set, BENEATH, &r, 0) == -1)
		return err_sys(e, "Landlock: add a rule");
	return 0;
}

static int
add_path(int set, uint64_t handled, const char *path, uint64_t allowed, struct err *e)
{
	scope_fd fd = open(path, O_PATH | O_CLOEXEC);

	if (fd == -1)
		return err_sys(e, "Landlock: open %s", path);
	return add_rule(set, handled, fd, allowed, e);
}

static int
add_view(int set, uint64_t handled, enum landlock_view view, struct err *e)
{
	if (view == LANDLOCK_TEST)
		return add_path(set, handled, "/", LOOK | CHANGE, e);
	if (add_path(set, handled, "/", LOOK, e) == -1 ||
	    add_path(set, handled, "/dev", WRITE_FILE, e) == -1)
		return -1;
	return add_path(set, handled, "/work", LOOK | CHANGE | MAKE_SYM, e);
}

int
landlock_enter(enum landlock_mode mode, enum landlock_view view, int proc, struct err *e)
{
	const struct version *v = NULL;
	int abi = mode == LANDLOCK_OFF || JB_FAULT(LANDLOCK) ? 0 : landlock_abi();

	for (unsigned i = 0; i < sizeof(versions) / sizeof(versions[0]); i++)
		if (versions[i].abi <= abi)
			v = &versions[i];
	if (v == NULL && mode == LANDLOCK_REQUIRED && !JB_FAULT(LANDLOCK))
		return err_set(e, ERR_SYS, "the kernel has no Landlock");
	if (v == NULL)
		return 0;

	struct ruleset s = v->rest;
	s.fs = (1ULL << v->fs_bits) - 1;
	scope_fd set = (int)syscall(NR_CREATE, &s, v->size, 0);
	if (set == -1)
		return err_sys(e, "Landlock: make a ruleset");
	/* the one file of a launcher outside; no box can name it */
	if (add_view(set, s.fs, view, e) == -1 ||
	    add_rule(set, s.fs, proc, WRITE_FILE, e) == -1)
		return -1;
	if (syscall(NR_RESTRICT, set, v->flags) == -1)
		return err_sys(e, "Landlock: enter the domain");
	return 0;
}
