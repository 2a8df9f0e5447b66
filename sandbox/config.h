/*
 * config - the helper's own configuration: root's to write, nobody else's to read.
 */
#ifndef SANDBOX_CONFIG_H
#define SANDBOX_CONFIG_H

#include <stdint.h>

#include "base/err.h"
#include "base/words.h"
#include "sandbox/monitor.h"
#include "sandbox/wire/wire.h"

#define CONFIG_SLOTS_MAX  64
#define CONFIG_UID_BASE   200000
#define CONFIG_IMAGES_MAX 16

/* What no client may exceed, whatever the application allows him. */
struct config_caps {
	uint64_t cpu_ms, wall_ms, memory_bytes, processes, output_bytes, file_bytes,
	    stack_bytes, open_files, cpu_share;
};

struct config {
	char socket[104]; /* unix(7): sun_path has 108 bytes */
	char user[33];
	char languages[256], profiles[256], launcher[256];
	char cgroup[128]; /* below the root of the hierarchy; "self": below our own, v2 */
	char warm_library[256];
	uint64_t warm_images;    /* frozen interpreters kept of a language; 0: none */
	char cache[256];         /* directory of artifacts */
	uint64_t cache_bytes;    /* 0: no cache */
	uint64_t prepared_bytes; /* of prepared files, below cache; 0: none */
	char log_level[16];
	uint64_t slots;        /* 0: one per core */
	uint64_t max_slots;    /* with the spare ones; 0: two more */
	uint64_t idle_timeout; /* ms: then a spare one goes */
	uint64_t shared_slots; /* no reservation takes these away */
	uint64_t uid_base;
	uint64_t max_wait;   /* ms */
	uint64_t jobs_bytes; /* of memory files, for all open jobs */
	uint64_t work_inodes;
	char landlock[16];          /* "auto", "required", "off" */
	struct words accept_weaker; /* names of base/weaker.h */
	struct config_monitor {
		uint64_t syscalls_per_s, memory_per_s;
		char action[16]; /* "record", "kill", "off" */
	} monitor;
	struct config_caps caps;
};

int config_load(const char *path, struct config *c, struct err *e);

/* Of so many slots, how many clients may hold for keys. */
unsigned config_held_most(const struct config *c, unsigned slots);
/* As many as there are on this machine, and with the spare ones. */
unsigned config_slots(const struct config *c);
unsigned config_all_slots(const struct config *c);

/* What a run gets that asks for no throttle: the cap, where it is one; else 0. */
uint32_t config_default_share(const struct config *c);

/* The caps as the wire has limits. */
struct wire_limits config_caps_on_wire(const struct config *c);

struct monitor_rules config_monitor_rules(const struct config *c);

/* Every limit of a request lies in [least, cap]; the name of the first that does not. */
int config_check_limits(
    const struct config *c, const struct wire_limits *l, struct err *e);

#endif
