#include "sandbox/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "sandbox/inner.h"

static unsigned breaches;

static void
say(const char *text)
{
	if (write(1, text, strlen(text)) == -1)
		_exit(2);
}

static void
expect(bool held, const char *name)
{
	if (held)
		return;
	breaches++;
	say("breach ");
	say(name);
	say("\n");
}

/* --- calls that must fail, whoever refuses them --- */

static char zero[4096]; /* an argument that is valid memory and says nothing */
#define BUF  ((long)(uintptr_t)zero)
#define S(s) ((long)(uintptr_t)(s))
#define HIGH 0x700000000L

static const struct attempt {
	const char *name;
	long nr, a[6];
} attempts[] = {
	{ "mount", SYS_mount, { S("none"), S("/work"), S("tmpfs"), 0, 0 } },
	{ "umount2", SYS_umount2, { S("/work"), 2 } },
	{ "pivot_root", SYS_pivot_root, { S("/work"), S("/work") } },
	{ "chroot", SYS_chroot, { S("/work") } },
	{ "open_tree", SYS_open_tree, { AT_FDCWD, S("/"), 1 } },
	{ "fsopen", SYS_fsopen, { S("tmpfs"), 0 } },
	{ "mount_setattr", 442, { AT_FDCWD, S("/"), 0, BUF, 32 } },
	{ "unshare of users", SYS_unshare, { CLONE_NEWUSER } },
	{ "unshare of mounts", SYS_unshare, { CLONE_NEWNS } },
	{ "setns", SYS_setns, { 0, 0 } },
	{ "clone of users", SYS_clone, { CLONE_NEWUSER | SIGCHLD } },
	{ "clone of users, high bits", SYS_clone, { HIGH | CLONE_NEWUSER | SIGCHLD } },
	{ "clone of PIDs", SYS_clone, { CLONE_NEWPID | SIGCHLD } },
	{ "clone3", SYS_clone3, { BUF, 88 } },
	{ "ptrace", SYS_ptrace, { 0 } },
	{ "process_vm_readv", SYS_process_vm_readv, { 1, BUF, 1, BUF, 1, 0 } },
	{ "process_vm_writev", SYS_process_vm_writev, { 1, BUF, 1, BUF, 1, 0 } },
	{ "keyctl", SYS_keyctl, { 0, -3 } },
	{ "add_key", SYS_add_key, { S("user"), S("a"), BUF, 1, -3 } },
	{ "request_key", SYS_request_key, { S("user"), S("a"), 0, -3 } },
	{ "bpf", SYS_bpf, { 0, BUF, 64 } },
	{ "perf_event_open", SYS_perf_event_open, { BUF, 0, -1, -1, 0 } },
	{ "userfaultfd", SYS_userfaultfd, { 1 } },
	{ "io_uring_setup", SYS_io_uring_setup, { 8, BUF } },
	{ "init_module", SYS_init_module, { BUF, 0, BUF } },
	{ "finit_module", SYS_finit_module, { 0, BUF, 0 } },
	{ "kexec_load", SYS_kexec_load, { 0, 0, 0, 0 } },
	{ "reboot", SYS_reboot, { 0, 0, 0 } },
	{ "open_by_handle_at", SYS_open_by_handle_at, { AT_FDCWD, BUF, 0 } },
	{ "name_to_handle_at", SYS_name_to_handle_at, { AT_FDCWD, S("/usr"), BUF, BUF } },
	{ "swapon", SYS_swapon, { S("/work/x"), 0 } },
	{ "iopl", SYS_iopl, { 3 } },
	{ "ioperm", SYS_ioperm, { 0, 1, 1 } },
	{ "clock_settime", SYS_clock_settime, { 0, BUF } },
	{ "syslog", SYS_syslog, { 3, BUF, 100 } },
	{ "quotactl", SYS_quotactl, { 0, 0, 0, 0 } },
	{ "mknod", SYS_mknod, { S("/work/node"), 020600, 0x103 } },
	{ "a local socket", SYS_socket, { AF_UNIX, SOCK_STREAM, 0 } },
	{ "an internet socket", SYS_socket, { AF_INET, SOCK_STREAM, 0 } },
	{ "an internet 6 socket", SYS_socket, { AF_INET6, SOCK_STREAM, 0 } },
	{ "a netlink socket", SYS_socket, { 16, SOCK_RAW, 0 } },
	{ "a packet socket", SYS_socket, { 17, SOCK_RAW, 0 } },
	{ "a crypto socket", SYS_socket, { 38, SOCK_SEQPACKET, 0 } },
	{ "a vsock", SYS_socket, { 40, SOCK_STREAM, 0 } },
	{ "a vsock, high bits", SYS_socket, { HIGH | 40, SOCK_STREAM, 0 } },
	{ "setuid", SYS_setuid, { 0 } },
	{ "setgid", SYS_setgid, { 0 } },
	{ "setresuid", SYS_setresuid, { 0, 0, 0 } },
	{ "setresgid", SYS_setresgid, { 0, 0, 0 } },
	{ "setgroups", SYS_setgroups, { 0, 0 } },
	{ "a signal to PID 1", SYS_kill, { 1, 0 } },
	{ "shmget", SYS_shmget, { 0, 4096, 01600 } },
	{ "msgget", SYS_msgget, { 0, 01600 } },
	{ "semget", SYS_semget, { 0, 1, 01600 } },
	{ "mq_open", SYS_mq_open, { S("q"), O_CREAT | O_RDWR, 0600, 0 } },
	{ "inotify", SYS_inotify_init1, { 0 } },
	{ "a lock", SYS_fcntl, { 0, F_SETLK, BUF } },
	{ "a lock, high bits", SYS_fcntl, { 0, HIGH | F_SETLK, BUF } },
	{ "a lease", SYS_fcntl, { 0, F_SETLEASE, F_RDLCK } },
	{ "splice", SYS_splice, { 0, 0, 1, 0, 1, 0 } },
	{ "memfd_create", SYS_memfd_create, { S("x"), 0 } },
	{ "TIOCSTI", SYS_ioctl, { 0, TIOCSTI, BUF } },
	{ "PR_SET_SECCOMP", SYS_prctl, { PR_SET_SECCOMP, 0 } },
	{ "PR_SET_SECUREBITS", SYS_prctl, { PR_SET_SECUREBITS, 0 } },
	{ "personality", SYS_personality, { 0x0040000 } },
	{ "an unknown call", 4095, { 0 } },
};

