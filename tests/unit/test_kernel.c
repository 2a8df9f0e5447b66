/* What an older kernel answers, and a container that takes calls away. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/kernel.h"

static struct {
	long number;
	int error; /* 0: it is there, and does nothing */
} answers[8];

static const long numbers[] = { SYS_memfd_create, SYS_seccomp, SYS_open_tree,
	SYS_move_mount, SYS_clone3, SYS_openat2, SYS_close_range, SYS_mount_setattr };

/* In place of libc's. */
long
syscall(long number, ...)
{
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
		if (answers[i].number == number) {
			errno = answers[i].error;
			return errno == 0 ? 0 : -1;
		}
	fail_msg("call %ld was not expected", number);
	return -1;
}

static void
have_all(void)
{
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		bool tells = numbers[i] == SYS_seccomp || numbers[i] == SYS_close_range;

		answers[i].number = numbers[i];
		answers[i].error = tells ? 0 : EINVAL;
	}
}

static void
answer(long number, int error)
{
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
		if (answers[i].number == number)
			answers[i].error = error;
}

static void
a_kernel_that_has_all(void **state)
{
	char missing[KERNEL_MISSING_MAX];
	struct err e = { 0 };

	(void)state;
	have_all();
	answer(SYS_move_mount, EPERM); /* as whoever may not mount is told */
	assert_int_equal(kernel_missing(missing), 0);
	assert_string_equal(missing, "");
	assert_int_equal(kernel_check(&e), 0);
	assert_int_equal(e.code, ERR_NONE);
}

static void
each_that_is_missing_is_named(void **state)
{
	static const struct {
		long number;
		int error;
		const char *said;
	} cases[] = {
		{ SYS_memfd_create, ENOSYS, "memfd_create (3.17)" },
		{ SYS_seccomp, ENOSYS, "seccomp (5.0)" },
		{ SYS_seccomp, EOPNOTSUPP, "seccomp (5.0)" }, /* no user notification */
		{ SYS_open_tree, ENOSYS, "open_tree (5.2)" },
		{ SYS_open_tree, EPERM,
		    "open_tree (5.2)" }, /* an older container's way */
		{ SYS_move_mount, ENOSYS, "move_mount (5.2)" },
		{ SYS_clone3, ENOSYS, "clone3 (5.3)" },
		{ SYS_openat2, ENOSYS, "openat2 (5.6)" },
		{ SYS_close_range, ENOSYS, "close_range (5.11)" },
		{ SYS_close_range, EINVAL,
		    "close_range (5.11)" }, /* 5.9 has half of it */
		{ SYS_mount_setattr, ENOSYS, "mount_setattr (5.12)" },
		{ SYS_mount_setattr, EPERM, "mount_setattr (5.12)" },
	};
	char missing[KERNEL_MISSING_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err e = { 0 };

		have_all();
		answer(cases[i].number, cases[i].error);
		assert_int_equal(kernel_missing(missing), 1);
		assert_string_equal(missing, cases[i].said);
		assert_int_equal(kernel_check(&e), -1);
		assert_int_equal(e.code, ERR_SYS);
		assert_non_null(strstr(e.msg, cases[i].said));
		assert_non_null(strstr(e.msg, KERNEL_NEEDED " or later"));
	}
}

static void
all_fit_into_one_line(void **state)
{
	char missing[KERNEL_MISSING_MAX];
	struct err e = { 0 };

	(void)state;
	have_all();
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		answer(numbers[i], ENOSYS);
	assert_int_equal(kernel_missing(missing), 8);
	assert_non_null(strstr(missing, "mount_setattr (5.12)")); /* the last */
	assert_true(strlen("missing: ") + strlen(missing) < 160); /* doctor's line */
	assert_int_equal(kernel_check(&e), -1);
	assert_non_null(strstr(e.msg, "or later is needed"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_kernel_that_has_all),
		cmocka_unit_test(each_that_is_missing_is_named),
		cmocka_unit_test(all_fit_into_one_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
