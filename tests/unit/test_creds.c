/* I-24: what is left of root in a slot, asked of the kernel itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/creds.h"

#define KEEP (CREDS_CAP(CAP_SYS_ADMIN) | CREDS_CAP(CAP_SETUID) | CREDS_CAP(CAP_SETGID))
#define WANTED                                                                           \
	(SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_KEEP_CAPS_LOCKED |                \
	    SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED)

static uint64_t
capabilities(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };

	if (syscall(SYS_capget, &head, data) == -1)
		return UINT64_MAX;
	return data[0].effective | (uint64_t)data[1].effective << 32 | data[0].permitted |
	       (uint64_t)data[1].permitted << 32;
}

static bool
bounding_set_is_empty(void)
{
	for (int c = 0; c < 64; c++)
		if (prctl(PR_CAPBSET_READ, c, 0, 0, 0) == 1)
			return false;
	return true;
}

/* In a child, for there is no way back. */
static int
reduce(void)
{
	struct err e = { 0 };

	if (creds_reduce(KEEP, &e) == -1) {
		fprintf(stderr, "%s\n", e.msg);
		return 1;
	}
	if (prctl(PR_GET_SECUREBITS, 0, 0, 0, 0) != WANTED)
		return 2;
	if (capabilities() != KEEP)
		return 3;
	if (!bounding_set_is_empty())
		return 4;
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return 5;
	if (creds_become(65533, 65533) != 0)
		return 6;
	if (getuid() != 65533 || geteuid() != 65533 || getgid() != 65533 ||
	    getgroups(0, NULL) != 0)
		return 7;
	if (capabilities() != 0)
		return 8;
	return setresuid(0, 0, 0) == -1 ? 0 : 9;
}

static void
little_is_left_and_then_nothing(void **state)
{
	int status = 0;

	(void)state;
	if (geteuid() != 0)
		skip();
	pid_t pid = fork();
	assert_true(pid != -1);
	if (pid == 0)
		_exit(reduce());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(little_is_left_and_then_nothing),
	};

	return cmocka_run_group_tests_name("creds", tests, NULL, NULL);
}
