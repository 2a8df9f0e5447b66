#include "app/ready.h"

#include "base/log.h"
#include "box/box.h"

int
ready_check(const char *helper_path, struct problem *p)
{
	scope_box b = NULL;
	struct box_state s = { 0 };
	struct err e = { 0 };
	char text[400];

	if (box_connect(helper_path, &b, &e) == -1 || box_status(b, &s, &e) == -1)
		return problem_set(p, PROBLEM_SANDBOX_UNAVAILABLE, NULL,
		    "the sandbox helper does not answer: %s",
		    err_text(&e, text, sizeof(text)));
	if (s.ready == 0)
		return problem_set(p, PROBLEM_SANDBOX_UNAVAILABLE, NULL,
		    "no slot of the sandbox helper is ready%s%s",
		    s.why[0] != '\0' ? ": " : "", s.why);
	return 0;
}
