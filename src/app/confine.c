#include "app/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/fd.h"
#include "base/landlock.h"
#include "base/scope.h"

#define CALL(name) SCMP_SYS(name)

/* By what they are for; the kernel's names. */
static const int allowed[] = {
	/* descriptors that are there */
	CALL(read), CALL(write), CALL(readv), CALL(writev), CALL(pread64), CALL(pwrite64),
	CALL(close), CALL(close_range), CALL(fstat), CALL(newfstatat), CALL(statx),
	CALL(lseek), CALL(dup), CALL(pipe2), CALL(memfd_create), CALL(ftruncate),
	CALL(fallocate), CALL(fdatasync), CALL(fsync), CALL(poll), CALL(ppoll),
	CALL(select), CALL(pselect6), CALL(epoll_create1), CALL(epoll_ctl),
	CALL(epoll_wait), CALL(epoll_pwait), CALL(eventfd2),
	/* connections that come in, and messages on those that are there */
	CALL(accept), CALL(accept4), CALL(sendmsg), CALL(recvmsg), CALL(sendto),
	CALL(recvfrom), CALL(shutdown), CALL(getsockopt), CALL(setsockopt),
	CALL(getsockname), CALL(getpeername),
	/* memory, without new code: see the conditions */
	CALL(brk), CALL(munmap), CALL(mremap), CALL(madvise), CALL(futex), CALL(msync),
	/* time */
	CALL(clock_gettime), CALL(clock_getres), CALL(clock_nanosleep), CALL(nanosleep),
	CALL(gettimeofday), CALL(time), CALL(setitimer), CALL(getitimer),
	/* oneself */
	CALL(getpid), CALL(gettid), CALL(getppid), CALL(getuid), CALL(geteuid),
	CALL(getgid), CALL(getegid), CALL(getrandom), CALL(getrusage), CALL(getrlimit),
	CALL(uname), CALL(sysinfo), CALL(sched_yield), CALL(sched_getaffinity),
	CALL(rt_sigaction), CALL(rt_sigprocmask), CALL(rt_sigreturn), CALL(rt_sigpending),
	CALL(rt_sigtimedwait), CALL(sigaltstack), CALL(set_robust_list), CALL(rseq),
	CALL(restart_syscall), CALL(exit), CALL(exit_group)
};

/* What a database does besides; where there is Landlock, its files are all that it can
 * name, and it makes and removes none. */
static const int allowed_with_files[] = { CALL(openat), CALL(open), CALL(access),
	CALL(faccessat), CALL(faccessat2), CALL(stat), CALL(lstat), CALL(readlink),
	CALL(readlinkat), CALL(getcwd), CALL(fcntl), CALL(flock) };

/* Nobody calls for these who is what we started. */
static const int deadly[] = { CALL(execve), CALL(execveat), CALL(fork), CALL(vfork),
	CALL(clone), CALL(clone3), CALL(socket), CALL(connect), CALL(bind), CALL(listen),
	CALL(ptrace), CALL(process_vm_readv), CALL(process_vm_writev), CALL(pidfd_getfd),
	CALL(setns), CALL(unshare), CALL(mount), CALL(umount2), CALL(pivot_root),
	CALL(chroot), CALL(bpf), CALL(perf_event_open), CALL(keyctl), CALL(add_key),
	CALL(request_key), CALL(userfaultfd), CALL(io_uring_setup), CALL(init_module),
	CALL(finit_module), CALL(kexec_load), CALL(setuid), CALL(setresuid),
	CALL(open_by_handle_at) };

/* Arguments are compared on their low 32 bits: to the kernel they are ints. */
#define LOW(arg, mask, value) SCMP_CMP(arg, SCMP_CMP_MASKED_EQ, (mask), (value))
#define INT                   0xffffffffULL
#define WRITES                (O_ACCMODE | O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY))

static int
library(int ret, const char *what, struct err *e)
{
	if (ret >= 0)
		return 0;
	errno = -ret;
	return err_sys(e, "libseccomp: %s", what);
}

static int
add_all(scmp_filter_ctx ctx, uint32_t action, const int *calls, size_t n, struct err *e)
{
	for (size_t i = 0; i < n; i++)
		if (library(seccomp_rule_add(ctx, action, calls[i], 0), "add a call",
			e) == -1)
			return err_wrap(e, "call %d", calls[i]);
	return 0;
}

/* Stands for the process in a program that is made before it. */
#define NOBODY 0x7fedcba9 /* above all process numbers */

