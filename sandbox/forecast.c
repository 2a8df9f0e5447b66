#include "sandbox/forecast.h"

#include "base/clock.h"

static uint64_t
test_us(const struct forecast *f, const struct job *j)
{
	if (j->tests_done > 0)
		return j->tests_us / j->tests_done;
	return pace_test(&f->pace[j->lang->index], j->cpu_us, clock_us());
}

uint64_t
forecast_run(const struct forecast *f, const struct run *r)
{
	return r->kind == RUN_COMPILE
		   ? pace_compile(&f->pace[r->job->lang->index], clock_us())
		   : test_us(f, r->job);
}

uint64_t
forecast_job(const struct forecast *f, const struct job *j, unsigned pending)
{
	bool compiles = language_is_compiled(j->lang) && !j->ready &&
			(!j->compile_asked || pending > 0);
	unsigned tests = j->tests_left + pending;

	if (!compiles) /* one more, for all we know: it has a place, and memory */
		return (tests > 0 ? tests : 1) * test_us(f, j);
	tests -= j->compile_asked;
	return tests * test_us(f, j) + pace_compile(&f->pace[j->lang->index], clock_us());
}

uint64_t
forecast_first(const struct forecast *f, const struct language *l, uint64_t cpu_us)
{
	const struct pace *p = &f->pace[l->index];

	return language_is_compiled(l) ? pace_compile(p, clock_us())
				       : pace_test(p, cpu_us, clock_us());
}

void
forecast_learn(struct forecast *f, const struct run *r, uint64_t took_us)
{
	struct pace *p = &f->pace[r->job->lang->index];

	if (r->kind == RUN_COMPILE)
		pace_learn_compile(p, took_us, clock_us());
	if (r->kind != RUN_TEST)
		return;
	pace_learn_test(p, r->limits.cpu_us, took_us, clock_us());
	r->job->tests_us += took_us;
	r->job->tests_done++;
}
