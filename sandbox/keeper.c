/*
 * judgebox-slot - one slot, from the inside.
 *
 * Theory of operation.  The helper clones this process into new user, mount, PID, IPC,
 * UTS and network namespaces, maps two unprivileged ids into it, puts it into the slot's
 * cgroup and lets it go.  It is root over these namespaces and nobody elsewhere.
 *
 *   keeper (PID 1 of the slot)  builds the root, then waits for orders: a new /work, a
 *       launcher for a seccomp class, a compile.  When it dies the kernel ends the slot.
 *   launcher (one per class)    forks boxes, launcher.c; lives as long as the slot.
 *   compile stage               for one compile: a mount namespace with its own /work, a
 *       launcher of its own in it, and, once that box is dead, the artifact is taken out.
 *
 * Static and small: its memory is the price of every fork, and it must run where there
 * is no loader.  It reads nothing but what the helper sends and passes.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/fd.h"
#include "base/scope.h"
#include "sandbox/artifact.h"
#include "sandbox/creds.h"
#include "sandbox/inner.h"
#include "sandbox/launcher.h"
#include "sandbox/meter.h"
#include "sandbox/mounts.h"
#include "sandbox/probe.h"

struct keeper {
	int proc; /* the host's /proc, seen by launchers alone */
	int meters[METER_MAX_];
	struct meter_force *force; /* shared with all launchers */
	struct meter meter;
	bool cgroup_v2;
	unsigned work_inodes;
	enum domain_mode landlock;
	struct monitor_rules monitor;
	struct inner_filters filters;
};

/* --- start ---------------------------------------------------------------------------
 */

/* A wall behind the filter's: no process of this slot can make a user namespace. */
static int
forbid_user_namespaces(struct err *e)
{
	if (JB_FAULT(USERNS_LIMIT))
		return 0;
	scope_fd fd = open("/proc/sys/user/max_user_namespaces", O_WRONLY | O_CLOEXEC);
	if (fd == -1)
		return err_sys(e, "open max_user_namespaces");
	return fd_write_all(fd, "0", 1, e);
}

static int
pin(unsigned cpu, struct err *e)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) == -1)
		return err_sys(e, "pin to core %u", cpu);
	return 0;
}

static void
take_meters(struct keeper *k)
{
	for (int i = 0; i < METER_MAX_; i++) {
		struct stat st;

		k->meters[i] = INNER_FD_METERS + i;
		if (fstat(k->meters[i], &st) == 0 && S_ISCHR(st.st_mode))
			k->meters[i] = -1; /* this machine has no such file */
	}
}

#define KEEPER_CAPS                                                                      \
	(CREDS_CAP(CAP_SYS_ADMIN) | CREDS_CAP(CAP_SETUID) | CREDS_CAP(CAP_SETGID) |      \
	    CREDS_CAP(CAP_SETPCAP) | CREDS_CAP(CAP_DAC_OVERRIDE))

