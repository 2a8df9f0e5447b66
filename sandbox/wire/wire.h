/*
 * wire - the one bridge between the web process and the privileged helper.
 *
 * One SOCK_SEQPACKET datagram is one message: a fixed head, a fixed body, at most
 * WIRE_FDS_MAX descriptors.  No pointers, no strings of unknown length.  Bump
 * WIRE_VERSION on any change of layout.
 *
 *   client                                helper
 *   HELLO                              →
 *                                      ←  WELCOME
 *   STATUS                             →  (any time after WELCOME)
 *                                      ←  STATE
 *   JOB {language, tenant} +bundle     →
 *                                      ←  READY {place} | BUSY {retry} | REFUSED {why}
 *   COMPILE {tag, limits}  +out +err   →  (at most one per job)
 *                                      ←  OUTCOME {tag}
 *   KEEP {keep}                        →  (once, after a compile that went well)
 *   RUN {tag, limits, args} +in +out +err →  (WIRE_PENDING_MAX outstanding, no tag twice)
 *                                         (a version command has no +in)
 *                                      ←  OUTCOME {tag} (ERR_BUSY: not compiled yet)
 *   KILL {tag, why}                    →  (its OUTCOME still comes)
 *                                      ←  OUTCOME {tag}
 *   END                                →  (no run outstanding; the job is forgotten)
 *
 * COMPILE and RUN need not wait for READY: after BUSY and REFUSED they are ignored up to
 * the next JOB.
 *
 * Anything else, at any other time, of any other size: the connection is closed and
 * whatever it was running is killed.  A client that goes away is the same.
 */
#ifndef SANDBOX_WIRE_WIRE_H
#define SANDBOX_WIRE_WIRE_H

#include <stdint.h>

#include "base/err.h"
#include "base/path.h"
#include "base/words.h"

#define WIRE_VERSION     7
#define WIRE_FDS_MAX     3
#define WIRE_FILES_MAX   32768         /* open descriptors of all processes of a run */
#define WIRE_PENDING_MAX 64            /* runs one connection may have outstanding */
#define WIRE_INPUT_MAX   (64 << 20)    /* bytes of one standard input */
#define WIRE_SOURCES_MAX (17 << 20)    /* of a job's bundle: 16 MiB of files and a list */
#define WIRE_SLOTS_MAX   1024          /* of a tenant's numbers; no helper has as many */
#define WIRE_TESTS_MAX   1000000       /* one job announces */
#define WIRE_JOBS_MAX    65536         /* one key has open */
#define WIRE_CPU_US_MAX  3600000000ULL /* of a test, for the estimate */

enum wire_type {
	WIRE_HELLO = 1,
	WIRE_STATUS,
	WIRE_JOB,
	WIRE_COMPILE,
	WIRE_RUN,
	WIRE_KILL,
	WIRE_END,
	WIRE_KEEP,
	WIRE_REQUEST_MAX_,

	WIRE_WELCOME = 64,
	WIRE_STATE,
	WIRE_READY,
	WIRE_BUSY,
	WIRE_REFUSED,
	WIRE_OUTCOME,
};

struct wire_head {
	uint16_t version;
	uint16_t type; /* enum wire_type */
	uint32_t len;  /* of the body; must equal the table's size */
};

struct wire_limits {
	uint64_t cpu_us, wall_us;
	uint64_t memory_bytes, file_bytes, stack_bytes;
	uint32_t processes, open_files;
	uint32_t cpu_share_milli; /* 0: no throttle */
	uint32_t no_fork;         /* 1: threads only */
};

struct wire_welcome {
	uint32_t slots, pending_max;
};

struct wire_state {
	uint32_t slots, ready, busy; /* ready: built, idle or running */
	uint32_t queued;             /* runs that wait for a slot */
	uint32_t jobs;               /* open, whatever they do */
	uint32_t tenants;            /* users who have one open or had of late */
	uint32_t weaker;             /* mask of base/weaker.h, accepted */
	uint32_t spare;              /* of the ready ones: beyond `slots` */
	uint32_t most_slots;         /* slots and all spare ones that there may be */
	uint64_t wait_us;            /* all work that is known, shared by the slots */
	uint64_t oldest_us;          /* how long the oldest run waits; 0: none does */
	uint64_t refused;            /* jobs answered BUSY, since the start */
	uint64_t cache_hits;         /* compiles that did not run, since the start */
	uint64_t cache_misses;       /* and those that did */
	uint64_t warm_hits;          /* tests begun from a frozen interpreter */
	uint64_t warm_misses;    /* and those that could have been, but none was ready */
	struct wire_limits caps; /* no run gets more; no_fork is 0 */
	char why[160];           /* when ready is 0: the last fault of a slot */
};

/* Whose place in the queue it takes.  The helper cannot know whether it is true: what a
 * client can gain by a lie is another place in the queue, and idle slots while its job is
 * the newest, but for those that root does not let anybody reserve. */
