#include "sandbox/config.h"

#include <inttypes.h>

#include "base/conf.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/weaker.h"
#include "sandbox/cpus.h"
#include "sandbox/domain.h"
#include "sandbox/monitor.h"

#define MIB(n)    ((uint64_t)(n) << 20)
#define SHARE_MAX 64000 /* thousandths of a processor: no cap */
#define SPARE     2     /* one for keys, one for users, see dispatch.c */

static const struct conf_key caps_keys[] = {
	CONF_ROW(MSEC, struct config_caps, cpu_ms, 1, 600000, "CPU time of a run"),
	CONF_ROW(MSEC, struct config_caps, wall_ms, 1, 900000, "time on the clock"),
	CONF_ROW(BYTES, struct config_caps, memory_bytes, MIB(1), 64ULL << 30, "memory"),
	CONF_ROW(UINT, struct config_caps, processes, 1, 4096, "processes and threads"),
	CONF_ROW(BYTES, struct config_caps, output_bytes, 1, 1 << 30, "not used here"),
	CONF_ROW(BYTES, struct config_caps, file_bytes, 0, 1ULL << 30, "size of /work"),
	CONF_ROW(BYTES, struct config_caps, stack_bytes, 64 << 10, 4ULL << 30, "stack"),
	CONF_ROW(UINT, struct config_caps, open_files, 8, 4096, "open descriptors"),
	CONF_ROW(MILLI, struct config_caps, cpu_share, 1, SHARE_MAX, "processors"),
	{ .name = NULL },
};

static const struct conf_key monitor_keys[] = {
	CONF_ROW(UINT, struct config_monitor, syscalls_per_s, 100, 1000000000, "calls"),
	CONF_ROW(
	    BYTES, struct config_monitor, memory_per_s, MIB(1), 1ULL << 40, "growth"),
	CONF_ROW(TEXT, struct config_monitor, action, 0, 0, "record, kill or off"),
	{ .name = NULL },
};

static const struct conf_key keys[] = {
	CONF_ROW(TEXT, struct config, socket, 0, 0, "where the application connects"),
	CONF_ROW(TEXT, struct config, user, 0, 0, "the one user who may connect"),
	CONF_ROW(TEXT, struct config, languages, 0, 0, "directory of language files"),
	CONF_ROW(TEXT, struct config, profiles, 0, 0, "directory of seccomp profiles"),
	CONF_ROW(TEXT, struct config, launcher, 0, 0, "the judgebox-slot program"),
	CONF_ROW(TEXT, struct config, cgroup, 0, 0, "cgroup of the slots"),
	CONF_ROW(TEXT, struct config, warm_library, 0, 0, "judgebox-warm.so"),
	CONF_ROW(UINT, struct config, warm_images, 0, CONFIG_IMAGES_MAX,
	    "frozen interpreters of a language; 0: none"),
	CONF_ROW(TEXT, struct config, cache, 0, 0, "directory of artifacts"),
	CONF_ROW(BYTES, struct config, cache_bytes, 0, 1ULL << 40, "its size; 0: none"),
	CONF_ROW(BYTES, struct config, prepared_bytes, 0, 1ULL << 40,
	    "size of prepared files; 0: none"),
	CONF_ROW(TEXT, struct config, log_level, 0, 0, "error, warn, info or debug"),
	CONF_ROW(UINT, struct config, slots, 0, CONFIG_SLOTS_MAX, "boxes at a time"),
	CONF_ROW(UINT, struct config, max_slots, 0, CONFIG_SLOTS_MAX,
	    "with the spare ones; 0: two more"),
	CONF_ROW(MSEC, struct config, idle_timeout, 100, 86400000,
	    "then a spare slot that nobody uses goes"),
	CONF_ROW(UINT, struct config, shared_slots, 0, CONFIG_SLOTS_MAX,
	    "slots that no reservation takes away"),
	CONF_ROW(
	    UINT, struct config, uid_base, 65536, 4000000000, "first id of the slots"),
	CONF_ROW(MSEC, struct config, max_wait, 0, 3600000, "longest predicted wait"),
	CONF_ROW(BYTES, struct config, jobs_bytes, MIB(64), 1ULL << 40,
	    "memory for the files of open jobs"),
	CONF_ROW(UINT, struct config, work_inodes, 64, 1 << 20, "files in /work"),
	CONF_ROW(TEXT, struct config, landlock, 0, 0, "auto, required or off"),
	CONF_ROW(WORDS, struct config, accept_weaker, 0, 0, "what may be weaker"),
	{ .name = "caps", .kind = CONF_GROUP },
	{ .name = "monitor", .kind = CONF_GROUP },
	{ .name = NULL },
};

static int
check_paths(const struct conf *file, const struct config *c, struct err *e)
{
	const struct {
		const char *key, *path;
	} rows[] = {
		{ "socket", c->socket },
		{ "languages", c->languages },
		{ "profiles", c->profiles },
		{ "launcher", c->launcher },
		{ "warm_library", c->warm_library },
		{ "cache", c->cache },
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].path[0] != '/')
			return conf_fault(file, rows[i].key, e,
			    "%s: '%.80s' is not an absolute path", rows[i].key,
			    rows[i].path);
	return 0;
}

static int
check_accepted(const struct conf *file, const struct config *c, struct err *e)
{
	const struct words *all = &c->accept_weaker;

	for (const char *w = words_next(all, NULL); w != NULL; w = words_next(all, w))
		if (weaker_named(w) == WEAKER_MAX_)
			return conf_fault(file, "accept_weaker", e,
			    "accept_weaker: '%.60s' is no name of what may be weaker", w);
	return 0;
}

