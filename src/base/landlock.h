/*
 * landlock - a process gives up rights on files, sockets and strangers, for itself and
 * all it starts (landlock(7)).  Masked by what the kernel knows; without a library.
 */
#ifndef BASE_LANDLOCK_H
#define BASE_LANDLOCK_H

#include <stdint.h>

#include "base/err.h"

/* Rights on files, as in linux/landlock.h: Debian 12's knows the first version only. */
#define LANDLOCK_EXECUTE     (1ULL << 0)
#define LANDLOCK_WRITE_FILE  (1ULL << 1)
#define LANDLOCK_READ_FILE   (1ULL << 2)
#define LANDLOCK_READ_DIR    (1ULL << 3)
#define LANDLOCK_REMOVE_DIR  (1ULL << 4)
#define LANDLOCK_REMOVE_FILE (1ULL << 5)
#define LANDLOCK_MAKE_DIR    (1ULL << 7)
#define LANDLOCK_MAKE_REG    (1ULL << 8)
#define LANDLOCK_MAKE_SYM    (1ULL << 12)
#define LANDLOCK_REFER       (1ULL << 13)
#define LANDLOCK_TRUNCATE    (1ULL << 14)

/* At and below a file or directory.  What no rule allows is refused; the files of memory
 * (memfd_create(2)), pipes and sockets need none. */
struct landlock_rule {
	const char *path; /* NULL: see fd */
	int fd;
	uint64_t allowed;
};

/* The kernel's version of it; 0: it has none, or it was not switched on. */
int landlock_abi(void);

/* Enters a domain in which files are as the rules say, there is no TCP to bind or
 * connect, no device to control, and no process or abstract socket outside to reach. Does
 * nothing where landlock_abi() is 0.  Needs no_new_privs. */
int landlock_enter(const struct landlock_rule *rules, unsigned n, struct err *e);

#endif
