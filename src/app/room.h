/*
 * room - the memory that all programs together may take: the machine's, or what the
 * control groups above the slots leave of it.
 */
#ifndef APP_ROOM_H
#define APP_ROOM_H

#include <stdbool.h>
#include <stdint.h>

struct room {
	uint64_t bytes;
	char where[80]; /* whose bound that is */
};

/* Lowers it to the smallest limit of a group and all above it: `file` in the directories
 * `mount`/`group`, its parent's and so on.  What begins with slot<number> is left out:
 * that limit is the run's. */
void room_narrow(struct room *r, const char *mount, const char *group, const char *file);

/* The memory group of a process by its /proc/PID/cgroup: of version 2, or of version 1 if
 * that has the controller.  False if there is none in the text. */
struct room_group {
	char path[256];
	bool v2;
};
bool room_group_of(const char *text, struct room_group *out);

#endif
