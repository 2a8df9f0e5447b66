#include "model/verdict.h"

static const char *const names[VERDICT_MAX_] = {
#define X(sym, name) [VERDICT_##sym] = name,
	VERDICTS(X)
#undef X
};

const char *
verdict_name(enum verdict v)
{
	return v < VERDICT_MAX_ ? names[v] : "unknown";
}