static int
add_conditions(scmp_filter_ctx ctx, bool files, struct err *e)
{
	static const int commands[] = { F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL,
		F_DUPFD_CLOEXEC, F_ADD_SEALS, F_GET_SEALS, F_SETPIPE_SZ, F_GETPIPE_SZ };
	const struct {
		int call;
		struct scmp_arg_cmp cmp;
	} rules[] = {
		{ CALL(mmap), LOW(2, PROT_EXEC, 0) },
		{ CALL(mprotect), LOW(2, PROT_EXEC, 0) },
		{ CALL(tgkill), LOW(0, INT, NOBODY) }, /* abort(3) */
	};

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (library(seccomp_rule_add_array(
				ctx, SCMP_ACT_ALLOW, rules[i].call, 1, &rules[i].cmp),
			"add a condition", e) == -1)
			return -1;
	/* one's own limits, to read */
	if (library(seccomp_rule_add(ctx, SCMP_ACT_ALLOW, CALL(prlimit64), 2,
			LOW(0, INT, 0), SCMP_CMP(2, SCMP_CMP_EQ, 0, 0)),
		"add a condition", e) == -1)
		return -1;
	if (files)
		return 0;
	/* a sealed memory file is opened anew, for reading */
	if (library(seccomp_rule_add(ctx, SCMP_ACT_ALLOW, CALL(openat), 1,
			LOW(2, (unsigned)WRITES, 0)),
		"add a condition", e) == -1)
		return -1;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (library(seccomp_rule_add(ctx, SCMP_ACT_ALLOW, CALL(fcntl), 1,
				LOW(1, INT, (unsigned)commands[i])),
			"add a condition", e) == -1)
			return -1;
	return 0;
}

#define ALL(list) (list), sizeof(list) / sizeof((list)[0])

static int
fill(scmp_filter_ctx ctx, bool files, struct err *e)
{
	/* i386 and x32 entries end the worker; that is libseccomp's default, too */
	if (library(seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS),
		"foreign architectures", e) == -1 ||
	    library(seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2), "binary tree",
		e) == -1)
		return -1;
	if (add_all(ctx, SCMP_ACT_KILL_PROCESS, ALL(deadly), e) == -1)
		return -1;
	if (add_all(ctx, SCMP_ACT_ALLOW, ALL(allowed), e) == -1 ||
	    (files && add_all(ctx, SCMP_ACT_ALLOW, ALL(allowed_with_files), e) == -1) ||
	    add_conditions(ctx, files, e) == -1)
		return -1;
	return 0;
}

static int
read_program(int fd, struct confine_program *out, struct err *e)
{
	off_t size = lseek(fd, 0, SEEK_END);
	unsigned found = 0;

	if (size <= 0 || (size_t)size > sizeof(out->code))
		return err_set(
		    e, ERR_BUG, "a filter of %lld instructions", (long long)size / 8);
	out->len = (unsigned short)((size_t)size / sizeof(out->code[0]));
	if (fd_pread_all(fd, out->code, (size_t)size, 0, e) == -1)
		return -1;
	for (unsigned short i = 0; i < out->len; i++)
		if (out->code[i].k == NOBODY) {
			out->process_at = i;
			found++;
		}
	if (found != 1)
		return err_set(
		    e, ERR_BUG, "a filter that names its process %u times", found);
	return 0;
}

int
confine_write(bool files, struct confine_program *out, struct err *e)
{
	scope_fd fd = memfd_create("judgebox-filter", MFD_CLOEXEC);
	if (fd == -1)
		return err_sys(e, "memfd_create");

	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	if (ctx == NULL)
		return err_set(e, ERR_SYS, "libseccomp: no memory for a filter");
	int r = fill(ctx, files, e);
	if (r == 0)
		r = library(seccomp_export_bpf(ctx, fd), "write the filter", e);
	seccomp_release(ctx);
	return r == 0 ? read_program(fd, out, e) : -1;
}

static int
enter_filter(const struct confine_program *program, struct err *e)
{
	struct confine_program mine = *program;
	struct sock_fprog load = { .len = mine.len, .filter = mine.code };

	mine.code[mine.process_at].k = (uint32_t)getpid();
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 ||
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &load) == -1)
		return err_sys(e, "load the filter");
	return 0;
}

static int
enter_light_filter(struct err *e)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	if (ctx == NULL)
		return err_set(e, ERR_SYS, "libseccomp: no memory for a filter");
	int r = add_all(ctx, SCMP_ACT_KILL_PROCESS, ALL(deadly), e);
	if (r == 0)
		r = library(seccomp_load(ctx), "load the filter", e);
	seccomp_release(ctx);
	return r;
}

#ifdef JB_SANITIZED

/* LeakSanitizer starts a thread at the end, which traces us and reads /proc. */
int
confine(const char *const *files, const struct confine_program *program, struct err *e)
{
	(void)files, (void)program, (void)e, (void)enter_filter;
	return 0;
}

int
confine_lightly(struct err *e)
{
	(void)e, (void)enter_light_filter;
	return 0;
}

#else

int
confine(const char *const *files, const struct confine_program *program, struct err *e)
{
	struct landlock_rule rules[CONFINE_FILES_MAX];
	unsigned n = 0;

	if (JB_FAULT(WORKER_FILTER))
		return 0;
	for (unsigned i = 0; files != NULL && files[i] != NULL && n < CONFINE_FILES_MAX;
	     i++)
		if (access(files[i], F_OK) == 0)
			rules[n++] = (struct landlock_rule){ .path = files[i],
				.allowed = LANDLOCK_READ_FILE | LANDLOCK_WRITE_FILE |
					   LANDLOCK_TRUNCATE };
	if (landlock_enter(rules, n, e) == -1)
		return -1;
	return enter_filter(program, e);
}

int
confine_lightly(struct err *e)
{
	return enter_light_filter(e);
}

#endif