int
config_load(const char *path, struct config *c, struct err *e)
{
	struct config new = {
		.socket = JB_RUNDIR "/private/sandbox.sock",
		.user = JB_USER,
		.languages = JB_SYSCONFDIR "/languages.d",
		.profiles = JB_DATADIR "/seccomp",
		.launcher = JB_LIBEXECDIR "/judgebox-slot",
		.warm_library = JB_LIBEXECDIR "/judgebox-warm.so",
		.warm_images = 4,
		.cgroup = "judgebox",
		.cache = JB_CACHEDIR,
		.cache_bytes = MIB(1024),
		.prepared_bytes = MIB(2048),
		.log_level = "info",
		.shared_slots = 1,
		.uid_base = CONFIG_UID_BASE,
		.max_wait = 30000,
		.idle_timeout = 300000,
		.jobs_bytes = MIB(1024),
		.work_inodes = 4096,
		.landlock = "auto",
		.monitor = { .syscalls_per_s = 10000,
		    .memory_per_s = MIB(100),
		    .action = "record" },
		.caps = { .cpu_ms = 60000,
		    .wall_ms = 120000,
		    .memory_bytes = MIB(2048),
		    .processes = 512,
		    .output_bytes = MIB(64),
		    .file_bytes = MIB(512),
		    .stack_bytes = MIB(1024),
		    .open_files = 4096,
		    .cpu_share = SHARE_MAX },
	};
	enum log_level level;
	scope_conf file = NULL;

	if (conf_open(path, &file, e) == -1 ||
	    conf_read(file, NULL, keys, &new, e) == -1 ||
	    conf_read(file, "caps", caps_keys, &new.caps, e) == -1 ||
	    conf_read(file, "monitor", monitor_keys, &new.monitor, e) == -1)
		return -1;
	if (!log_level_named(new.log_level, &level))
		return conf_fault(file, "log_level", e,
		    "log_level: '%s' is none of error, warn, info, debug", new.log_level);
	if (domain_mode_of(new.landlock) == -1)
		return conf_fault(file, "landlock", e,
		    "landlock: '%s' is none of auto, required, off", new.landlock);
	if (monitor_action_of(new.monitor.action) == -1)
		return conf_fault(file, "monitor.action", e,
		    "monitor.action: '%s' is none of record, kill, off",
		    new.monitor.action);
	if (new.max_slots != 0 && new.max_slots < config_slots(&new))
		return conf_fault(file, "max_slots", e,
		    "max_slots: %" PRIu64 " is less than slots, which is %u here",
		    new.max_slots, config_slots(&new));
	if (check_paths(file, &new, e) == -1 || check_accepted(file, &new, e) == -1)
		return -1;
	*c = new;
	return 0;
}

unsigned
config_held_most(const struct config *c, unsigned slots)
{
	return c->shared_slots < slots ? slots - (unsigned)c->shared_slots : 0;
}

static unsigned
at_most_all(uint64_t n)
{
	return n < CONFIG_SLOTS_MAX ? (unsigned)n : CONFIG_SLOTS_MAX;
}

unsigned
config_slots(const struct config *c)
{
	return at_most_all(c->slots > 0 ? c->slots : cpus_count());
}

unsigned
config_all_slots(const struct config *c)
{
	return at_most_all(
	    c->max_slots > 0 ? c->max_slots : config_slots(c) + (uint64_t)SPARE);
}

struct monitor_rules
config_monitor_rules(const struct config *c)
{
	return (struct monitor_rules){
		.action = (uint32_t)monitor_action_of(c->monitor.action),
		.syscalls_per_s = c->monitor.syscalls_per_s,
		.memory_per_s = c->monitor.memory_per_s,
	};
}

uint32_t
config_default_share(const struct config *c)
{
	return c->caps.cpu_share < SHARE_MAX ? (uint32_t)c->caps.cpu_share : 0;
}

struct wire_limits
config_caps_on_wire(const struct config *c)
{
	const struct config_caps *caps = &c->caps;

	return (struct wire_limits){ .cpu_us = caps->cpu_ms * 1000,
		.wall_us = caps->wall_ms * 1000,
		.memory_bytes = caps->memory_bytes,
		.file_bytes = caps->file_bytes,
		.stack_bytes = caps->stack_bytes,
		.processes = (uint32_t)caps->processes,
		.open_files = (uint32_t)caps->open_files,
		.cpu_share_milli = (uint32_t)caps->cpu_share };
}

int
config_check_limits(const struct config *c, const struct wire_limits *l, struct err *e)
{
	const struct wire_limits caps = config_caps_on_wire(c);
	const struct {
		const char *name;
		uint64_t value, least, most;
	} rows[] = {
		{ "cpu time", l->cpu_us, 1000, caps.cpu_us },
		{ "wall time", l->wall_us, 1000, caps.wall_us },
		{ "memory", l->memory_bytes, MIB(1), caps.memory_bytes },
		{ "file size", l->file_bytes, 0, caps.file_bytes },
		{ "stack", l->stack_bytes, 64 << 10, caps.stack_bytes },
		{ "processes", l->processes, 1, caps.processes },
		{ "open files", l->open_files, 8, caps.open_files },
		{ "cpu share", l->cpu_share_milli, 0, caps.cpu_share_milli },
		{ "no_fork", l->no_fork, 0, 1 },
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if ((rows[i].value < rows[i].least || rows[i].value > rows[i].most) &&
		    !JB_FAULT(CAPS))
			return err_set(e, ERR_OVER_LIMIT,
			    "%s: %" PRIu64 " is outside %" PRIu64 "..%" PRIu64,
			    rows[i].name, rows[i].value, rows[i].least, rows[i].most);
	return 0;
}