static int
set_up(struct keeper *k, const struct inner_setup *s, struct err *e)
{
	uint64_t size;

	k->cgroup_v2 = s->cgroup_v2 != 0;
	k->work_inodes = s->work_inodes;
	k->landlock = (enum domain_mode)s->landlock;
	k->monitor = s->monitor;
	take_meters(k);
	k->force = mmap(NULL, sizeof(*k->force), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (k->force == MAP_FAILED)
		return err_sys(e, "mmap");
	meter_open(&k->meter, k->meters, k->cgroup_v2, k->force);
	if (words_check(&s->paths, e) == -1 ||
	    fd_check_sealed(INNER_FD_FILTERS, 1 << 24, &size, e) == -1 ||
	    fd_pread_all(INNER_FD_FILTERS, &k->filters, sizeof(k->filters), 0, e) == -1)
		return -1;
	if (pin(s->cpu, e) == -1 || forbid_user_namespaces(e) == -1)
		return -1;
	k->proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (k->proc == -1)
		return err_sys(e, "open /proc");
	if (!JB_FAULT(UTS) && sethostname("box", 3) == -1)
		return err_sys(e, "sethostname");
	if (mounts_build_root(&s->paths, s->prepared != 0, e) == -1 ||
	    mounts_new_work(-1, 64 << 20, k->work_inodes, e) == -1)
		return -1;
	/* now, for what the first box leaves would pass for what was there */
	if (meter_check_rest(&k->meter, e) == -1)
		return -1;
	umask(022);
	signal(SIGCHLD, SIG_IGN); /* launchers and compile stages reap themselves */
	return 0;
}

/* --- launchers --- */

static struct launcher_parts
parts_of(const struct keeper *k, int control, enum domain_view view)
{
	return (struct launcher_parts){ .control = control,
		.proc = k->proc,
		.meters = k->meters,
		.cgroup_v2 = k->cgroup_v2,
		.force = k->force,
		.monitor = &k->monitor,
		.landlock = k->landlock,
		.view = view };
}

static _Noreturn void
be_launcher(const struct launcher_parts *p, struct launcher *l, struct err *e)
{
	struct inner_done done = { .type = INNER_DONE };

	if (launcher_start(l, p, e) == -1) {
		done.fault = *e;
		fd_write_all(p->control, &done, sizeof(done), e);
		_exit(1);
	}
	if (fd_write_all(p->control, &done, sizeof(done), e) == -1)
		_exit(1);
	launcher_serve(l);
}

static struct sock_filter *
read_filter(const struct keeper *k, uint32_t index, unsigned *instructions, struct err *e)
{
	if (index >= k->filters.count || index >= INNER_FILTERS_MAX) {
		err_set(e, ERR_PROTO, "no filter %u", index);
		return NULL;
	}
	unsigned n = k->filters.filter[index].instructions;
	struct sock_filter *program = calloc(n + 1, sizeof(*program));
	if (program == NULL) {
		err_sys(e, "calloc");
		return NULL;
	}
	if (fd_pread_all(INNER_FD_FILTERS, program, n * sizeof(*program),
		k->filters.filter[index].offset, e) == -1) {
		free(program);
		return NULL;
	}
	*instructions = n;
	return program;
}

/* The launcher answers DONE itself, on its own socket, once it serves. */
static int
on_launch(struct keeper *k, const union inner_message *m, const int *fds, struct err *e)
{
	static struct launcher l;
	struct launcher_parts parts = parts_of(k, fds[0], DOMAIN_TEST);

	scope_free struct sock_filter *program =
	    read_filter(k, m->launch.filter, &parts.instructions, e);
	parts.program = program;
	if (program == NULL || meter_relax(&k->meter, e) == -1)
		return -1;
	pid_t pid = fork();
	if (pid == -1)
		return err_sys(e, "fork a launcher");
	if (pid == 0) {
		close(INNER_FD_CONTROL);
		be_launcher(&parts, &l, e);
	}
	return 0;
}

static int
on_prepare(struct keeper *k, const union inner_message *m, const int *fds, struct err *e)
{
	if (fds[0] != -1 && meter_relax(&k->meter, e) == -1)
		return -1;
	if (mounts_drop_work(e) == -1 || meter_check_rest(&k->meter, e) == -1)
		return -1;
	return mounts_new_work(fds[0], m->prepare.work_bytes, k->work_inodes, e);
}

/* --- one compile --- */

/* The launcher of a compile stage: one box, then it is gone. */
static int
run_compiler(const struct keeper *k, const struct inner_compile *c, int control,
    const int box_fds[3], struct err *e)
{
	static struct launcher l;
	const struct monitor_rules none = { .action = MONITOR_OFF };
	struct launcher_parts parts =
	    parts_of(k, control, c->run.freezes != 0 ? DOMAIN_FREEZE : DOMAIN_COMPILE);
	int status = 0;

	scope_free struct sock_filter *program =
	    read_filter(k, c->filter, &parts.instructions, e);
	parts.monitor = &none; /* a compiler is large and quick, whoever asks for it */
	parts.program = program;
	if (program == NULL)
		return -1;
	signal(SIGCHLD, SIG_DFL);
	pid_t pid = fork();
	if (pid == -1)
		return err_sys(e, "fork the compile launcher");
	if (pid == 0) {
		struct err mine = { 0 };

		if (launcher_start(&l, &parts, &mine) == -1)
			_exit(2);
		_exit(launcher_run(&l, &c->run, box_fds, 3, &mine) == -1 ? 3 : 0);
	}
	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			return err_sys(e, "wait for the compile launcher");
	if (status != 0)
		return err_set(
		    e, ERR_SYS, "the compile launcher ended with status %d", status);
	return 0;
}

static int
open_input(const struct inner_compile *c, struct err *e)
{
	char path[sizeof(c->input) + 8] = "/dev/null";

	if (c->input[0] != '\0')
		snprintf(path, sizeof(path), "/work/%s", c->input);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd != -1 ? fd : err_sys(e, "open %s", path);
}

static int
compile_stage(struct keeper *k, const struct inner_compile *c, const int fds[4],
    struct inner_artifact *a, struct err *e)
{
	bool is_tree = false;

	if (unshare(CLONE_NEWNS) == -1)
		return err_sys(e, "unshare the mount namespace");
	if (mounts_new_work(fds[1], c->work_bytes, k->work_inodes, e) == -1)
		return -1;
	if (c->run.loads != 0 && mounts_allow_libraries(e) == -1)
		return -1;
	scope_fd input = open_input(c, e);
	if (input == -1)
		return -1;
	const int box_fds[3] = { input, fds[2], fds[3] };
	if (run_compiler(k, c, fds[0], box_fds, e) == -1)
		return -1;
	if (c->artifact[0] == '\0')
		return err_set(e, ERR_BAD_INPUT, "no artifact asked for");
	/* what is taken has a bound of its own, and the limit was the compiler's */
	if (meter_relax(&k->meter, e) == -1)
		return -1;
	int fd = artifact_take(c->artifact, c->artifact_bytes, &is_tree, e);
	a->is_tree = is_tree;
	return fd;
}

static int
on_compile(struct keeper *k, const union inner_message *m, const int *fds, struct err *e)
{
	struct inner_artifact a = { .type = INNER_ARTIFACT };

	if (memchr(m->compile.artifact, '\0', sizeof(m->compile.artifact)) == NULL ||
	    memchr(m->compile.input, '\0', sizeof(m->compile.input)) == NULL)
		return err_set(e, ERR_PROTO, "a file's name is not terminated");
	if (meter_relax(&k->meter, e) == -1)
		return -1;
	pid_t pid = fork();
	if (pid == -1)
		return err_sys(e, "fork the compile stage");
	if (pid > 0)
		return 0;
	close(INNER_FD_CONTROL);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == -1)
		_exit(1);
	int fd = compile_stage(k, &m->compile, fds, &a, &a.fault);
	/* at our end it would be freed behind the next box's back, and be missing in what
	 * that one is said to use */
	mounts_drop_work(e);
	_exit(fd_send(fds[0], &a, sizeof(a), &fd, fd >= 0 ? 1 : 0, e) == -1 ? 1 : 0);
}

