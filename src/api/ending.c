#include "api/ending.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static void
name_signal(int number, char *out, size_t size)
{
	const char *name = sigabbrev_np(number); /* NULL for those without a name */

	if (name != NULL)
		snprintf(out, size, "SIG%s", name);
	else
		snprintf(out, size, "SIG%d", number);
}

struct ending
ending_of(const struct test_result *t)
{
	const struct outcome *o = &t->outcome;
	struct ending e = { .ran = true };

	if (t->verdict == VERDICT_SKIPPED || o->fault.code != ERR_NONE)
		return (struct ending){ .ran = false };
	e.killed = o->fired != FIRED_NONE;
	if (o->fired == FIRED_CPU || o->fired == FIRED_WALL) {
		e.code = CODE_TIME_LIMIT;
		name_signal(SIGKILL, e.signal, sizeof(e.signal));
	} else if (o->signal != 0) {
		e.code = CODE_SIGNAL + o->signal;
		name_signal(o->signal, e.signal, sizeof(e.signal));
	} else {
		e.code = o->exit_code;
	}
	return e;
}

/* By code or signal: a program or compiler that ended badly by itself. */
static void
text_of_exit(const char *who, const struct test_result *t, char *out, size_t size)
{
	struct ending e = ending_of(t);

	if (e.signal[0] != '\0')
		snprintf(out, size, "%s was ended by %s", who, e.signal);
	else
		snprintf(out, size, "%s exited with code %d", who, e.code);
}

void
ending_text(
    const struct test_result *t, const struct limits *limits, char *out, size_t size)
{
	const char *who =
	    t->verdict == VERDICT_COMPILE_ERROR ? "The compiler" : "The program";
	uint64_t ms = t->outcome.fired == FIRED_WALL ? limits->wall_ms : limits->cpu_ms;

	out[0] = '\0';
	switch (t->verdict) {
	case VERDICT_TIME_LIMIT:
		snprintf(out, size, "Time limit exceeded: %" PRIu64 " ms", ms);
		break;
	case VERDICT_MEMORY_LIMIT:
		snprintf(out, size, "Memory limit exceeded: %" PRIu64 " MiB",
		    limits->memory_bytes >> 20);
		break;
	case VERDICT_OUTPUT_LIMIT:
		snprintf(out, size, "Output limit exceeded: %" PRIu64 " bytes",
		    limits->output_bytes);
		break;
	case VERDICT_SECURITY_VIOLATION:
		snprintf(out, size, "Security violation");
		break;
	case VERDICT_RUNTIME_ERROR:
		text_of_exit(who, t, out, size);
		break;
	case VERDICT_COMPILE_ERROR:
		if (t->outcome.fired == FIRED_CPU || t->outcome.fired == FIRED_WALL)
			snprintf(out, size,
			    "Compilation time limit exceeded: %" PRIu64 " ms", ms);
		else
			text_of_exit(who, t, out, size);
		break;
	case VERDICT_OK:
	case VERDICT_ACCEPTED:
	case VERDICT_WRONG_ANSWER:
		break;
	default:
		snprintf(out, size, "Internal error: the program could not be run");
	}
}

static bool
limit_spoke(const struct test_result *t)
{
	return t->outcome.fired != FIRED_NONE || t->verdict == VERDICT_TIME_LIMIT ||
	       t->verdict == VERDICT_MEMORY_LIMIT || t->verdict == VERDICT_OUTPUT_LIMIT ||
	       t->verdict == VERDICT_SECURITY_VIOLATION ||
	       t->verdict == VERDICT_INTERNAL_ERROR;
}

void
ending_errors(const struct test_result *t, const struct limits *limits, struct buf *out)
{
	char sentence[160];

	buf_add(out, t->err.kept.data, t->err.kept.len);
	ending_text(t, limits, sentence, sizeof(sentence));
	if (sentence[0] == '\0' || !limit_spoke(t))
		return;
	if (out->len > 0 && out->data[out->len - 1] != '\n')
		buf_str(out, "\n");
	buf_str(out, sentence);
}

void
ending_complaint(
    const struct test_result *t, const struct limits *limits, struct buf *out)
{
	char sentence[160];

	ending_errors(t, limits, out);
	if (out->len > 0)
		return;
	ending_text(t, limits, sentence, sizeof(sentence));
	buf_str(out, sentence);
}

const struct test_result *
ending_run(const struct result *r)
{
	return r->ntests == 0 ? &r->compile : &r->tests[0];
}

const struct limits *
ending_limits(const struct job *job, const struct result *r)
{
	if (r->ntests == 0)
		return &job->effective.compile;
	return job->test_limits != NULL ? &job->test_limits[0] : &job->effective.run;
}

uint64_t
ending_ms(uint64_t us)
{
	return us / 1000 + (us % 1000 != 0);
}
