#include "sandbox/slot_spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/fd.h"
#include "base/scope.h"
#include "sandbox/inner.h"

#define NAMESPACES                                                                       \
	(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC |      \
	    CLONE_NEWUTS | CLONE_NEWCGROUP)
#define PARKED 100 /* descriptors are moved above all targets first */

/* All of them, but for what a test build leaves out. */
static uint64_t
namespaces(void)
{
	return NAMESPACES & ~((JB_FAULT(NET) ? (uint64_t)CLONE_NEWNET : 0) |
				(JB_FAULT(IPC) ? (uint64_t)CLONE_NEWIPC : 0) |
				(JB_FAULT(UTS) ? (uint64_t)CLONE_NEWUTS : 0) |
				(JB_FAULT(CGROUP_NS) ? (uint64_t)CLONE_NEWCGROUP : 0));
}

/* An id that is not mapped yet would lose its powers in execve(2): ids come first. */
static int
take_ids(int go)
{
	char c;

	if (read(go, &c, 1) != 1)
		return -1; /* the helper could not place us, or died */
	if (setgroups(0, NULL) == -1 ||
	    setresgid(INNER_ROOT_ID, INNER_ROOT_ID, INNER_ROOT_ID) == -1)
		return -1;
	return setresuid(INNER_ROOT_ID, INNER_ROOT_ID, INNER_ROOT_ID);
}

/* In the child: descriptors to their places, nothing else open, then the program. */
static _Noreturn void
become_slot(const struct slot_spawn *s, int control, int go)
{
	static char name[] = "judgebox-slot";
	char *argv[] = { name, NULL }, *envp[] = { NULL, NULL };
	int from[INNER_FD_METERS + METER_MAX_];
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (take_ids(go) == -1)
		_exit(125);
	from[0] = from[1] = from[2] = null;
	from[INNER_FD_CONTROL] = control;
	from[INNER_FD_FILTERS] = s->filters;
	for (int i = 0; i < METER_MAX_; i++)
		from[INNER_FD_METERS + i] = s->meters[i] != -1 ? s->meters[i] : null;
	int n = INNER_FD_METERS + METER_MAX_;
	int program = fcntl(s->program, F_DUPFD_CLOEXEC, PARKED);
	for (int i = 0; i < n; i++)
		if ((from[i] = fcntl(from[i], F_DUPFD_CLOEXEC, PARKED)) == -1)
			_exit(126);
	for (int i = 0; i < n; i++)
		if (dup2(from[i], i) == -1)
			_exit(126);
	if (syscall(SYS_close_range, n, ~0U, 1U << 2 /* CLOSE_RANGE_CLOEXEC */) == -1)
		_exit(126);
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (int i = 1; i < NSIG;
	     i++) /* exec(2) keeps what is ignored, for every program */
		signal(i, SIG_DFL);
#ifdef JB_FAULT_INJECTION
	static char walls[FAULT_NAMES_MAX];
	fault_variable(walls);
	envp[0] = walls[0] != '\0' ? walls : NULL;
#endif
	syscall(SYS_execveat, program, "", argv, envp, AT_EMPTY_PATH);
	_exit(127);
}

static int
write_map(pid_t pid, const char *file, unsigned base, struct err *e)
{
	char path[64], text[96];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	scope_fd fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd == -1)
		return err_sys(e, "open %s", path);
	snprintf(text, sizeof(text), "%d %u 1\n%d %u 1\n", INNER_ROOT_ID, base,
	    INNER_BOX_ID, base + 1);
	if (write(fd, text, strlen(text)) == -1)
		return err_sys(e, "map ids %u and %u", base, base + 1);
	return 0;
}

static int
place(const struct slot_spawn *s, pid_t pid, struct err *e)
{
	unsigned base = s->uid_base + (JB_FAULT(OWN_IDS) ? 0 : s->index * SLOT_IDS);

	if (write_map(pid, "gid_map", base, e) == -1 ||
	    write_map(pid, "uid_map", base, e) == -1)
		return -1;
	return cgroups_attach(s->cgroups, s->index, pid, e);
}

/* What clone3(2) and user_namespaces(7) mean by these; nobody should have to look it up.
 */
static int
say_why(struct err *e)
{
	static const struct {
		int error;
		const char *what;
	} reasons[] = {
		{ ENOSPC, "user namespaces are forbidden or used up: raise "
			  "user.max_user_namespaces (sysctl)" },
		{ EPERM, "the kernel, a container or a security module forbids new "
			 "namespaces to root: see `judgebox doctor`" },
		{ EINVAL,
		    "this kernel lacks one of the user, mount, PID, network, IPC, UTS "
		    "and cgroup namespaces" },
	};
	int error = errno;

	for (unsigned i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].error == error) {
			errno = error;
			return err_sys(e, "%s", reasons[i].what);
		}
	errno = error;
	return err_sys(e, "clone a slot into its namespaces");
}

int
slot_spawn(struct slot_spawn *s, struct err *e)
{
	int pair[2], go[2];
	int pidfd = -1;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1)
		return err_sys(e, "socketpair");
	scope_fd ours = pair[0], theirs = pair[1];
	if (pipe2(go, O_CLOEXEC) == -1)
		return err_sys(e, "pipe");
	scope_fd go_read = go[0], go_write = go[1];

	struct clone_args args = { .flags = namespaces() | CLONE_PIDFD,
		.pidfd = (uintptr_t)&pidfd,
		.exit_signal = SIGCHLD };
	/* The slot may show this directory to its boxes: with a working directory, it has
	 * it in its own mount namespace, where it may; a descriptor would be in ours. */
	if (s->cwd != -1 && fchdir(s->cwd) == -1)
		return err_sys(e, "fchdir");
	long pid = syscall(SYS_clone3, &args, sizeof(args));
	int error = errno;
	if (pid == 0)
		become_slot(s, theirs, go_read);
	int r = chdir("/") == -1 ? err_sys(e, "chdir /") : 0;
	errno = error;
	if (pid == -1)
		return say_why(e);
	if (r == -1 || place(s, (pid_t)pid, e) == -1 ||
	    fd_write_all(go_write, "g", 1, e) == -1) {
		kill((pid_t)pid, SIGKILL);
		waitpid((pid_t)pid, NULL, 0);
		close(pidfd);
		return -1;
	}
	s->pid = (pid_t)pid;
	s->pidfd = pidfd;
	s->control = take_fd(&ours);
	return 0;
}
