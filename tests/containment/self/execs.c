/* Executes what it should not: stdin, scripts in /work, odd arguments, empty argv.
 * judge: family=self invariants=I-23,I-26,I-34 input="#!/bin/sh\necho BREACH stdin\n"
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "report.h"

static char *huge[100000];

static int
child(int (*f)(void))
{
	int st = 0;
	pid_t p = fork();

	if (p == 0)
		_exit(f() == -1 ? 99 : 98);
	waitpid(p, &st, 0);
	return WIFEXITED(st) ? WEXITSTATUS(st) : 128 + WTERMSIG(st);
}

static int exec_work(void) { return execl("/work/x", "x", NULL); }
static int exec_stdin(void) { return (int)syscall(SYS_execveat, 0, "", (char *[]){ "x", NULL }, (char *[]){ NULL }, AT_EMPTY_PATH); }
static int exec_no_argv(void) { return execve("/usr/bin/env", NULL, NULL); }
static int exec_wild(void) { return execve("/usr/bin/true", (char **)8, (char **)16); }
static int exec_huge(void) { return execve("/usr/bin/true", huge, huge); }
static int exec_dir(void) { return execl("/usr", "usr", NULL); }
static int exec_dev(void) { return execl("/dev/zero", "zero", NULL); }
static int exec_lib(void) { return execl("/lib64/ld-linux-x86-64.so.2", "ld", "/work/x", NULL); }

int
main(void)
{
	int fd = open("/work/x", O_CREAT | O_WRONLY, 0755);

	if (write(fd, "#!/bin/sh\necho BREACH work\n", 27) != 27)
		report(0, "write", "failed");
	fchmod(fd, 06777);
	close(fd);
	for (int i = 0; i < 99999; i++)
		huge[i] = "0123456789012345678901234567890123456789012345678901234567890123456789";
	report(child(exec_work) == 99, "work", "was executed: noexec is off");
	child(exec_stdin); /* a script without a path to itself: what it prints would show */
	child(exec_no_argv);
	report(child(exec_wild) == 99, "wild", "executed");
	report(child(exec_huge) == 99, "huge", "executed");
	report(child(exec_dir) == 99, "dir", "executed");
	report(child(exec_dev) == 99, "dev", "executed");
	report(child(exec_lib) != 0, "loader", "runs what must not be executed");
	return done();
}
