#include "sandbox/child.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/fault.h"
#include "sandbox/creds.h"
#include "sandbox/inner.h"
#include "sandbox/raw.h"
#include "sandbox/warm/frozen.h"

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif

/* Exactly these two words are in profiles/launcher.syscalls: change both or neither. */
#define INIT_FLAGS                                                                       \
	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_NEWPID | CLONE_PIDFD | SIGCHLD)
/* A UTS namespace of its own is not needed (the slot has one); asking for it makes this
 * a call that no program in a box can repeat, even where it may not fork. */
#define PROGRAM_FLAGS (CLONE_VM | CLONE_VFORK | CLONE_NEWUTS | SIGCHLD)

_Static_assert(INIT_FLAGS == 0x20001711, "profiles/launcher.syscalls");
_Static_assert(PROGRAM_FLAGS == 0x04004111, "profiles/launcher.syscalls");

#define STACK_BYTES 16384

static const char *const step_names[CHILD_STEP_MAX_] = {
	[CHILD_STEP_CLONE] = "clone the program",
	[CHILD_STEP_SESSION] = "setsid",
	[CHILD_STEP_STDIO] = "standard streams",
	[CHILD_STEP_OOM_SCORE] = "oom_score_adj",
	[CHILD_STEP_RLIMITS] = "rlimits",
	[CHILD_STEP_CHDIR] = "chdir /work",
	[CHILD_STEP_CREDS] = "drop privileges",
	[CHILD_STEP_CLOSE] = "close_range",
	[CHILD_STEP_EXEC] = "exec",
};

const char *
child_step_name(int step)
{
	return step > 0 && step < CHILD_STEP_MAX_ ? step_names[step] : "start";
}

static long
set_session(const struct child *c)
{
	(void)c;
	if (JB_FAULT(SESSION))
		return 0;
	return raw_call(SYS_setsid, 0, 0, 0, 0, 0);
}

static long
set_stdio(const struct child *c)
{
	long r = raw_call(SYS_dup3, c->in, 0, 0, 0, 0);

	if (r >= 0)
		r = raw_call(SYS_dup3, c->out, 1, 0, 0, 0);
	if (r >= 0)
		r = raw_call(SYS_dup3, c->err, 2, 0, 0, 0);
	return r;
}

/*
 * The kernel kills the fattest process of a group that is out of memory; without this a
 * fork bomb of thin ones would take the launcher.  The write reaches this task alone:
 * it is a vfork child (__set_oom_adj in the kernel's fs/proc/base.c).
 */
static long
set_oom_score(const struct child *c)
{
	if (JB_FAULT(OOM_SCORE))
		return 0;
	long fd = raw_call(
	    SYS_openat, c->proc, "self/oom_score_adj", O_WRONLY | O_CLOEXEC, 0, 0);
	if (fd < 0)
		return fd;

	long r = raw_call(SYS_write, fd, "1000", 4, 0, 0);
	raw_call(SYS_close, fd, 0, 0, 0, 0);
	return r;
}

static long
limit(int resource, uint64_t soft, uint64_t hard)
{
	struct rlimit64 l = { soft, hard };

	return raw_call(SYS_prlimit64, 0, resource, &l, 0, 0);
}

/*
 * The group has this limit, too, and alone could count what others leave.  But it is asked
 * when all of a process is made, to be undone: sixty that try without end hold the locks of
 * every file that they have mapped, and others who map these wait for seconds.  This one
 * is asked first.  It counts processes with the box's own id, which are the program's.
 */
static long
limit_processes(uint64_t most)
{
	struct rlimit64 l = { 0, 0 };
	long r = raw_call(SYS_prlimit64, 0, RLIMIT_NPROC, 0, &l, 0);

	if (r < 0)
		return r;
	if (l.rlim_max > most) /* nobody here may raise it */
		l.rlim_max = most;
	return limit(RLIMIT_NPROC, l.rlim_max, l.rlim_max);
}

static long
set_rlimits(const struct child *c)
{
	const struct wire_limits *l = &c->limits;

	if (JB_FAULT(RLIMITS))
		return 0;
	uint64_t seconds =
	    l->cpu_us / 1000000 + 2; /* a backstop: the group's clock decides */
	long r = limit(RLIMIT_FSIZE, l->file_bytes, l->file_bytes);

	if (r == 0)
		r = limit(RLIMIT_STACK, l->stack_bytes, l->stack_bytes);
	if (r == 0)
		r = limit(RLIMIT_NOFILE, l->open_files, l->open_files);
	if (r == 0)
		r = limit(RLIMIT_CPU, seconds, seconds);
	if (r == 0)
		r = limit_processes(l->processes);
	return r;
}

