#include "judge/settle.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/quote.h"
#include "base/utf8.h"

#define CUT_BYTES 4096 /* of the answer: a stream for which it has no room gets these */

/* What the answer spends on them: escapes, and the bytes themselves where they are no
 * text.  Dialects that tell less spend less. */
static uint64_t
encoded(const struct bytes *b)
{
	return quote_size(b->data, b->len) +
	       (utf8_valid(b->data, b->len) ? 0 : (b->len + 2) / 3 * 4);
}

void
settle_begin(struct judging *j)
{
	unsigned streams = 2 * (j->job->ntests + j->lang->compiled);
	uint64_t max = j->site->max_answer_bytes;

	j->cut = max / streams < CUT_BYTES ? max / streams : CUT_BYTES;
	j->answer = j->cut * streams;
	for (unsigned i = 0; i < j->job->ntests; i++)
		if (!j->job->tests[i].hidden)
			j->answer += encoded(&j->job->tests[i].input);
}

/* The answer as a whole has a size, too: who comes when it is full is cut to the piece
 * that was kept for him. */
static void
charge(struct judging *j, struct stream *s)
{
	uint64_t size = encoded(&s->kept), most = j->cut;

	if (size > j->cut && j->answer - j->cut + size > j->site->max_answer_bytes)
		for (; size > j->cut; most /= 2) {
			stream_cut(s, (size_t)most);
			size = encoded(&s->kept);
		}
	if (size > j->cut)
		j->answer += size - j->cut;
}

static void
take_streams(struct flight *f, const struct outcome *o, struct test_result *t)
{
	test_result_clear(t);
	t->outcome = *o;
	tap_finish(&f->out, &t->out);
	tap_finish(&f->err, &t->err);
}

/* A job that does not compile is the student's doing whatever the reason, except a box
 * that failed. */
static enum verdict
grade_compile(const struct outcome *o)
{
	if (is_refused_artifact(&o->fault))
		return VERDICT_COMPILE_ERROR;
	switch (judge_grade(o, false)) {
	case VERDICT_OK:
		return VERDICT_OK;
	case VERDICT_INTERNAL_ERROR:
		return VERDICT_INTERNAL_ERROR;
	default:
		return VERDICT_COMPILE_ERROR;
	}
}

/* The reason reaches him where he looks for it, and the exit status agrees. */
static void
say_refused(struct test_result *t)
{
	struct outcome *o = &t->outcome;
	scope_buf text = { 0 };

	if (o->fault.code == ERR_NONE)
		return;
	buf_add(&text, t->err.kept.data, t->err.kept.len);
	buf_fmt(&text, "%s%s\n",
	    text.len > 0 && text.data[text.len - 1] != '\n' ? "\n" : "", o->fault.msg);
	t->err.total += text.len - t->err.kept.len;
	bytes_set(&t->err.kept, text.data, text.len);
	if (o->exit_code == 0 && o->signal == 0)
		o->exit_code = 1;
	o->fault = (struct err){ .code = ERR_NONE };
}

static void
settle_compile(struct judging *j, struct flight *f, const struct outcome *o)
{
	struct test_result *t = &j->r->compile;

	take_streams(f, o, t);
	j->r->compiled = true;
	j->r->cached = o->cached;
	t->verdict = grade_compile(&t->outcome);
	if (t->verdict == VERDICT_INTERNAL_ERROR)
		log_err(&o->fault, "job %s: compile: internal error", j->job->id);
	else if (t->verdict == VERDICT_COMPILE_ERROR)
		say_refused(t);
	charge(j, &t->out);
	charge(j, &t->err);
}

static void
compare(const struct job *job, const struct job_test *want, struct test_result *t)
{
	if (!want->has_expected || t->verdict != VERDICT_OK)
		return;
	t->passed = judge_check(
	    &job->compare, &want->expected, &t->out.kept, want->hidden ? NULL : &t->diff);
	t->verdict = t->passed ? VERDICT_ACCEPTED : VERDICT_WRONG_ANSWER;
	t->has_diff = !t->passed && !want->hidden;
}

static bool
is_good(enum verdict v)
{
	return v == VERDICT_OK || v == VERDICT_ACCEPTED;
}