static void
try_calls(void)
{
	for (unsigned i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++) {
		const struct attempt *t = &attempts[i];
		long r =
		    syscall(t->nr, t->a[0], t->a[1], t->a[2], t->a[3], t->a[4], t->a[5]);

		if (r == 0 && t->nr == SYS_clone)
			_exit(0); /* the child that should not be */
		expect(r == -1, t->name);
	}
	/* libraries fall back from this answer alone */
	expect(syscall(SYS_clone3, zero, 88) == -1 && errno == ENOSYS, "clone3's answer");
}

/* --- files --- */

static void
try_files(void)
{
	static const char *const hidden[] = { "/proc/self", "/proc/1", "/sys/kernel",
		"/root", "/home", "/var/log", "/run/judgebox", "/boot/grub",
		"/etc/shadow", "/etc/machine-id", "/dev/mem", "/dev/kmsg", "/dev/tty",
		"/dev/ptmx", "/dev/kvm", "/dev/fuse", "/dev/pts", "/dev/net/tun" };
	static const char *const fixed[] = { "/probe", "/usr/probe", "/etc/probe",
		"/dev/probe", "/usr/bin/probe" };
	static const struct {
		const char *path;
		long flags;
	} mounts[] = {
		{ "/", ST_RDONLY | ST_NOSUID | ST_NODEV },
		{ "/usr", ST_RDONLY | ST_NOSUID | ST_NODEV },
		{ "/dev/null", ST_RDONLY | ST_NOSUID | ST_NOEXEC },
		{ "/work", ST_NOSUID | ST_NODEV | ST_NOEXEC },
	};
	struct statfs s;

	for (unsigned i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
		expect(access(hidden[i], F_OK) == -1, hidden[i]);
	for (unsigned i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		expect(open(fixed[i], O_WRONLY | O_CREAT, 0600) == -1, fixed[i]);
	expect(chmod("/etc/passwd", 0666) == -1, "chmod");
	for (unsigned i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++)
		expect(statfs(mounts[i].path, &s) == 0 &&
			   (s.f_flags & mounts[i].flags) == mounts[i].flags,
		    mounts[i].path);
}

/* --- who it is --- */

static bool
has_capabilities(void)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2] = { 0 };

	if (syscall(SYS_capget, &head, d) == -1)
		return true;
	for (int c = 0; c < 64; c++)
		if (prctl(PR_CAPBSET_READ, c, 0, 0, 0) > 0)
			return true;
	return (d[0].effective | d[0].permitted | d[0].inheritable | d[1].effective |
		   d[1].permitted | d[1].inheritable) != 0;
}

