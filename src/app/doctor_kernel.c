/* What the kernel offers: the list of what judgebox-sandbox stands on. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/doctor.h"
#include "base/fd.h"
#include "base/kernel.h"
#include "base/landlock.h"
#include "base/scope.h"
#include "base/weaker.h"

#define TRY_ID_COUNT 64

static void
check_root(struct doctor *d, struct finding *f)
{
	if (d->root)
		doctor_found(f, HEALTH_OK, "%s",
		    weaker_is_account() ? "root of this account's namespace" : "root");
	else
		doctor_found(f, HEALTH_WARN, "user id %u", (unsigned)geteuid());
}

static void
check_kernel(struct doctor *d, struct finding *f)
{
	struct utsname u;
	unsigned major = 0, minor = 0;

	(void)d;
	if (uname(&u) == -1 || sscanf(u.release, "%u.%u", &major, &minor) != 2) {
		doctor_found(f, HEALTH_FAIL, "no version number");
		return;
	}
	bool good = major > KERNEL_NEEDED_MAJOR ||
		    (major == KERNEL_NEEDED_MAJOR && minor >= KERNEL_NEEDED_MINOR);
	doctor_found(f, good ? HEALTH_OK : HEALTH_FAIL, "%s %s", u.release, u.machine);
}

/* Runs it in a child; 0 or the errno it returned. */
static int
try_in_child(int (*attempt)(const void *arg), const void *arg)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == -1)
		return errno;
	if (pid == 0)
		_exit(attempt(arg));
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
}

static int
try_unshare(const void *flags)
{
	return unshare(*(const int *)flags) == -1 ? errno : 0;
}

static void
check_namespaces(struct doctor *d, struct finding *f)
{
	static const struct {
		const char *name;
		int flag;
	} spaces[] = {
		{ "user", CLONE_NEWUSER },
		{ "pid", CLONE_NEWPID },
		{ "mount", CLONE_NEWNS },
		{ "net", CLONE_NEWNET },
		{ "ipc", CLONE_NEWIPC },
		{ "uts", CLONE_NEWUTS },
		{ "cgroup", CLONE_NEWCGROUP },
	};
	char good[80] = "", bad[80] = "";

	for (size_t i = 0; i < sizeof(spaces) / sizeof(spaces[0]); i++) {
		/* a user namespace first, as the helper does: it owns the others */
		int flags = spaces[i].flag | CLONE_NEWUSER;
		int why = try_in_child(try_unshare, &flags);
		char *list = why == 0 ? good : bad;
		size_t n = strlen(list);
		snprintf(
		    list + n, sizeof(good) - n, "%s%s", n > 0 ? " " : "", spaces[i].name);
		if (why != 0)
			snprintf(list + strlen(list), sizeof(good) - strlen(list),
			    " (%s)",
			    why == EPERM    ? "EPERM"
			    : why == ENOSPC ? "ENOSPC"
					    : "error");
	}
	if (bad[0] != '\0')
		doctor_found(f, HEALTH_FAIL, "cannot be made: %s", bad);
	else
		doctor_found(f, HEALTH_OK, "%s", good);
	(void)d;
}

/* A child in a user namespace of its own, until its standard input ends. */
static pid_t
start_user_namespace(int hold[2], int *why)
{
	int told[2];
	char c = 0;

	if (pipe2(told, O_CLOEXEC) == -1 || pipe2(hold, O_CLOEXEC) == -1) {
		*why = errno;
		return -1;
	}
	pid_t pid = fork();
	if (pid == 0) {
		close(hold[1]);
		c = (char)(unshare(CLONE_NEWUSER) == -1 ? errno : 0);
		if (write(told[1], &c, 1) == 1 && read(hold[0], &c, 1) == -1)
			_exit(1);
		_exit(0);
	}
	close(told[1]);
	close(hold[0]);
	*why = pid == -1 || read(told[0], &c, 1) != 1 ? errno : c;
	close(told[0]);
	return pid;
}

static void
check_id_map(struct doctor *d, struct finding *f)
{
	static const char *const maps[] = { "uid_map", "gid_map" };
	int hold[2] = { -1, -1 }, why = 0;
	struct err e = { 0 };
	char path[64], text[64];
	unsigned base = 200000;

	if (!d->root) {
		doctor_found(f, HEALTH_WARN, "not tried: only root may map other ids");
		return;
	}
	pid_t pid = start_user_namespace(hold, &why);
	snprintf(text, sizeof(text), "0 %u %d\n", base, TRY_ID_COUNT);
	for (size_t i = 0; i < 2 && why == 0; i++) {
		snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, maps[i]);
		scope_fd map = open(path, O_WRONLY | O_CLOEXEC);
		if (map == -1 || fd_write_all(map, text, strlen(text), &e) == -1)
			why = errno;
	}
	close(hold[1]);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	if (why != 0)
		doctor_found(f, HEALTH_FAIL, "ids from %u cannot be mapped: %s", base,
		    strerror(why));
	else
		doctor_found(f, HEALTH_OK, "ids from %u can be mapped", base);
}

static int
try_tmpfs(const void *arg)
{
	(void)arg;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) == -1)
		return errno;
	return mount("tmpfs", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, "size=64k") == -1
		   ? errno
		   : 0;
}

static void
check_tmpfs(struct doctor *d, struct finding *f)
{
	int why = try_in_child(try_tmpfs, NULL);

	(void)d;
	if (why == 0)
		doctor_found(f, HEALTH_OK, "can be mounted in a user namespace");
	else
		doctor_found(f, HEALTH_FAIL, "%s", strerror(why));
}

/* --- system calls --- */

