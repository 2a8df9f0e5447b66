/*
 * meter - the counters and limits of a slot's cgroup, through descriptors opened once.
 *
 * The helper opens the files (cgroup.c knows their names on v1 and v2); the launcher
 * reads and writes them before and after every box: 0.4 to 1 µs each, where opening
 * would cost ten times that.  The launcher sits in the group itself, so memory and
 * processes are limited to what was there at the start plus the box's share.
 */
#ifndef SANDBOX_METER_H
#define SANDBOX_METER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "sandbox/wire/wire.h"

enum meter_file {
	METER_CPU,         /* v1 cpuacct.usage; v2 cpu.stat */
	METER_CPU_MAX,     /* v1 cpu.cfs_quota_us; v2 cpu.max */
	METER_MEMORY,      /* v1 memory.usage_in_bytes; v2 memory.current */
	METER_MEMORY_PEAK, /* v1 memory.max_usage_in_bytes; v2 memory.peak */
	METER_MEMORY_MAX,  /* v1 memory.limit_in_bytes; v2 memory.max */
	METER_MEMSW_MAX,   /* v1 memory.memsw.limit_in_bytes; v2 memory.swap.max */
	METER_OOM,         /* v1 memory.oom_control; v2 memory.events */
	METER_PIDS,        /* pids.current */
	METER_PIDS_MAX,    /* pids.max */
	METER_KERNEL,      /* v1 memory.kmem.usage_in_bytes; v2 memory.stat */
	METER_SHED,        /* v1 memory.force_empty; v2 memory.reclaim */
	METER_STAT,        /* memory.stat */
	METER_REFUSED,     /* pids.events: processes the kernel did not make */
	METER_REFUSED_ALL, /* v2 from Linux 6.11: those of the group of all slots */
	METER_PIDS_PEAK,   /* pids.peak, since the group was made */
	METER_MAX_,
};

/* What is in force, so that unchanged limits are not written again.  Shared by all
 * launchers of a slot (one box runs at a time); 0: unknown, for writing may be cut off.
 */
struct meter_force {
	uint64_t memory_max, pids_max;
	uint64_t share;       /* thousandths + 1 */
	uint64_t kernel_rest; /* the kernel's own memory between two boxes */
	uint64_t memory_rest; /* all memory while there is no /work */
	uint64_t caches;      /* of that, files in the page cache, ... */
	uint64_t caches_seen; /* ... when all memory was so much */
};

/* The kernel's own counts, since the group was made. */
struct meter_ooms {
	uint64_t kills; /* in the group, whoever had no memory left: it, or the host */
	uint64_t own;   /* how often the group itself had none; v2 only */
};

struct meter {
	int fd[METER_MAX_];
	bool v2;
	bool peak_resets; /* writing METER_MEMORY_PEAK starts a new peak (v2: Linux 6.12)
			   */
	struct meter_force *force; /* borrowed */

	/* at the start of the box */
	uint64_t cpu0, memory0, peak0, pids0;
	struct meter_ooms ooms0;
	uint64_t refused0;
	uint64_t limit; /* of memory, as asked */
};

struct meter_reading {
	uint64_t cpu_us, memory_bytes;
	uint32_t oom_kills; /* because the group was at its own limit */
	uint32_t kills;     /* for any want of memory */
	bool memory_known;  /* memory_bytes is the box's own peak */
	bool over_limit;    /* and is more than allowed, though nothing was killed */
	bool processes_left;
	bool refused; /* a process, which the box's own limit would have allowed */
};

void meter_open(
    struct meter *m, const int fd[METER_MAX_], bool v2, struct meter_force *force);
/* at_rest: how many processes the group should hold now; one that is just ending must not
 * leave its place to the box. */
int meter_start(
    struct meter *m, const struct wire_limits *l, unsigned at_rest, struct err *e);
int meter_cpu_us(const struct meter *m, uint64_t *cpu_us, struct err *e);
/* What the box uses now; 0 if that cannot be told. */
uint64_t meter_memory(const struct meter *m);
int meter_stop(struct meter *m, struct meter_reading *r, struct err *e);
/* A share of the CPU is the box's alone: not of its end, nor of what comes between two
 * boxes (meter_stop does it, too). */
void meter_unthrottle(struct meter *m);
/* The last box's memory limit must not hold what prepares the next one. */
int meter_relax(struct meter *m, struct err *e);
/* For who was not there when the box started: how many the kernel has killed in the group
 * beyond `seen`.  *own: the group was at its limit. */
uint64_t meter_kills_since(const int fd[METER_MAX_], uint64_t seen, bool *own);
/* Where there is no box and no /work: is there memory of a box's files all the same? */
int meter_check_rest(struct meter *m, struct err *e);

#endif
