/* Control groups on the machine itself, by the backend that this build has. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "sandbox/cgroup.h"

static char name[64];
static struct cgroups *groups;

/* How many groups of ours the machine has, in all hierarchies. */
static unsigned
count_groups(const char *which)
{
	char command[200], line[400];
	unsigned n = 0;

	snprintf(command, sizeof(command),
	    "find /sys/fs/cgroup -type d -path '*%s' 2>/dev/null", which);
	FILE *f = popen(command, "re");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL)
		n++;
	pclose(f);
	return n;
}

static unsigned
count_slots(unsigned slot)
{
	char which[100];

	snprintf(which, sizeof(which), "/%s/slot%u", name, slot);
	return count_groups(which);
}

static pid_t
start_sleeper(void)
{
	pid_t pid = fork();

	assert_true(pid != -1);
	if (pid == 0) {
		alarm(60);
		pause();
		_exit(0);
	}
	return pid;
}

static long
read_number(int fd)
{
	char text[32] = "";

	assert_true(pread(fd, text, sizeof(text) - 1, 0) > 0);
	return strtol(text, NULL, 10);
}

static void
must_drop(unsigned slot)
{
	struct err e = { 0 };

	for (int tries = 0; cgroups_drop_slot(groups, slot, &e) == -1; tries++) {
		if (tries == 5000) /* on a busy machine, who was killed takes his time */
			fail_msg("slot %u stays: %s", slot, e.msg);
		usleep(2000);
	}
	CHECK_INT("groups of the slot", count_slots(slot), 0);
}

static void
a_slot_comes_and_goes(void **state)
{
	int fd[METER_MAX_];
	struct err e = { 0 };

	(void)state;
	must_drop(0); /* what is not there is dropped */
	CHECK_OK(cgroups_make_slot(groups, 0, fd, &e), e);
	assert_true(count_slots(0) > 0);
	for (int i = 0; i < METER_MAX_; i++)
		/* what a kernel without swap, an older one, or v1 has not */
		if (i != METER_MEMSW_MAX && i != METER_PIDS_PEAK &&
		    i != METER_REFUSED_ALL)
			assert_true(fd[i] >= 0);
	CHECK_INT("nobody in it", read_number(fd[METER_PIDS]), 0);
	assert_true(pwrite(fd[METER_PIDS_MAX], "7", 1, 0) == 1);
	CHECK_INT("the limit", read_number(fd[METER_PIDS_MAX]), 7);
	fd_close_all(fd, METER_MAX_);
	CHECK_OK(
	    cgroups_make_slot(groups, 0, fd, &e), e); /* one that is there is taken */
	CHECK_INT("the same group", read_number(fd[METER_PIDS_MAX]), 7);
	fd_close_all(fd, METER_MAX_);
	CHECK_OK(cgroups_drop_slot(groups, 0, &e), e); /* empty, so at once */
	CHECK_INT("groups of the slot", count_slots(0), 0);
}

static void
what_lives_in_a_slot_dies_with_it(void **state)
{
	int fd[METER_MAX_], status;
	struct err e = { 0 };

	(void)state;
	CHECK_OK(cgroups_make_slot(groups, 1, fd, &e), e);
	pid_t pid = start_sleeper();
	CHECK_OK(cgroups_attach(groups, 1, pid, &e), e);
	CHECK_INT("attached", read_number(fd[METER_PIDS]), 1);
	assert_true(read_number(fd[METER_CPU]) >= 0 || cgroups_v2(groups));
	assert_int_equal(cgroups_drop_slot(groups, 1, &e), -1);
	assert_true(e.code == ERR_BUSY);
	assert_true(waitpid(pid, &status, 0) == pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	fd_close_all(fd, METER_MAX_);
	must_drop(1);
}

static void
nobody_can_be_put_where_nothing_is(void **state)
{
	struct err e = { 0 };
	int fd[METER_MAX_];

	(void)state;
	assert_int_equal(cgroups_attach(groups, 2, getpid(), &e), -1);
	assert_true(e.msg[0] != '\0');
	CHECK_OK(cgroups_make_slot(groups, 2, fd, &e), e);
	fd_close_all(fd, METER_MAX_);
	pid_t gone = start_sleeper();
	kill(gone, SIGKILL);
	waitpid(gone, NULL, 0);
	assert_int_equal(cgroups_attach(groups, 2, gone, &e), -1);
	must_drop(2);
}

/* A helper that was killed leaves slots with processes that nobody reaps for us. */
static void
leftovers_are_removed(void **state)
{
	int fd[METER_MAX_];
	pid_t pids[3];
	struct err e = { 0 };

	(void)state;
	signal(SIGCHLD, SIG_IGN); /* init does it for a dead helper's children */
	for (unsigned i = 0; i < LENGTH(pids); i++) {
		CHECK_OK(cgroups_make_slot(groups, i, fd, &e), e);
		fd_close_all(fd, METER_MAX_);
		pids[i] = start_sleeper();
		CHECK_OK(cgroups_attach(groups, i, pids[i], &e), e);
	}
	CHECK_OK(cgroups_clean(groups, LENGTH(pids), &e), e);
	for (unsigned i = 0; i < LENGTH(pids); i++) {
		CHECK_INT("groups", count_slots(i), 0);
		assert_true(kill(pids[i], 0) == -1 && errno == ESRCH);
	}
	signal(SIGCHLD, SIG_DFL);
}

/* Two helpers of one name: the first to end must not take the other's groups along. */
static void
what_is_in_use_stays(void **state)
{
	struct cgroups *other = NULL;
	int fd[METER_MAX_];
	struct err e = { 0 };

	(void)state;
	CHECK_OK(cgroups_make_slot(groups, 0, fd, &e), e);
	fd_close_all(fd, METER_MAX_);
	CHECK_OK(cgroups_open(name, &other, &e), e);
	cgroups_close(other);
	assert_true(count_slots(0) > 0);
	must_drop(0);
}

static void
an_empty_tree_is_taken_down(void **state)
{
	char which[80];

	(void)state;
	cgroups_close(groups);
	groups = NULL;
	cgroups_close(NULL);
	snprintf(which, sizeof(which), "/%s", name);
	CHECK_INT("groups", count_groups(which), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_slot_comes_and_goes),
		cmocka_unit_test(what_lives_in_a_slot_dies_with_it),
		cmocka_unit_test(nobody_can_be_put_where_nothing_is),
		cmocka_unit_test(leftovers_are_removed),
		cmocka_unit_test(what_is_in_use_stays),
		cmocka_unit_test(an_empty_tree_is_taken_down),
	};
	struct err e = { 0 };
	int fd[METER_MAX_];

	snprintf(name, sizeof(name), "jbunit-%d", (int)getpid());
	if (geteuid() != 0 || cgroups_open(name, &groups, &e) == -1 ||
	    cgroups_make_slot(groups, 0, fd, &e) == -1) {
		printf("no groups can be made here: %s\n",
		    geteuid() == 0 ? e.msg : "we are not root");
		return 77;
	}
	fd_close_all(fd, METER_MAX_);
	must_drop(0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
