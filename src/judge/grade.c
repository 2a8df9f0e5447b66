#include "judge/judge.h"

enum verdict
judge_grade(const struct outcome *o, bool overflow)
{
	/* in the order of API.md; the first that holds is the verdict */
	const struct {
		bool holds;
		enum verdict verdict;
	} ladder[] = {
		{ o->fault.code != ERR_NONE, VERDICT_INTERNAL_ERROR },
		/* we ended it: what its facts say is not its own doing */
		{ o->fired == FIRED_CANCEL, VERDICT_SKIPPED },
		{ o->violation >= 0, VERDICT_SECURITY_VIOLATION },
		{ overflow || o->fired == FIRED_OUTPUT, VERDICT_OUTPUT_LIMIT },
		{ o->oom_kills > 0 || o->exec_refused_for_memory, VERDICT_MEMORY_LIMIT },
		{ o->fired == FIRED_CPU || o->fired == FIRED_WALL, VERDICT_TIME_LIMIT },
		{ o->signal != 0 || o->exit_code != 0, VERDICT_RUNTIME_ERROR },
	};

	for (unsigned i = 0; i < sizeof(ladder) / sizeof(ladder[0]); i++)
		if (ladder[i].holds)
			return ladder[i].verdict;
	return VERDICT_OK;
}
