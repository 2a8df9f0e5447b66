/*
 * fake_helper - a sandbox helper without a sandbox: speaks the wire protocol and does
 * what the "program" says.  A program is the text of its standard input (of its main
 * source file, for the compile step), one command a line:
 *
 * - out TEXT, err TEXT: writes the line
 * - big N: writes N bytes to stdout
 * - binary N: writes a byte that is no text and N control characters
 * - exit N, signal N, oom, violation N, fired N, execerr N, memory N, cpu N, queue N
 * - fault: its box cannot be built; fault-once: the first time
 * - refuse CODE: a fault of that code
 * - after N: its outcome waits for N other outcomes on this connection
 * - flood: writes until it is killed
 * - hang: waits until it is killed
 * - cancel-once: says it was cancelled, the first time
 * - die, die-once: the helper drops the connection
 * - hangup: the client of the job goes away
 * - args: writes its arguments to stdout, one a line
 * - tests: writes how many tests the job announced
 */
#ifndef TESTS_FAKE_HELPER_H
#define TESTS_FAKE_HELPER_H

#include <sys/types.h>

#include "sandbox/wire/wire.h"

enum fake_reply {
	FAKE_READY,
	FAKE_BUSY,
	FAKE_BUSY_KEY,
	FAKE_REFUSED,
	FAKE_DROP,
	FAKE_NONSENSE
};

/* Shared with the fake: the test sets the upper half before, and reads the lower. */
struct fake {
	unsigned slots;
	enum fake_reply job_reply[16]; /* to the n-th JOB */
	unsigned drop_from, drop_to;   /* connections [from, to) are closed unheard */
	int client;                    /* closed at "hangup"; -1: none */

	unsigned connections, jobs, compiles, runs, ends, closed;
	unsigned early; /* runs that came before their program */
	unsigned keeps, releases; /* KEEP with 1, with 0 */
	unsigned killed_output, killed_cancel;
	unsigned onces; /* -once commands that fired */
	struct wire_limits last_limits;
	struct wire_tenant last_tenant; /* of the last JOB */
	uint64_t last_cpu_us;
	char last_language[32];
	struct words last_options;
	char last_file[PATH_NAME_MAX + 8]; /* of the last JOB: its first */

	char path[108];
	pid_t pid;
};

struct fake *fake_new(void);
void fake_start(struct fake *f); /* listens before it returns */
/* Waits until the fake has seen its n-th connection end. */
void fake_await_closed(struct fake *f, unsigned n);
void fake_free(struct fake *f);

#endif