static void
try_environment(void)
{
	static const char *const names[] = { "PATH=", "HOME=", "TMPDIR=", "LANG=",
		"LC_ALL=", "USER=", "LOGNAME=", "LIBC_FATAL_STDERR_=" };
	const char *path = getenv("PATH");

	expect(path != NULL && strcmp(path, "/usr/bin:/bin") == 0, "the path");
	for (char **v = environ; *v != NULL; v++) {
		bool known = false;

		for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			known = known || strncmp(*v, names[i], strlen(names[i])) == 0;
		expect(known, "the environment");
	}
}

static void
try_identity(void)
{
	uid_t r = 0, e = 0, s = 0;
	struct utsname name;
	struct rlimit core, files;

	expect(getresuid(&r, &e, &s) == 0 && r == INNER_BOX_ID && e == r && s == r,
	    "the user id");
	expect(getresgid(&r, &e, &s) == 0 && r == INNER_BOX_ID && e == r && s == r,
	    "the group id");
	expect(getgroups(0, NULL) == 0, "supplementary groups");
	expect(getpid() == 2 && getsid(0) == 2, "the process id");
	expect(uname(&name) == 0 && strcmp(name.nodename, "box") == 0, "the host name");
	expect(!has_capabilities(), "capabilities");
	expect(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1, "no_new_privs");
	expect(prctl(PR_GET_SECCOMP) == 2, "the filter");
	expect(syscall(SYS_getrlimit, RLIMIT_CORE, &core) == 0 && core.rlim_max <= 1,
	    "core files");
	core.rlim_cur = core.rlim_max = 0;
	expect(setrlimit(RLIMIT_CORE, &core) == -1, "a program of the host for a core");
	expect(getrlimit(RLIMIT_NOFILE, &files) == 0, "the limit of descriptors");
	files.rlim_max++;
	expect(setrlimit(RLIMIT_NOFILE, &files) == -1, "a limit raised");
	for (int fd = 3; fd < 64; fd++)
		expect(fcntl(fd, F_GETFD) == -1, "a descriptor");
	try_environment();
}

int
probe_main(void)
{
	long r;

	try_identity();
	try_files();
	try_calls();
	if (breaches > 0)
		return 1;
	say(PROBE_HELD);
	/* getpid(2) of i386: the kernel may have no such entry, but none may answer.  To
	 * user-mode Linux it is the call of our own with that number, writev(2), which
	 * went through the filter as any. */
	__asm__ volatile("int $0x80"
			 : "=a"(r)
			 : "a"(20), "D"(-1L), "S"(0L), "d"(0L)
			 : "memory", "rcx", "r8", "r9", "r10", "r11");
	expect(r == -EBADF, "a foreign call");
	raise(SIGKILL);
	return 1;
}
