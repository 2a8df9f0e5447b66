#include "model/result.h"

#include <stdlib.h>
#include <string.h>

void
test_result_clear(struct test_result *t)
{
	free(t->out.kept.data);
	free(t->err.kept.data);
	free(t->diff.expected.data);
	free(t->diff.actual.data);
	memset(t, 0, sizeof(*t));
}

void
result_free(struct result *r)
{
	if (r == NULL)
		return;
	test_result_clear(&r->compile);
	for (unsigned i = 0; i < r->ntests; i++)
		test_result_clear(&r->tests[i]);
	free(r->tests);
	memset(r, 0, sizeof(*r));
}
