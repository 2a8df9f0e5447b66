/* What is left of a slot that could not be placed: nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/slot_spawn.h"

/* In place of libc's: the directory is gone. */
int
chdir(const char *path)
{
	(void)path;
	errno = ENOENT;
	return -1;
}

/* A failed test must leave none either: it would hold our output open for ever. */
static unsigned
kill_children(void)
{
	FILE *f = fopen("/proc/thread-self/children", "re");
	unsigned n = 0;
	int pid;

	while (f != NULL && fscanf(f, "%d", &pid) == 1) {
		kill(pid, SIGKILL);
		n++;
	}
	if (f != NULL)
		fclose(f);
	return n;
}

static void
who_cannot_go_back_leaves_no_child(void **state)
{
	int meters[METER_MAX_];
	struct slot_spawn s = { .program = -1,
		.filters = -1,
		.cwd = -1,
		.uid_base = 700000,
		.meters = meters };
	struct err e = { 0 };
	int before = dup(0);

	(void)state;
	for (int i = 0; i < METER_MAX_; i++)
		meters[i] = -1;
	assert_int_equal(slot_spawn(&s, &e), -1);
	if (strcmp(e.msg, "chdir /") != 0)
		skip(); /* not root, or in a container that has no such namespaces */
	assert_int_equal(kill_children(), 0);
	errno = 0;
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	int after = dup(0);
	assert_int_equal(after, before + 1); /* no descriptor either */
	close(before);
	close(after);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(
	    who_cannot_go_back_leaves_no_child) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
