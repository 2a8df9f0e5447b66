/* A worker's filter: each case is a process that confines itself and tries one thing. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/confine.h"
#include "base/fd.h"
#include "base/landlock.h"

#define KILLED (-SIGSYS)

static char directory[32], file[64]; /* made by setup: a directory with a file */
static int pair[2];

/* --- what is tried: 0 or errno --- */

static int
answer(long r)
{
	return r == -1 ? errno : 0;
}

static int
memory(void)
{
	char *p = malloc(64 << 20);

	if (p == NULL)
		return errno;
	memset(p, 1, 64 << 20);
	p = realloc(p, 128 << 20);
	free(p);
	return 0;
}

static int
sealed_file(void)
{
	struct err e = { 0 };
	uint64_t size;
	int fd = fd_memfd("test", "abc", 3, &e);

	if (fd == -1 || fd_check_sealed(fd, 10, &size, &e) == -1)
		return e.sys != 0 ? e.sys : 1;
	return close(fd);
}

static int
pass_descriptor(void)
{
	struct err e = { 0 };
	int fds[FD_PASS_MAX];
	unsigned n;
	char c;

	if (fd_send(pair[0], "x", 1, &pair[0], 1, &e) == -1 ||
	    fd_recv(pair[1], &c, 1, fds, &n, &e) != 1)
		return 1;
	return n == 1 ? 0 : 2;
}

static int
read_file(void)
{
	return answer(open(file, O_RDONLY));
}

static int
read_passwd(void)
{
	return answer(open("/etc/passwd", O_RDONLY));
}

static int
write_file(void)
{
	return answer(open(file, O_RDWR));
}

static int
write_high(void)
{
	return answer(syscall(SYS_openat, AT_FDCWD, file, 0xf00000000L | O_RDWR));
}

static int
make_file(void)
{
	char path[100];

	snprintf(path, sizeof(path), "%s/new", directory);
	return answer(open(path, O_CREAT | O_RDWR, 0600));
}

static int
make_elsewhere(void)
{
	return answer(open("/tmp/judgebox-test-confine", O_CREAT | O_WRONLY, 0600));
}

static int
lock_file(void)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1 };
	int fd = open(file, O_RDWR);

	return answer(fcntl(fd, F_SETLK, &l));
}

static int
lock_all_of_it(void)
{
	int fd = open(file, O_RDONLY);

	return fd == -1 ? errno : answer(flock(fd, LOCK_EX | LOCK_NB));
}

static int
own_limits(void)
{
	struct rlimit r;

	return answer(getrlimit(RLIMIT_NOFILE, &r));
}

static int
lift_limits(void)
{
	struct rlimit r = { 10, 10 };

	return answer(setrlimit(RLIMIT_NOFILE, &r));
}

static int
new_code(void)
{
	void *p =
	    mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? errno : 0;
}

static int
code_of_data(void)
{
	void *p =
	    mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return answer(mprotect(p, 4096, PROT_READ | PROT_EXEC));
}

static int
exec_program(void)
{
	char *argv[] = { (char[]){ "/bin/true" }, NULL };

	return answer(execv(argv[0], argv));
}

static int
start_process(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return answer(pid);
}

static int
clone_process(void)
{
	return answer(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
}

static int
new_socket(void)
{
	return answer(socket(AF_INET, SOCK_STREAM, 0));
}

static int
unix_socket(void)
{
	return answer(socket(AF_UNIX, SOCK_STREAM, 0));
}

static int
connect_elsewhere(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX, .sun_path = "/run/x" };

	return answer(connect(pair[0], (struct sockaddr *)&a, sizeof(a)));
}

static int
trace(void)
{
	return answer(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL));
}

static int
signal_parent(void)
{
	return answer(kill(getppid(), SIGUSR1));
}

static int
signal_thread_of_parent(void)
{
	return answer(syscall(SYS_tgkill, getppid(), getppid(), SIGUSR1));
}

static int
end_by_abort(void)
{
	abort();
}

static int
foreign_call(void)
{
	long r;

	__asm__ volatile("int $0x80" : "=a"(r) : "a"(20) : "memory");
	return r > 0 ? 0 : 1;
}

static int
unknown_call(void)
{
	return answer(syscall(999));
}

static int
remove_file(void)
{
	return answer(unlink(file));
}