static void
check_seccomp(struct doctor *d, struct finding *f)
{
	char actions[200] = "";

	(void)d;
	doctor_read("/proc/sys/kernel/seccomp/actions_avail", actions, sizeof(actions));
	if (prctl(PR_GET_SECCOMP) == -1 || !doctor_lists(actions, "errno"))
		doctor_found(f, HEALTH_FAIL, "no filters (CONFIG_SECCOMP_FILTER)");
	else if (!doctor_lists(actions, "user_notif"))
		doctor_found(f, HEALTH_FAIL, "filters, but no user notification");
	else
		doctor_found(f, HEALTH_OK, "filters and user notification");
}

static void
check_landlock(struct doctor *d, struct finding *f)
{
	int abi = landlock_abi();

	(void)d;
	if (abi == 0)
		doctor_found(
		    f, HEALTH_WARN, "none: boxes and workers have one wall less");
	else
		doctor_found(f, HEALTH_OK, "version %d: %s", abi,
		    abi >= 6   ? "files, TCP, devices, signals"
		    : abi >= 5 ? "files, TCP, devices"
		    : abi >= 4 ? "files, TCP"
			       : "files");
}

static void
check_syscalls(struct doctor *d, struct finding *f)
{
	char missing[KERNEL_MISSING_MAX];

	(void)d;
	if (kernel_missing(missing) > 0)
		doctor_found(f, HEALTH_FAIL, "missing: %s", missing);
	else
		doctor_found(f, HEALTH_OK, "all that a box is made with");
}

static void
check_memfd(struct doctor *d, struct finding *f)
{
	struct err e = { 0 };
	scope_fd fd = fd_memfd("judgebox-doctor", "x", 1, &e);
	uint64_t size = 0;
	char text[140];

	(void)d;
	if (fd == -1 || fd_check_sealed(fd, 1, &size, &e) == -1)
		doctor_found(f, HEALTH_FAIL, "%s", err_text(&e, text, sizeof(text)));
	else
		doctor_found(f, HEALTH_OK, "can be sealed");
}

static void
check_core(struct doctor *d, struct finding *f)
{
	char pattern[140] = "";
	struct rlimit most = { 0, 0 };

	(void)d;
	getrlimit(RLIMIT_CORE, &most);
	doctor_read("/proc/sys/kernel/core_pattern", pattern, sizeof(pattern));
	doctor_found(f, pattern[0] == '|' && most.rlim_max == 0 ? HEALTH_WARN : HEALTH_OK,
	    "%s", pattern);
}

const struct doctor_row doctor_kernel[] = {
	{ "root", check_root,
	    "run it as root, or by judgebox-rootless: some checks need it." },
	{ "kernel", check_kernel,
	    "judgebox needs " KERNEL_NEEDED " or later; with control groups v2, 5.19." },
	{ "namespaces", check_namespaces,
	    "raise user.max_*_namespaces; on Ubuntu allow kernel.apparmor_restrict_"
	    "unprivileged_userns for the helper; in a container allow unshare(2)." },
	{ "id maps", check_id_map,
	    "the helper must be root with CAP_SETUID and CAP_SETGID, here or in its "
	    "unit." },
	{ "cgroups", doctor_check_groups,
	    "mount cgroup2 (or the v1 controllers) writable, with memory, pids and cpu; "
	    "under systemd give the helper's unit Delegate=yes; memory.peak is of Linux "
	    "5.19." },
	{ "swap", doctor_check_swap,
	    "boot with swapaccount=1, or swapoff -a: else the memory limit is not one." },
	{ "seccomp", check_seccomp,
	    "use a kernel with CONFIG_SECCOMP_FILTER, 5.0 or later." },
	{ "landlock", check_landlock,
	    "use Linux 5.13 or later with CONFIG_SECURITY_LANDLOCK, and name landlock in "
	    "lsm= of the kernel's command line." },
	{ "system calls", check_syscalls,
	    "use a newer kernel, or a container that lets these through; the number is "
	    "the "
	    "Linux that brought it." },
	{ "sealed memory", check_memfd,
	    "memfd_create(2) with seals is needed for inputs." },
	{ "tmpfs", check_tmpfs, "boxes keep their files in a tmpfs: allow mount(2)." },
	{ "core_pattern", check_core,
	    "let the limit of core files be 1 where the helper is started, as its unit "
	    "does: with 0 the kernel starts this program, as root, for each crash in a "
	    "box." },
	{ 0 },
};

const struct doctor_sysctl doctor_sysctls[] = {
	{ "kernel/io_uring_disabled", 2, true, "io_uring is invisible to seccomp." },
	{ "dev/tty/legacy_tiocsti", 0, false,
	    "nobody should type into another's terminal." },
	{ "kernel/kptr_restrict", 1, true, "kernel addresses help exploits." },
	{ "kernel/dmesg_restrict", 1, true, "the kernel's log is for root." },
	{ "kernel/perf_event_paranoid", 2, true, "profiling others is a side channel." },
	{ "kernel/unprivileged_bpf_disabled", 1, true,
	    "BPF for everybody is a large target." },
	{ "vm/unprivileged_userfaultfd", 0, false,
	    "userfaultfd makes races in kernels easy." },
	{ "vm/mmap_min_addr", 65536, true,
	    "a null pointer in the kernel should stay harmless." },
	{ "fs/protected_symlinks", 1, true,
	    "links in shared directories can mislead root." },
	{ "fs/protected_hardlinks", 1, true,
	    "links in shared directories can mislead root." },
	{ "fs/protected_fifos", 1, true,
	    "pipes in shared directories can mislead root." },
	{ "fs/protected_regular", 1, true,
	    "files in shared directories can mislead root." },
	{ "fs/suid_dumpable", 0, false,
	    "core files of privileged programs tell secrets." },
	{ "debug/exception-trace", 0, false,
	    "each crash of a judged program is a log line." },
	{ 0 },
};