/* --- orders --- */

static const struct order {
	size_t size;
	unsigned fds_min, fds_max;
	bool answered; /* DONE comes from here, not from a child of ours */
	int (*run)(struct keeper *k, const union inner_message *m, const int *fds,
	    struct err *e);
} orders[] = {
	[INNER_LAUNCH] = { sizeof(struct inner_launch), 1, 1, false, on_launch },
	[INNER_PREPARE] = { sizeof(struct inner_prepare), 0, 1, true, on_prepare },
	[INNER_COMPILE] = { sizeof(struct inner_compile), 4, 4, false, on_compile },
};

static int
obey(struct keeper *k, const union inner_message *m, size_t len, int *fds, unsigned nfds)
{
	struct inner_done done = { .type = INNER_DONE };
	struct err e = { 0 };

	if (m->type >= sizeof(orders) / sizeof(orders[0]) ||
	    orders[m->type].run == NULL || len != orders[m->type].size ||
	    nfds < orders[m->type].fds_min || nfds > orders[m->type].fds_max)
		return -1;
	if (nfds == 0)
		fds[0] = -1;
	int r = orders[m->type].run(k, m, fds, &done.fault);
	fd_close_all(fds, nfds);
	if (r == 0 && !orders[m->type].answered)
		return 0;
	return fd_send(INNER_FD_CONTROL, &done, sizeof(done), NULL, 0, &e);
}

int
main(int argc, char **argv)
{
	if (argc == 1 && strcmp(argv[0], PROBE_NAME) == 0)
		return probe_main();

	static struct keeper k;
	static union inner_message m;
	struct inner_done done = { .type = INNER_DONE };
	struct err e = { 0 };
	int fds[FD_PASS_MAX];
	unsigned nfds;

	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0); /* the socket says it too */
	long n = fd_recv(INNER_FD_CONTROL, &m, sizeof(m), fds, &nfds, &e);
	if (n != sizeof(m.setup) || m.type != INNER_SETUP)
		return 1;
	if (set_up(&k, &m.setup, &e) == -1 ||
	    (!JB_FAULT(KEEPER_CAPS) && creds_reduce(KEEPER_CAPS, &e) == -1))
		done.fault = e;
	fd_close_all(fds, nfds);
	if (fd_send(INNER_FD_CONTROL, &done, sizeof(done), NULL, 0, &e) == -1 ||
	    done.fault.code != ERR_NONE)
		return 1;
	for (;;) {
		n = fd_recv(INNER_FD_CONTROL, &m, sizeof(m), fds, &nfds, &e);
		if (n == -1)
			return e.code == ERR_GONE ? 0 : 1;
		if (obey(&k, &m, (size_t)n, fds, nfds) == -1)
			return 1;
	}
}
