#include "judge/tally.h"

#include "observe/metrics.h"

static void
tally_compile(const struct result *r, unsigned language)
{
	const struct test_result *c = &r->compile;
	const char *how = c->verdict != VERDICT_OK ? "failed"
			  : r->cached              ? "cached"
						   : "compiled";

	if (!r->compiled)
		return;
	metrics_add(METRIC_COMPILES, metrics_find(LABEL_COMPILE, how), language, 1);
	if (!r->cached && c->verdict != VERDICT_INTERNAL_ERROR)
		metrics_observe(METRIC_COMPILE_TIME, language, c->outcome.wall_us);
}

/* A test that did not run has a verdict, but took no time. */
static void
tally_test(const struct test_result *t, unsigned language)
{
	const struct outcome *o = &t->outcome;
	bool ran = t->verdict != VERDICT_SKIPPED && t->verdict != VERDICT_INTERNAL_ERROR;

	metrics_add(METRIC_TESTS, metrics_find(LABEL_VERDICT, verdict_name(t->verdict)),
	    language, 1);
	if (t->verdict == VERDICT_SECURITY_VIOLATION)
		metrics_add(METRIC_VIOLATIONS, language, 0, 1);
	if (!ran)
		return;
	metrics_observe(METRIC_TEST_CPU, language, o->cpu_us);
	metrics_observe(METRIC_TEST_WALL, language, o->wall_us);
}

void
tally_job(const struct judging *j)
{
	const struct result *r = j->r;
	unsigned language = metrics_find(LABEL_LANGUAGE, j->lang->id);

	metrics_add(METRIC_JOBS, metrics_find(LABEL_VERDICT, verdict_name(r->verdict)),
	    language, 1);
	metrics_observe(METRIC_QUEUE_TIME, 0, r->queue_us);
	tally_compile(r, language);
	for (unsigned i = 0; i < r->ntests; i++)
		tally_test(&r->tests[i], language);
}

void
tally_flight(const struct outcome *o, uint64_t us)
{
	uint64_t inside = o->queue_us + o->wall_us;

	metrics_observe(METRIC_BOX_OVERHEAD, 0, us > inside ? us - inside : 0);
}
