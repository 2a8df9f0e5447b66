/* A run, from the bytes of its request to those of its answer, in any dialect. */
#include <stdio.h>

#include "api/auth.h"
#include "api/handlers.h"
#include "api/json.h"
#include "api/metered.h"
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

/* What is known of a job before it is judged, so that a refusal tells it, too. */
static void
trace_job(struct trace *t, const struct job *j)
{
	snprintf(t->job, sizeof(t->job), "%s", j->id);
	snprintf(t->user, sizeof(t->user), "%s", j->user);
	t->tests = j->ntests;
}

static void
trace_result(struct trace *t, const struct run *r)
{
	t->judged = true;
	t->verdict = r->result.verdict;
	t->queue_us = r->result.queue_us;
	t->cpu_us = r->result.compile.outcome.cpu_us;
	for (unsigned i = 0; i < r->result.ntests; i++)
		t->cpu_us += r->result.tests[i].outcome.cpu_us;
}

static void
log_fault(const struct call *c, const struct run *r)
{
	for (unsigned i = 0; i < r->result.ntests; i++)
		if (r->result.tests[i].outcome.fault.code != ERR_NONE) {
			log_err(&r->result.tests[i].outcome.fault, "request=%s test %u",
			    c->rq->request_id, i);
			return; /* the others failed likewise, and there may be 256 */
		}
}

static const char *
version_of(const struct api *api, const struct lang *lang)
{
	for (unsigned i = 0; api->versions != NULL && i < langs_count(api->langs); i++)
		if (langs_at(api->langs, i) == lang)
			return api->versions[i];
	return NULL;
}

/* What is written of it, before it is answered. */
static int
write_down(const struct call *c, const struct run *r, const struct lang *lang,
    uint64_t since, struct problem *p)
{
	const struct api_log *log = &c->api->log;
	const struct answered a = { .job = r->job,
		.result = &r->result,
		.status = c->rs->status,
		.took_us = clock_us() - since,
		.request_id = c->rq->request_id,
		.dialect = c->dialect->name,
		.compiler = version_of(c->api, lang),
		.key = c->trace->key,
		.user = c->trace->user,
		.address = c->rq->address };

	return log->write == NULL ? 0 : log->write(log->ctx, &a, p);
}

/* Too many violations, and the site wants to look first. */
static int
refuse_flagged(const struct call *c, struct problem *p)
{
	const struct api_log *log = &c->api->log;

	if (log->blocks == NULL || !log->blocks(log->ctx, c->trace->key, c->trace->user))
		return 0;
	return problem_set(p, PROBLEM_FLAGGED, NULL,
	    "programs of this user broke the rules too often; an administrator has to "
	    "look at it first");
}

static int
decode(const struct call *c, const struct site *site, struct run *r, struct problem *p)
{
	scope_json body = NULL;
	struct reading reading = {
		.site = site, .job = r->job, .warnings = &r->warnings, .problem = p
	};

	if (c->api->draining != NULL && *c->api->draining)
		return problem_set(
		    p, PROBLEM_DRAINING, NULL, "the service is being stopped; try again");
	if (json_read(c->rq, site->max_body_bytes, &body, p) == -1)
		return -1;

	struct value v = { .json = body, .name = "" };
	snprintf(r->job->profile, sizeof(r->job->profile), "%s",
	    c->who->profile[0] != '\0'    ? c->who->profile
	    : c->dialect->profile != NULL ? c->dialect->profile
					  : "default");
	if (c->dialect->decode(&reading, &v) == -1 ||
	    auth_user(c->api, c->rq, r->job->user, c->who, p) == -1)
		return -1;
	snprintf(r->job->user, sizeof(r->job->user), "%s", c->who->user);
	return 0;
}

/* Everything before the run: nothing of it costs the client anything. */
static int
prepare(const struct call *c, const struct site *site, struct run *r,
    const struct lang **lang, struct problem *p)
{
	if (decode(c, site, r, p) == -1)
		return -1;
	trace_job(c->trace, r->job);
	if (refuse_flagged(c, p) == -1)
		return -1;
	if (c->api->judge.admit(r->job, site, c->api->langs, lang, p) == -1)
		return -1;
	snprintf(c->trace->language, sizeof(c->trace->language), "%s", (*lang)->id);
	return metered_admit(c, r->job, p);
}

/* From the run to its line in the log: all that must have been for it to be charged.
 * *gone: the client is, and nobody wants an answer. */
static int
judge(const struct call *c, const struct site *site, struct run *r,
    const struct lang *lang, uint64_t since, bool *gone, struct problem *p)
{
	const struct api *api = c->api;
	struct judged j = {
		.job = r->job, .result = &r->result, .warnings = &r->warnings
	};
	struct writer w = { .out = &c->rs->body };

	if (api->judge.run(r->job, lang, site, api->line, c->rq->client_fd, &r->result,
		gone, p) == -1)
		return -1;
	c->rs->status = c->dialect->encode(&j, &w);
	trace_result(c->trace, r);
	if (write_down(c, r, lang, since, p) == 0)
		return 0;
	c->rs->body.len = 0;
	return -1;
}

/* With the quotas around it. */
static int
judge_metered(const struct call *c, const struct site *site, struct run *r,
    const struct lang *lang, uint64_t since, bool *gone, struct problem *p)
{
	struct quota_claim claim;

	if (metered_begin(c, r->job, lang, &claim, p) == -1)
		return -1;
	uint64_t begin = clock_us();
	int rc = judge(c, site, r, lang, since, gone, p);
	if (rc == -1 && !*gone)
		metered_refund(c, &claim);
	else
		metered_end(c, &claim, &r->result, *gone, clock_us() - begin);
	return rc;
}

bool
handle_run(const struct call *c)
{
	__attribute__((cleanup(run_free))) struct run r = { .job = job_new() };
	const struct lang *lang = NULL;
	uint64_t since = clock_us();
	struct site own;
	const struct site *site = metered_site(c, &own);
	bool gone = false;
	struct problem p;

	if (prepare(c, site, &r, &lang, &p) == -1)
		return answer_problem(c, &p);
	if (judge_metered(c, site, &r, lang, since, &gone, &p) == -1)
		return gone ? false : answer_problem(c, &p);
	log_fault(c, &r);
	return true;
}