static long
enter_work(const struct child *c)
{
	(void)c;
	return raw_call(SYS_chdir, "/work", 0, 0, 0, 0);
}

static long
drop_creds(const struct child *c)
{
	(void)c;
	return creds_become(INNER_BOX_ID, INNER_BOX_ID);
}

static long
close_others(const struct child *c)
{
	if (JB_FAULT(CLOSE_FDS)) /* each was received with CLOEXEC: leave one without */
		return raw_call(SYS_fcntl, c->proc, F_SETFD, 0, 0, 0);
	long r = raw_call(SYS_close_range, 3, ~0U, CLOSE_RANGE_CLOEXEC, 0, 0);
	if (r == 0 && c->freezes)
		r = raw_call(SYS_dup3, c->proc, FROZEN_PROC_FD, 0, 0, 0);
	return r;
}

static long
become_program(const struct child *c)
{
	if (c->program >= 0) {
		long r = raw_call(
		    SYS_execveat, c->program, "", c->argv, c->envp, AT_EMPTY_PATH);
		if (!c->thaws)
			return r;
	}
	return raw_call(SYS_execve, c->argv[0], c->argv, c->envp, 0, 0);
}

/*
 * Why this order: oom_score_adj and hard limits want the launcher's powers, so creds
 * come after them; /work opens to anybody; nothing may be opened after close_range.
 * The filter has been there all along, inherited from the launcher.
 */
static const struct {
	enum child_step id;
	long (*run)(const struct child *c);
} steps[] = {
	{ CHILD_STEP_SESSION, set_session },
	{ CHILD_STEP_STDIO, set_stdio },
	{ CHILD_STEP_OOM_SCORE, set_oom_score },
	{ CHILD_STEP_RLIMITS, set_rlimits },
	{ CHILD_STEP_CHDIR, enter_work },
	{ CHILD_STEP_CREDS, drop_creds },
	{ CHILD_STEP_CLOSE, close_others },
	{ CHILD_STEP_EXEC, become_program },
};

static _Noreturn void
leave(int status)
{
	for (;;)
		raw_call(SYS_exit, status, 0, 0, 0, 0);
}

/* To its standard error: whoever wrote the program looks there.  Exit status 127 then
 * says the same, as it does in a shell. */
static void
say_not_executable(const struct child *c)
{
	static const char text[] = "what was compiled cannot be executed\n";

	if (c->program >= 0 && !c->thaws)
		raw_call(SYS_write, 2, text, sizeof(text) - 1, 0, 0);
}

static int
program_main(void *arg)
{
	struct child *c = arg;

	for (unsigned i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		long r = steps[i].run(c);

		if (r >= 0)
			continue;
		c->failed_step = (int)steps[i].id;
		c->error = (int)-r;
		if (steps[i].id == CHILD_STEP_EXEC)
			say_not_executable(c);
		break;
	}
	leave(127);
}

static char program_stack[STACK_BYTES] __attribute__((aligned(64)));
static char init_stack[STACK_BYTES] __attribute__((aligned(64)));

/* PID 1: reaps everybody, remembers the program, and takes the rest with it. */
static int
init_main(void *arg)
{
	struct child *c = arg;

	/* glibc's clone() touches errno only when it fails, and then nobody else runs */
	long pid = clone(program_main, program_stack + STACK_BYTES, PROGRAM_FLAGS, c);
	if (pid == -1) {
		c->failed_step = CHILD_STEP_CLONE;
		c->error = 11; /* EAGAIN: the likely one; errno belongs to the launcher */
		leave(1);
	}
	for (;;) {
		int status;
		struct rusage ru;
		long got = raw_call(SYS_wait4, -1, &status, 0, &ru, 0);

		if (got == -4) /* EINTR */
			continue;
		if (got == pid) {
			c->usage = ru;
			c->status = status;
			c->ended = true;
		}
		if (got == pid || got < 0)
			leave(0);
	}
}

long
child_start(struct child *c, int *pidfd)
{
	c->failed_step = CHILD_STEP_NONE;
	c->error = 0;
	c->ended = false;
	int flags = INIT_FLAGS & ~(JB_FAULT(PID_NS) ? CLONE_NEWPID : 0);

	return clone(init_main, init_stack + STACK_BYTES, flags, c, pidfd);
}
