/*
 * run - one job over the bridge, helpers that go away included.
 *
 * A connection is one attempt: open the job, compile, fly the tests that are not done.
 * If it breaks, whatever was in the air flies again on the next one, once; a helper that
 * was restarted is back within seconds, so that is how long we look for it.  An accepted
 * job always ends in a result: what could not be judged is an internal_error, and never
 * counts against the student.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/scope.h"
#include "judge/flight.h"
#include "judge/settle.h"
#include "judge/tally.h"
#include "observe/metrics.h"

#define ATTEMPTS     4       /* connections for one job */
#define PATIENCE_US  5000000 /* looking for a helper, over all attempts */
#define PAUSE_MS     50      /* the first; each is twice the last */
#define PAUSE_MAX_MS 1000
#define LARGE_BYTES  16384 /* an input of that size may take longer than others */
#define EARLY_BYTES  4096  /* an input of that size costs nothing to send twice */

static unsigned
count_unfinished(const struct judging *j)
{
	unsigned end = j->stop < j->r->ntests ? j->stop : j->r->ntests, n = 0;

	for (unsigned i = 0; i < end; i++)
		n += j->tests[i].state != ITEM_DONE;
	return n;
}

/* Not where it was settled without a helper: lost twice. */
static bool
must_compile(const struct judging *j)
{
	return j->lang->compiled &&
	       (j->compile.state != ITEM_DONE || j->r->compile.verdict == VERDICT_OK);
}

/* ERR_BUSY and ERR_BAD_INPUT are answers; anything else is a connection that broke. */
static enum leave
leave_of(const struct err *e)
{
	if (e->code == ERR_BUSY)
		return LEAVE_BUSY;
	return e->code == ERR_BAD_INPUT ? LEAVE_REFUSED : LEAVE_LOST;
}

/* The next test to fly, ntests if there is none. */
static unsigned
next_test(struct judging *j)
{
	for (; j->first < j->r->ntests; j->first++) {
		unsigned test = j->order[j->first];

		if (test < j->stop && j->tests[test].state == ITEM_WAITING)
			return test;
	}
	return j->r->ntests;
}

/* A test that costs next to nothing to be asked for in vain.  If it cannot be sent, the
 * line is broken or its turn comes again: others will tell. */
static void
start_early(struct judging *j)
{
	unsigned test = next_test(j);
	struct err ignored;

	if (test < j->r->ntests && j->job->tests[test].input.len <= EARLY_BYTES &&
	    flight_start(j, test, &ignored) == LEAVE_NOT)
		j->air[j->nair - 1].early = true;
}

/* The compile step and a test go with the question: mostly the answer is yes, and if the
 * program is in the cache there is nothing to wait for. */
static enum leave
ask_for_job(struct judging *j, struct err *e)
{
	const struct job *job = j->job;
	const struct box_ask ask = { .language = j->lang->id,
		.options = &job->compile_args,
		.files = job->files,
		.nfiles = job->nfiles,
		.tests = count_unfinished(j),
		.cpu_ms = job->effective.run.cpu_ms,
		.tenant = &job->tenant,
		.jobs_max = j->site->jobs_per_key };
	bool again = j->started;
	enum leave how = LEAVE_NOT;

	if (box_job_ask(j->box, &ask, e) == -1)
		return leave_of(e);
	if (must_compile(j))
		how = flight_start(j, JUDGING_COMPILE, e);
	if (how == LEAVE_NOT) {
		start_early(j);
		how = box_job_answer(j->box, &j->place, e) == -1 ? leave_of(e)
								 : LEAVE_NOT;
	}
	if (how != LEAVE_NOT) {
		flight_take_back(j);
		j->started = again;
	} else if (!again) {
		j->r->queue_position = j->place.position;
	}
	return how;
}

/* On the line that the last job left open, if the helper is still at its end. */
static enum leave
open_job(struct judging *j, struct err *e)
{
	if (j->line->box != NULL) {
		j->box = take_ptr(&j->line->box);
		enum leave how = ask_for_job(j, e);
		if (how != LEAVE_LOST)
			return how;
		box_close(j->box);
		j->box = NULL;
	}
	if (box_open(j->line->door, &j->box, e) == -1)
		return LEAVE_AWAY;
	return ask_for_job(j, e);
}

