#include "model/problem.h"

#include <stdarg.h>
#include <stdio.h>

static const struct {
	int status;
	const char *id;
} rows[PROBLEM_MAX_] = {
	[PROBLEM_NONE] = { 500, "internal" },
#define X(sym, status_, id_) [PROBLEM_##sym] = { status_, id_ },
	PROBLEMS(X)
#undef X
};

int
problem_set(
    struct problem *p, enum problem_code code, const char *path, const char *fmt, ...)
{
	va_list ap;

	*p = (struct problem){ .code = code };
	va_start(ap, fmt);
	vsnprintf(p->text, sizeof(p->text), fmt, ap);
	va_end(ap);
	snprintf(p->path, sizeof(p->path), "%s", path != NULL ? path : "");
	return -1;
}

int
problem_status(enum problem_code code)
{
	return rows[code < PROBLEM_MAX_ ? code : 0].status;
}

const char *
problem_id(enum problem_code code)
{
	return rows[code < PROBLEM_MAX_ ? code : 0].id;
}