static void
settle_test(struct judging *j, struct flight *f, const struct outcome *o)
{
	const struct job_test *want = &j->job->tests[f->test];
	struct test_result *t = &j->r->tests[f->test];
	bool over = tap_over(&f->out) || tap_over(&f->err);

	take_streams(f, o, t);
	t->compared = want->has_expected;
	t->verdict = judge_grade(o, over); /* of a cancelled one: settle_job's */
	if (t->verdict == VERDICT_INTERNAL_ERROR)
		log_err(
		    &o->fault, "job %s: test %u: internal error", j->job->id, f->test);
	compare(j->job, want, t);
	if (want->hidden) {
		stream_drop(&t->out);
		stream_drop(&t->err);
	}
	charge(j, &t->out);
	charge(j, &t->err);
	if (j->job->stop_on_failure && !is_good(t->verdict) && f->test < j->stop)
		j->stop = f->test;
}

void
settle(struct judging *j, struct flight *f, const struct outcome *o)
{
	judging_item(j, f->test)->state = ITEM_DONE;
	if (f->test == JUDGING_COMPILE)
		settle_compile(j, f, o);
	else
		settle_test(j, f, o);
}

static void
settle_without_run(struct judging *j, unsigned i, enum verdict v, const struct err *why)
{
	struct test_result *t = &j->r->tests[i];

	test_result_clear(t);
	t->verdict = v;
	t->outcome.violation = -1;
	t->outcome.fault = *why;
	t->compared = j->job->tests[i].has_expected;
	j->tests[i].state = ITEM_DONE;
}

void
settle_unfinished(struct judging *j, const struct err *why)
{
	struct test_result *c = &j->r->compile;

	if (j->lang->compiled && j->compile.state != ITEM_DONE) {
		j->r->compiled = true;
		c->verdict = VERDICT_INTERNAL_ERROR;
		c->outcome = (struct outcome){ .violation = -1, .fault = *why };
		j->compile.state = ITEM_DONE;
	}
	for (unsigned i = 0; i < j->r->ntests; i++) {
		if (j->tests[i].state == ITEM_DONE)
			continue;
		settle_without_run(j, i, VERDICT_INTERNAL_ERROR, why);
		if (j->job->stop_on_failure && i < j->stop)
			j->stop = i;
	}
}

static void
fold_test(struct result *r, const struct test_result *t)
{
	const struct outcome *o = &t->outcome;

	r->passed += t->passed;
	if (o->cpu_us > r->max_cpu_us)
		r->max_cpu_us = o->cpu_us;
	if (o->memory_bytes > r->max_memory_bytes)
		r->max_memory_bytes = o->memory_bytes;
	if (o->queue_us > r->queue_us)
		r->queue_us = o->queue_us;
}

/* Of the job: the first test's verdict that is not good; of good ones, accepted if there
 * was anything to accept. */
static enum verdict
fold_verdict(const struct result *r)
{
	enum verdict v = VERDICT_OK;

	for (unsigned i = 0; i < r->ntests; i++) {
		if (!is_good(r->tests[i].verdict))
			return r->tests[i].verdict;
		if (r->tests[i].verdict == VERDICT_ACCEPTED)
			v = VERDICT_ACCEPTED;
	}
	return v;
}

static void
drop_tests(struct result *r)
{
	for (unsigned i = 0; i < r->ntests; i++)
		test_result_clear(&r->tests[i]);
	free(r->tests);
	r->tests = NULL;
	r->ntests = 0;
}

void
settle_job(struct judging *j)
{
	const struct err none = { .code = ERR_NONE };
	struct result *r = j->r;

	r->queue_us = r->compile.outcome.queue_us;
	if (r->compiled && r->compile.verdict == VERDICT_COMPILE_ERROR) {
		drop_tests(r);
		r->verdict = VERDICT_COMPILE_ERROR;
		return;
	}
	for (unsigned i = 0; i < r->ntests; i++) {
		if (i > j->stop)
			settle_without_run(j, i, VERDICT_SKIPPED, &none);
		fold_test(r, &r->tests[i]);
	}
	r->verdict = fold_verdict(r);
}