static void
close_box(struct judging *j)
{
	box_close(j->box);
	j->box = NULL;
}

/* An accepted job has a right to a helper, so a full queue is waited for, too. */
static enum leave
reopen_job(struct judging *j, uint64_t *patience_us, struct err *e)
{
	for (uint64_t pause = PAUSE_MS;; pause *= 2) {
		uint64_t before = clock_us();
		enum leave how = flight_pause(j, (int)pause);

		if (how == LEAVE_NOT)
			how = open_job(j, e);
		if (how != LEAVE_AWAY && how != LEAVE_BUSY)
			return how;
		close_box(j);
		uint64_t spent = clock_us() - before;
		if (spent >= *patience_us)
			return how;
		*patience_us -= spent;
		if (pause > PAUSE_MAX_MS / 2)
			pause = PAUSE_MAX_MS / 2;
	}
}

/* An artifact may serve others, unless its compiler said something that they should hear,
 * too: an answer from the cache has no diagnostics. */
static enum leave
keep_artifact(struct judging *j, struct err *e)
{
	const struct test_result *t = &j->r->compile;

	if (t->verdict != VERDICT_OK || j->r->cached)
		return LEAVE_NOT;
	bool silent = t->out.total == 0 && t->err.total == 0;
	return box_keep(j->box, silent, e) == -1 ? LEAVE_LOST : LEAVE_NOT;
}

static enum leave
compile(struct judging *j, struct err *e)
{
	struct test_result *t = &j->r->compile;
	enum leave how = LEAVE_NOT;

	while (how == LEAVE_NOT && j->compile.state == ITEM_FLYING)
		how = flight_step(j, e);
	while (how == LEAVE_NOT && t->verdict != VERDICT_OK && j->nair > 0)
		how = flight_step(j, e); /* a test that was early */
	if (how == LEAVE_NOT)
		how = keep_artifact(j, e);
	if (how != LEAVE_NOT || !j->compiled_once) {
		j->compiled_once |= how == LEAVE_NOT;
		return how;
	}
	/* it compiled before: what differs now is the machine, not the program */
	if (t->verdict == VERDICT_OK)
		return LEAVE_NOT;
	t->verdict = VERDICT_INTERNAL_ERROR;
	t->outcome.fault =
	    (struct err){ .code = ERR_BUG, .msg = "compiled once, not again" };
	*e = t->outcome.fault;
	return LEAVE_AWAY;
}

/* One more than there are slots, so that a slot never waits for us. */
static enum leave
run_tests(struct judging *j, struct err *e)
{
	unsigned most = box_slots(j->box) + 1;

	if (most > BOX_PENDING_MAX)
		most = BOX_PENDING_MAX;
	for (;;) {
		enum leave how = LEAVE_NOT;
		unsigned test;

		while (how == LEAVE_NOT && j->nair < most &&
		       (test = next_test(j)) < j->r->ntests)
			how = flight_start(j, test, e);
		if (how != LEAVE_NOT || j->nair == 0)
			return how;
		how = flight_step(j, e);
		if (how != LEAVE_NOT)
			return how;
	}
}

static enum leave
run_job(struct judging *j, struct err *e)
{
	enum leave how = must_compile(j) ? compile(j, e) : LEAVE_NOT;

	if (how != LEAVE_NOT)
		return how;
	if (!j->lang->compiled || j->r->compile.verdict == VERDICT_OK)
		how = run_tests(j, e);
	if (how == LEAVE_NOT && box_end(j->box, e) == 0)
		j->line->box = take_ptr(&j->box); /* the next job's */
	return how;
}

/* A second compile must not come after a verdict of the first that ends the job. */
static bool
is_over(const struct judging *j)
{
	const struct test_result *c = &j->r->compile;

	return (j->compile.state == ITEM_DONE && c->verdict != VERDICT_OK) ||
	       count_unfinished(j) == 0;
}

static enum leave
attempt_all(struct judging *j, struct err *e)
{
	uint64_t patience_us = PATIENCE_US;
	/* whoever left while his request waited for a worker is not worth a question */
	enum leave how = flight_pause(j, 0);

	if (how == LEAVE_NOT)
		how = open_job(j, e);

	for (unsigned n = 1;; n++) {
		if (how == LEAVE_NOT)
			how = run_job(j, e);
		if (how == LEAVE_LOST)
			flight_lose_all(j, e);
		close_box(j);
		if (how != LEAVE_LOST || n == ATTEMPTS || is_over(j))
			return how;
		log_err(e, "job %s: helper lost, trying again", j->job->id);
		metrics_count(METRIC_HELPER_LOSSES);
		how = reopen_job(j, &patience_us, e);
	}
}

