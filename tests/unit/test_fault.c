/* Walls of a test build: found by their names, and no other word is taken for one. */
#include "unit.h"

#include <stdlib.h>

#include "base/fault.h"

static void
names_are_whole_words(void **state)
{
	static const struct {
		const char *list;
		bool net, seccomp;
	} cases[] = {
		{ NULL, false, false },
		{ "", false, false },
		{ "net", true, false },
		{ "netz,seccomp", false, true },
		{ "seccomp,net", true, true },
		{ "ne,t,secc", false, false },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		if (cases[i].list != NULL)
			setenv(FAULT_VARIABLE, cases[i].list, 1);
		CHECK_INT("net", JB_FAULT(NET), cases[i].net);
		CHECK_INT("seccomp", JB_FAULT(SECCOMP), cases[i].seccomp);
	}
	unsetenv(FAULT_VARIABLE);
}

static void
unknown_names_are_refused(void **state)
{
	static const struct {
		const char *list;
		int answer;
	} cases[] = { { "net,seccomp", 0 }, { "nte", -1 }, { "net,", 0 },
		{ ",net", -1 } };
	char variable[FAULT_NAMES_MAX];

	(void)state;
	fault_variable(variable);
	CHECK_STR("none", variable, "");
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct err e = { 0 };

		setenv(FAULT_VARIABLE, cases[i].list, 1);
		CHECK_INT(cases[i].list, fault_check(&e), cases[i].answer);
	}
	fault_variable(variable);
	CHECK_STR("last", variable, FAULT_VARIABLE "=,net");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_whole_words),
		cmocka_unit_test(unknown_names_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
