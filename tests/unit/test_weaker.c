/* What is weaker without root: each point is accepted by its own name, or refused. */
#include "unit.h"

#include <sched.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/weaker.h"

#define ACCOUNT (1U << WEAKER_SHARED_ACCOUNT)
#define LIMITS  (1U << WEAKER_SHARED_LIMITS)

static void
every_point_is_accepted_by_name(void **state)
{
	static const struct {
		const char *what;
		unsigned here;
		const char *accepted[2], *refused; /* NULL: all is well */
	} cases[] = {
		{ "nothing is weaker", 0, { NULL }, NULL },
		{ "nothing is accepted", ACCOUNT, { NULL }, "shared-account" },
		{ "the wrong one", ACCOUNT, { "shared-limits" }, "shared-account" },
		{ "the right one", ACCOUNT, { "shared-account" }, NULL },
		{ "one of two", ACCOUNT | LIMITS, { "shared-account" }, "shared-limits" },
		{ "both", ACCOUNT | LIMITS, { "shared-limits", "shared-account" }, NULL },
		{ "more than is needed", 0, { "shared-limits", "shared-account" }, NULL },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct words accepted = { 0 };
		struct err e = { 0 };
		char end[64] = "";

		for (size_t k = 0; k < 2 && cases[i].accepted[k] != NULL; k++)
			CHECK_OK(words_add(&accepted, cases[i].accepted[k], &e), e);
		CHECK_INT(cases[i].what, weaker_check(cases[i].here, &accepted, &e),
		    cases[i].refused == NULL ? 0 : -1);
		if (cases[i].refused != NULL)
			snprintf(end, sizeof(end), "; accept_weaker does not name \"%s\"",
			    cases[i].refused);
		size_t n = strlen(e.msg), tail = strlen(end);
		assert_true(n >= tail);
		CHECK_STR(cases[i].what, e.msg + n - tail, end);
	}
}

static void
points_have_names_and_remedies(void **state)
{
	(void)state;
	for (enum weaker w = 0; w < WEAKER_MAX_; w++) {
		const struct weaker_point *p = &weaker_points[w];

		CHECK_INT(p->name, weaker_named(p->name), w);
		CHECK_STR(p->name, p->remedy + strlen(p->remedy) - 1, ".");
		assert_in_range(strlen(p->what), 1, 140); /* doctor's line, err's */
	}
	CHECK_INT("no name", weaker_named("shared"), WEAKER_MAX_);
	CHECK_INT("empty", weaker_named(""), WEAKER_MAX_);
}

/* A child's answer, from a namespace that it made itself. */
static void
a_namespace_of_ones_own_is_known(void **state)
{
	int status = 0;

	(void)state;
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0)
		_exit(unshare(CLONE_NEWUSER) == -1 ? 77 : weaker_is_account());
	waitpid(pid, &status, 0);
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_point_is_accepted_by_name),
		cmocka_unit_test(points_have_names_and_remedies),
		cmocka_unit_test(a_namespace_of_ones_own_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
