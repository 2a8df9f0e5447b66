/*
 * limits - what one run may use.  Plain data: no I/O, no globals, no pointers.
 *
 * One row of LIMITS_ROWS is one limit: its member, its name in JSON, its kind in a
 * configuration file, the range anybody may ever set, and what it means.  The rows feed
 * the configuration, the API and its caps, and the manual.
 */
#ifndef MODEL_LIMITS_H
#define MODEL_LIMITS_H

#include <stdint.h>

#include "base/conf.h"

#define LIMITS_ROWS(X)                                                                   \
	X(cpu_ms, "cpuMs", MSEC, 1, 600000, "CPU time of all processes of a run")        \
	X(wall_ms, "wallMs", MSEC, 1, 900000, "time on the clock")                       \
	X(memory_bytes, "memoryBytes", BYTES, 1 << 20, 64ULL << 30, "memory, no swap")   \
	X(processes, "processes", UINT, 1, 4096, "processes and threads at a time")      \
	X(output_bytes, "outputBytes", BYTES, 1, 64 << 20, "stdout and stderr, each")    \
	X(file_bytes, "fileBytes", BYTES, 0, 1ULL << 30, "one file, and all of /work")   \
	X(stack_bytes, "stackBytes", BYTES, 64 << 10, 4ULL << 30, "stack of a thread")   \
	X(open_files, "openFiles", UINT, 8, 4096, "open descriptors of a process")       \
	X(cpu_share, "cpus", MILLI, 0, 64000,                                            \
	    "processors, in thousandths; 0: no throttle")

struct limits {
#define X(member, json, kind, lo, hi, help) uint64_t member;
	LIMITS_ROWS(X)
#undef X
};

/* The same rows for conf_read, and their JSON names in the same order. */
extern const struct conf_key limits_keys[];
extern const char *const limits_json[]; /* NULL ends it */

uint64_t limits_get(const struct limits *l, unsigned row);
void limits_set(struct limits *l, unsigned row, uint64_t value);

/* Every member at least as large as floor's; zero there asks nothing.  cpu_share, where
 * zero means "all", is left alone. */
void limits_raise(struct limits *l, const struct limits *floor);

/* Fails with ERR_OVER_LIMIT and the row of the first member above cap (0: no cap). */
int limits_check(
    const struct limits *want, const struct limits *cap, unsigned *row, struct err *e);

/* Open descriptors of all processes together.  For a directory that somebody is reading,
 * ext4 and others keep up to 12 KiB of names that they charge to no group. */
#define LIMITS_FILES     16384 /* of a test */
#define LIMITS_ALL_FILES 32768 /* of anything: the helper's bound */

/* Has open_files small enough for that, but never below what a program needs to start. */
void limits_share_files(struct limits *l, uint64_t all);

/* A named set of defaults, DESIGN: "default", "proctorx", …; the site may add more. */
#define PROFILE_NAME_MAX 32
struct profile {
	char name[PROFILE_NAME_MAX];
	struct limits run;
	struct limits compile;
	uint64_t slack_ms; /* wall time granted beyond timeLimitMs */
	bool fork;         /* may a test start processes, not just threads? */
};

#endif