struct wire_tenant {
	uint64_t key;             /* 0: those without one */
	uint64_t user;            /* inside the key; 0: none named */
	uint32_t slots_max;       /* of the key, at the same time; 0: no bound */
	uint32_t slots_reserved;  /* held for the key now */
	uint32_t slots_held_back; /* held for other keys now */
	uint32_t jobs_max;        /* of the key, open at the same time; 0: no bound */
};

/* With one descriptor: the bundle of source files (wire/bundle.h), main file first. */
struct wire_job {
	char language[32]; /* an id of the language files, never an alias or a path */
	uint32_t tests;    /* announced, for the estimate of the wait */
	uint32_t reserved; /* 0 */
	uint64_t cpu_us;   /* limit of its tests, likewise; 0: not known yet */
	struct wire_tenant tenant;
	struct words
	    options; /* compile options; each must be listed in the language file */
};

struct wire_compile {
	uint32_t tag, reserved;
	struct wire_limits limits;
};

/* May the artifact serve others who send the same?  Not if the compiler said something:
 * they should hear it, too, and only the client reads its streams. */
struct wire_keep {
	uint32_t keep; /* 0 or 1 */
	uint32_t reserved;
};

enum wire_stage {
	WIRE_STAGE_RUN = 1,
	WIRE_STAGE_VERSION, /* the language's own version command; args must be empty */
};

struct wire_run {
	uint32_t tag;
	uint32_t stage; /* enum wire_stage */
	struct wire_limits limits;
	struct words args; /* appended to the language's run command */
};

enum wire_fired {
	WIRE_FIRED_NONE,
	WIRE_FIRED_CPU,
	WIRE_FIRED_WALL,
	WIRE_FIRED_OUTPUT, /* by KILL: the client counts what it reads */
	WIRE_FIRED_CANCEL, /* by KILL: nobody wants the answer */
};

struct wire_kill {
	uint32_t tag;
	uint32_t why; /* WIRE_FIRED_OUTPUT or WIRE_FIRED_CANCEL */
};

/* Its place among those who wait, when it came. */
struct wire_ready {
	uint64_t wait_us;  /* predicted, until its first run starts */
	uint32_t position; /* jobs whose turn comes before; 0: none */
	uint32_t reserved; /* 0 */
};

enum wire_busy_why {
	WIRE_BUSY_WAIT = 1, /* it would have to wait for too long */
	WIRE_BUSY_JOBS,     /* its key, or its user, has as many open as it may */
};

struct wire_busy {
	uint64_t retry_us;
	uint32_t why; /* enum wire_busy_why */
	uint32_t reserved;
};

struct wire_refused {
	struct err why;
};

/* What a monitor found worth a record (bits), and the violation it is if root's
 * configuration makes it one: above every number of a system call. */
enum wire_noticed { WIRE_NOTICED_SYSCALLS = 1, WIRE_NOTICED_MEMORY = 2 };
enum { WIRE_VIOLATION_SYSCALLS = 0x70000001, WIRE_VIOLATION_MEMORY };

struct wire_outcome {
	uint32_t tag;
	uint32_t fired; /* enum wire_fired */
	int32_t exit_code, signal;
	int32_t violation; /* system call number or WIRE_VIOLATION_…, -1: none */
	uint32_t foreign;  /* it was made as another architecture's: int 0x80, x32 */
	char violation_name[32];
	uint64_t violation_args[6]; /* of that call, as they were in the registers */
	uint32_t noticed;           /* enum wire_noticed */
	uint32_t pad;
	uint64_t syscalls_per_s; /* at least so many, if it ran long enough to tell */
	uint64_t growth_per_s;   /* bytes of memory, the most in any second */
	uint32_t oom_kills;
	uint32_t memory_from_rusage;
	uint32_t exec_errno; /* why the command could not be started, 0: it was, or it is
				the client's own program that cannot (exit code 127) */
	uint32_t cached;     /* of a compile: nothing ran, the artifact was there */
	uint64_t cpu_us, wall_us, queue_us, memory_bytes;
	struct err fault; /* code ERR_NONE: the facts above hold */
};

union wire_body {
	struct wire_welcome welcome;
	struct wire_state state;
	struct wire_job job;
	struct wire_compile compile;
	struct wire_run run;
	struct wire_kill kill;
	struct wire_keep keep;
	struct wire_ready ready;
	struct wire_busy busy;
	struct wire_refused refused;
	struct wire_outcome outcome;
};

struct wire_message {
	struct wire_head head;
	union wire_body body;
};

/* Sends head and body of the given type; the body's size follows from the type. */
int wire_send(int sock, enum wire_type type, const void *body, const int *fds,
    unsigned nfds, struct err *e);

/* Receives one message and checks head, version and size (not the contents).
 * Errors as fd_recv's; ERR_PROTO for anything malformed. */
int wire_recv(int sock, struct wire_message *m, int fds[], unsigned *nfds, struct err *e);

uint32_t wire_body_size(uint16_t type); /* UINT32_MAX: no such type */

#endif