static const struct {
	const char *what;
	int (*attempt)(void);
	int without, with; /* files: 0, errno, or minus the signal that ends it */
} cases[] = {
	{ "memory", memory, 0, 0 },
	{ "a sealed file", sealed_file, 0, 0 },
	{ "a descriptor passed", pass_descriptor, 0, 0 },
	{ "own limits", own_limits, 0, 0 },
	{ "abort", end_by_abort, -SIGABRT, -SIGABRT },
	{ "other limits", lift_limits, EPERM, EPERM },
	{ "read /etc/passwd", read_passwd, EACCES, EACCES },
	{ "read the file", read_file, EACCES, 0 },
	{ "write it", write_file, EPERM, 0 },
	{ "write it, high bits", write_high, EPERM, 0 },
	{ "lock it", lock_file, EPERM, 0 },
	{ "lock all of it", lock_all_of_it, EACCES, 0 },
	{ "make one beside it", make_file, EPERM, EACCES },
	{ "make one elsewhere", make_elsewhere, EPERM, EACCES },
	{ "new code", new_code, EPERM, EPERM },
	{ "code of data", code_of_data, EPERM, EPERM },
	{ "execve", exec_program, KILLED, KILLED },
	{ "fork", start_process, KILLED, KILLED },
	{ "clone", clone_process, KILLED, KILLED },
	{ "TCP socket", new_socket, KILLED, KILLED },
	{ "unix socket", unix_socket, KILLED, KILLED },
	{ "connect", connect_elsewhere, KILLED, KILLED },
	{ "ptrace", trace, KILLED, KILLED },
	{ "kill", signal_parent, EPERM, EPERM },
	{ "tgkill", signal_thread_of_parent, EPERM, EPERM },
	{ "a foreign call", foreign_call, KILLED, KILLED },
	{ "an unknown call", unknown_call, EPERM, EPERM },
	{ "remove a file", remove_file, EPERM, EPERM },
};

/* What Landlock refuses is allowed by a kernel that has none. */
static int
expected(size_t i, bool with_file)
{
	int want = with_file ? cases[i].with : cases[i].without;

	return want == EACCES && landlock_abi() == 0 ? 0 : want;
}

static int
confine_plainly(struct err *e)
{
	struct confine_program program;

	return confine_write(false, &program, e) == -1 ? -1 : confine(NULL, &program, e);
}

static int
confine_with_file(struct err *e)
{
	const char *const files[] = { file, "/var/tmp/judgebox-none", NULL };

	struct confine_program program;

	return confine_write(true, &program, e) == -1 ? -1 : confine(files, &program, e);
}

static int
confine_a_recorder(struct err *e)
{
	return confine_lightly(e);
}

static int
run(int (*attempt)(void), int (*enter)(struct err *e))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		struct rlimit none = { 0, 0 };
		struct err e = { 0 };

		setrlimit(RLIMIT_CORE, &none);
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 || enter(&e) == -1)
			_exit(255);
		_exit(attempt());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void
a_recorder(void **state)
{
	static const struct {
		const char *what;
		int (*attempt)(void);
		int want;
	} light[] = {
		{ "memory", memory, 0 },
		{ "lock a file", lock_file, 0 },
		{ "make a file", make_file, 0 },
		{ "execve", exec_program, KILLED },
		{ "fork", start_process, KILLED },
		{ "a socket", unix_socket, KILLED },
		{ "ptrace", trace, KILLED },
		{ "a foreign call", foreign_call, KILLED },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(light); i++)
		CHECK_INT(light[i].what, run(light[i].attempt, confine_a_recorder),
		    light[i].want);
}

static void
a_worker_without_a_database(void **state)
{
	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++)
		CHECK_INT(cases[i].what, run(cases[i].attempt, confine_plainly),
		    expected(i, false));
}

static void
a_worker_with_a_database(void **state)
{
	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++)
		CHECK_INT(cases[i].what, run(cases[i].attempt, confine_with_file),
		    expected(i, true));
}

static int
setup(void **state)
{
	(void)state;
#ifdef JB_SANITIZED
	print_message("a worker built with sanitizers is not confined\n");
	exit(77);
#endif
	strcpy(directory, "/var/tmp/judgebox-XXXXXX");
	if (mkdtemp(directory) == NULL)
		return -1;
	snprintf(file, sizeof(file), "%s/file", directory);
	close(open(file, O_CREAT | O_WRONLY, 0600));
	return socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair);
}

static int
teardown(void **state)
{
	char path[100];

	(void)state;
	snprintf(path, sizeof(path), "%s/new", directory);
	unlink(path);
	unlink(file);
	return rmdir(directory);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_worker_without_a_database),
		cmocka_unit_test(a_worker_with_a_database),
		cmocka_unit_test(a_recorder),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
