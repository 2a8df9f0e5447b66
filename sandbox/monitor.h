/*
 * monitor - how fast a box calls the kernel, and how fast its memory grows.
 *
 * Nothing is put in the program's way.  Memory is the group's own counter, looked at five
 * times a second; who ends sooner is judged by the peak.  Calls that read or write are
 * counted by the kernel for every process and handed to its parent at its end, so that a
 * launcher finds those of its boxes in its own /proc/self/io; waits are context switches
 * of the program.  The greater of both is the least that was called: what neither waits
 * nor moves data costs its caller CPU time, and nobody else.
 */
#ifndef SANDBOX_MONITOR_H
#define SANDBOX_MONITOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "sandbox/wire/wire.h"

enum monitor_action { MONITOR_OFF, MONITOR_RECORD, MONITOR_KILL };

struct monitor_rules {
	uint32_t action; /* enum monitor_action */
	uint32_t pad;
	uint64_t syscalls_per_s;
	uint64_t memory_per_s; /* bytes */
};

#define MONITOR_SAMPLES 5

struct monitor {
	struct monitor_rules rules;
	int io; /* /proc/self/io; -1: this kernel does not count */

	/* of the box */
	uint64_t start_us, next_us; /* when to look at the memory again */
	uint64_t sample[MONITOR_SAMPLES];
	unsigned samples;
	uint64_t highest, growth;
	uint64_t calls0;
	bool counting;
};

/* "off", "record", "kill"; -1: none of them. */
int monitor_action_of(const char *name);

/* Before the launcher gives up what it needs to open its own counters. */
void monitor_open(struct monitor *m, const struct monitor_rules *rules, int proc);

void monitor_start(struct monitor *m, uint64_t now_us);
/* What the box uses now.  true: it grew too fast, and is to be ended. */
bool monitor_sample(struct monitor *m, uint64_t now_us, uint64_t memory);
/* All of its processes are dead, and its init is not reaped. */
void monitor_before_reaping(struct monitor *m, uint64_t now_us);
/* o->wall_us is known; waits: context switches of the program; peak: of memory, 0 if
 * unknown.  Fills o->noticed and what belongs to it, and o->violation if that is how the
 * rules take it. */
void monitor_stop(
    struct monitor *m, uint64_t waits, uint64_t peak, struct wire_outcome *o);

#endif