static int
refuse(
    enum leave how, const struct box_place *place, const struct err *e, struct problem *p)
{
	switch (how) {
	case LEAVE_BUSY:
		problem_set(p, PROBLEM_OVERLOADED, NULL, "%s; try again later",
		    place->too_many_jobs
			? "too many requests of this key are waiting already"
			: "all slots are busy and the queue is full");
		p->retry_after_s = (uint32_t)((place->retry_ms + 999) / 1000);
		if (p->retry_after_s == 0)
			p->retry_after_s = 1;
		return -1;
	case LEAVE_REFUSED:
		return problem_set(p, PROBLEM_BAD_FIELD, NULL, "%s", e->msg);
	case LEAVE_GONE:
		return problem_set(p, PROBLEM_INTERNAL, NULL, "the client went away");
	default:
		log_err(e, "no sandbox helper");
		return problem_set(p, PROBLEM_SANDBOX_UNAVAILABLE, NULL,
		    "the sandbox is not available; nothing was run");
	}
}

/* Nobody waits for it any more: the closed connection killed the boxes. */
static void
forget_flights(struct judging *j)
{
	while (j->nair > 0) {
		j->nair--;
		tap_close(&j->air[j->nair].out);
		tap_close(&j->air[j->nair].err);
	}
}

struct turn {
	size_t size; /* of the input, 0: it says nothing */
	unsigned test;
};

static int
compare_turns(const void *a, const void *b)
{
	const struct turn *l = a, *r = b;

	if (l->size != r->size)
		return l->size > r->size ? -1 : 1;
	return l->test < r->test ? -1 : 1;
}

/* Where a failure ends the job, the client's order is what he asked for. */
static size_t
weigh(const struct job *job, unsigned test)
{
	size_t size = job->tests[test].input.len;

	return job->stop_on_failure || size < LARGE_BYTES ? 0 : size;
}

/* Who puts his largest test last has it run alone at the end, while the other slots have
 * nothing to do. */
static void
order_tests(struct judging *j)
{
	const struct job *job = j->job;
	scope_free struct turn *turns = calloc(job->ntests, sizeof(*turns));

	if (turns == NULL)
		abort();
	for (unsigned i = 0; i < job->ntests; i++)
		turns[i] = (struct turn){ weigh(job, i), i };
	qsort(turns, job->ntests, sizeof(*turns), compare_turns);
	for (unsigned i = 0; i < job->ntests; i++)
		j->order[i] = turns[i].test;
}

static void
prepare(struct judging *j)
{
	unsigned n = j->job->ntests;

	j->tests = calloc(n, sizeof(*j->tests));
	j->order = calloc(n, sizeof(*j->order));
	j->r->tests = calloc(n, sizeof(*j->r->tests));
	if (j->tests == NULL || j->order == NULL || j->r->tests == NULL)
		abort();
	j->r->ntests = n;
	j->stop = n;
	order_tests(j);
}

int
judge_run(const struct job *job, const struct lang *lang, const struct site *site,
    struct judge_line *line, int client_fd, struct result *r, bool *gone,
    struct problem *p)
{
	struct judging j = { .job = job,
		.lang = lang,
		.site = site,
		.line = line,
		.client_fd = client_fd,
		.r = r };
	struct err e = { .code = ERR_NONE };

	prepare(&j);
	settle_begin(&j);
	enum leave how = attempt_all(&j, &e);
	forget_flights(&j);
	*gone = how == LEAVE_GONE;
	bool judged = how == LEAVE_NOT || (j.started && how != LEAVE_GONE);
	if (judged) {
		settle_unfinished(&j, &e);
		settle_job(&j);
		tally_job(&j);
	}
	free(j.tests);
	free(j.order);
	return judged ? 0 : refuse(how, &j.place, &e, p);
}

void
judge_hang_up(struct judge_line *line)
{
	box_close(line->box);
	line->box = NULL;
}
