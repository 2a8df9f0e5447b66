/* A run, from the bytes of its request to those of its answer, in any dialect. */
#include <stdio.h>

#include "api/ending.h"
#include "api/handlers.h"
#include "api/json.h"
#include "base/clock.h"
#include "base/log.h"

/* All that one run owns; released together. */
struct run {
	struct job *job;
	struct result result;
	struct warnings warnings;
};

static void
run_free(struct run *r)
{
	job_free(r->job);
	result_free(&r->result);
}

/* No program text: ids, counts and verdicts only. */
static void
log_run(const struct call *c, const struct run *r, uint64_t since)
{
	log_info(
	    "run request=%s job=%s dialect=%s language=%s tests=%u verdict=%s ms=%llu",
	    c->rq->request_id, r->job->id, c->dialect->name, r->job->language,
	    r->job->ntests, verdict_name(r->result.verdict),
	    (unsigned long long)ending_ms(clock_us() - since));
	for (unsigned i = 0; i < r->result.ntests; i++)
		if (r->result.tests[i].outcome.fault.code != ERR_NONE) {
			log_err(&r->result.tests[i].outcome.fault, "request=%s test %u",
			    c->rq->request_id, i);
			return; /* the others failed likewise, and there may be 256 */
		}
}

static int
decode(const struct call *c, struct run *r, struct problem *p)
{
	scope_json body = NULL;
	struct reading reading = { .site = c->api->site,
		.job = r->job,
		.warnings = &r->warnings,
		.problem = p };

	if (c->api->draining != NULL && *c->api->draining)
		return problem_set(
		    p, PROBLEM_DRAINING, NULL, "the service is being stopped; try again");
	if (json_read(c->rq, c->api->site->max_body_bytes, &body, p) == -1)
		return -1;

	struct value v = { .json = body, .name = "" };
	snprintf(r->job->profile, sizeof(r->job->profile), "default");
	return c->dialect->decode(&reading, &v);
}

bool
handle_run(const struct call *c)
{
	const struct api *api = c->api;
	__attribute__((cleanup(run_free))) struct run r = { .job = job_new() };
	const struct lang *lang = NULL;
	uint64_t since = clock_us();
	bool gone = false;
	struct problem p;

	if (decode(c, &r, &p) == -1)
		return answer_problem(c, &p);
	if (api->judge.admit(r.job, api->site, api->langs, &lang, &p) == -1)
		return answer_problem(c, &p);
	if (api->judge.run(r.job, lang, api->site, api->line, c->rq->client_fd, &r.result,
		&gone, &p) == -1)
		return gone ? false : answer_problem(c, &p);

	struct judged j = { .job = r.job, .result = &r.result, .warnings = &r.warnings };
	struct writer w = { .out = &c->rs->body };
	c->rs->status = c->dialect->encode(&j, &w);
	log_run(c, &r, since);
	return true;
}
