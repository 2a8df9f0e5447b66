/*
 * fault - walls that a test build can leave out, to prove that the tests would notice.
 *
 * `configure --enable-fault-injection` makes such a build; JUDGEBOX_FAULT in the
 * environment names the walls, separated by commas, and `judgebox-sandbox --walls` lists
 * them, the application's too.  Everywhere else JB_FAULT() is the constant false, and
 * neither the names nor a way to say them are in the program.  Such a build says so in
 * --version and in its log, and must not be packaged.
 */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

#include <stdbool.h>
#include <stdio.h>

#include "base/err.h"

/* name, what is missing without it, in which file it stands */
#define FAULT_WALLS(X)                                                                   \
	X(NET, "net", "a network namespace of its own", "slot_spawn.c")                  \
	X(IPC, "ipc", "an IPC namespace of its own", "slot_spawn.c")                     \
	X(UTS, "uts", "a UTS namespace of its own", "slot_spawn.c")                      \
	X(CGROUP_NS, "cgroup-ns", "a cgroup namespace of its own", "slot_spawn.c")       \
	X(USERNS_LIMIT, "userns-limit", "no nested user namespaces", "keeper.c")         \
	X(KEEPER_CAPS, "keeper-caps", "few capabilities of the keeper", "keeper.c")      \
	X(READ_ONLY, "read-only", "mounts that cannot be written", "mounts.c")           \
	X(NOSUID, "nosuid", "mounts without set-id programs", "mounts.c")                \
	X(DEV, "dev", "five devices and no more", "mounts.c")                            \
	X(LOCAL, "usr-local", "/usr/local out of sight", "mounts.c")                     \
	X(PROC, "proc", "no /proc in the box", "mounts.c")                               \
	X(WORK_NOEXEC, "work-noexec", "/work without programs", "mounts.c")              \
	X(WORK_SIZE, "work-size", "/work of limited size", "mounts.c")                   \
	X(WORK_INODES, "work-inodes", "/work with a limited number of files",            \
	    "mounts.c")                                                                  \
	X(WORK_STICKY, "work-sticky", "/work as a directory of root's", "mounts.c")      \
	X(WORK_FRESH, "work-fresh", "a new /work after one that was written to",         \
	    "launcher.c")                                                                \
	X(SECCOMP, "seccomp", "the filter of system calls", "launcher.c")                \
	X(COMPARE_32, "compare-32", "arguments compared on their low word", "seccomp.c") \
	X(FOREIGN, "foreign", "the end of foreign architectures' calls", "launcher.c")   \
	X(TRIPS_MAX, "trips-max", "the end of a box that trips too often", "launcher.c") \
	X(VIOLATION, "violation", "the report of a tripwire", "launcher.c")              \
	X(LANDLOCK, "landlock", "the Landlock domain", "domain.c")                       \
	X(BOUNDING_SET, "bounding-set", "an empty bounding set", "creds.c")              \
	X(SECUREBITS, "securebits", "locked securebits", "creds.c")                      \
	X(LAUNCHER_CAPS, "launcher-caps", "few capabilities of the launcher", "creds.c") \
	X(NO_NEW_PRIVS, "no-new-privs", "no new privileges by execve", "creds.c")        \
	X(BOX_UID, "box-uid", "a user id that is not the slot's root", "creds.c")        \
	X(PID_NS, "pid-ns", "a PID namespace of each box", "child.c")                    \
	X(SESSION, "session", "a session of its own", "child.c")                         \
	X(OOM_SCORE, "oom-score", "the program as the first victim of the OOM killer",   \
	    "child.c")                                                                   \
	X(RLIMITS, "rlimits", "the run's rlimits", "child.c")                            \
	X(FIXED_LIMITS, "fixed-limits", "no core files, locked memory, queues",          \
	    "launcher.c")                                                                \
	X(CLOSE_FDS, "close-fds", "no descriptor but three", "child.c")                  \
	X(ENVIRONMENT, "environment", "an environment from a list", "child.c")           \
	X(CPU_LIMIT, "cpu-limit", "the limit of CPU time", "launcher.c")                 \
	X(WALL_LIMIT, "wall-limit", "the limit of time on the clock", "launcher.c")      \
	X(LEFTOVERS, "leftovers", "the end of a slot in which a process stayed",         \
	    "launcher.c")                                                                \
	X(MEMORY_MAX, "memory-max", "the memory limit", "meter.c")                       \
	X(PIDS_MAX, "pids-max", "the limit of processes", "meter.c")                     \
	X(SHARE, "cpu-share", "the share of the CPU", "meter.c")                         \
	X(ARTIFACT_PATH, "artifact-path", "no links on the way to an artifact",          \
	    "artifact.c")                                                                \
	X(ARTIFACT_KIND, "artifact-kind", "artifacts that are plain files of the box's", \
	    "artifact.c")                                                                \
	X(ARTIFACT_SIZE, "artifact-size", "artifacts of limited size", "artifact.c")     \
	X(CACHE_HASH, "cache-hash", "the cache's check of what it holds", "cache.c")     \
	X(PEER, "peer", "the check of who connects", "door.c")                           \
	X(STATES, "states", "requests at their time only", "session.c")                  \
	X(FDS, "fds", "the number of descriptors of a request", "session.c")             \
	X(STREAMS, "streams", "streams that are pipes", "session.c")                     \
	X(INPUT, "input", "inputs that are sealed memory files", "session.c")            \
	X(OPTIONS, "options", "compile options from a list", "session.c")                \
	X(PENDING, "pending", "at most so many runs at a time", "session.c")             \
	X(TAGS, "tags", "one outstanding run by one tag", "session.c")                   \
	X(CAPS, "caps", "limits below the helper's own", "config.c")                     \
	X(HELPER_FILTER, "helper-filter", "the helper's own filter", "seccomp.c")        \
	X(PROBES, "probes", "the probes at the start", "probes.c")                       \
	X(SENDMSG, "sendmsg", "no sending of descriptors over a pair", "seccomp.c")      \
	X(REST, "rest", "the end of a slot that holds files of a dead box", "meter.c")   \
	X(SHED, "shed", "the kernel's caches of names emptied", "meter.c")               \
	X(RECLAIMED, "reclaimed", "memory that caches gave up counts", "meter.c")        \
	X(OWN_LIMIT, "own-limit", "whose limit it was", "meter.c")                       \
	X(OWN_IDS, "own-ids", "user ids of a slot's own", "slot_spawn.c")                \
	X(STANDSTILL, "standstill", "time in which nobody ran forgiven", "launcher.c")   \
	X(OVERDUE, "overdue", "the end of a slot two seconds late", "slot.c")            \
	X(IDS_CHECK, "ids-check", "ids that are nobody's account", "ids.c")              \
	X(SWEEP, "sweep", "the removal of what an earlier helper left", "cgroup.c")      \
	X(ALONE, "alone", "one helper at a socket", "door.c")                            \
	X(SOCKET_MODE, "socket-mode", "a socket that not everybody can open", "door.c")  \
	X(CLIENTS, "clients", "a bounded number of connections", "dispatch.c")           \
	X(JOB_BYTES, "job-bytes", "bounded memory of open jobs", "session.c")            \
	X(NUMBERS, "numbers", "the range of a job's numbers", "session.c")               \
	X(LENGTH, "length", "messages of exactly their length", "wire.c")                \
	X(KEY_PARTS, "key-parts", "the length of each part of a key", "digest.c")        \
	X(CACHE_DIR, "cache-dir", "a cache that is root's alone", "cache.c")             \
	X(KEEP_GOOD, "keep-good", "artifacts of good compiles alone", "slot_run.c")      \
	X(ROUTES, "routes", "a route's method", "routes.c")                              \
	X(PARAMETERS, "parameters", "whole names of parameters", "fcgi.c")               \
	X(PARAMS_CAP, "params-cap", "bounded parameters", "fcgi.c")                      \
	X(TWICE, "twice", "members that come once", "scan.c")                            \
	X(UTF8, "utf8", "answers in UTF-8", "quote.c")                                   \
	X(SITE_CAPS, "site-caps", "limits below the site's", "admit.c")                  \
	X(CLIENT_GONE, "client-gone", "the end of what nobody waits for", "flight.c")    \
	X(LOG_LINES, "log-lines", "log lines that nobody forges", "log.c")               \
	X(WORKER_FILTER, "worker-filter", "the filter of the application's workers",     \
	    "confine.c")

enum fault_wall {
#define X(id, name, what, file) FAULT_##id,
	FAULT_WALLS(X)
#undef X
	    FAULT_MAX_,
};

#ifdef JB_FAULT_INJECTION

#define JB_FAULT(wall)  fault_is_down(FAULT_##wall)
#define FAULT_VERSION   " (fault injection: not for use)"
#define FAULT_VARIABLE  "JUDGEBOX_FAULT"
#define FAULT_NAMES_MAX 512

/* Is the wall named in the environment?  Takes no lock and sets no errno: child.c asks,
 * too, between clone and exec. */
bool fault_is_down(enum fault_wall wall);

/* Every name in the environment is a wall's; logs them. */
int fault_check(struct err *e);
/* "JUDGEBOX_FAULT=…" for the environment of a slot, "" if nothing is to be left out. */
void fault_variable(char out[FAULT_NAMES_MAX]);
void fault_list(FILE *to);

#else

#define JB_FAULT(wall) false
#define FAULT_VERSION  ""

#endif
#endif
