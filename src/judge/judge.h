/*
 * judge - from a job to its result.  JSON ends above, the bridge begins below.
 */
#ifndef JUDGE_JUDGE_H
#define JUDGE_JUDGE_H

#include "box/box.h"
#include "lang/lang.h"
#include "model/job.h"
#include "model/problem.h"
#include "model/result.h"
#include "model/site.h"

/* Arguments of one test, those of its job included.  The rest of a struct words is for
 * the language's own command, to which the helper appends them. */
#define JUDGE_ARGS_MAX   100
#define JUDGE_ARGS_BYTES 4096

/*
 * admit: sizes, language, file names, options, limits against caps.  Fills the job's
 * language (the id), effective profile and test_limits; a job without a file gets an
 * empty one, a job without a test gets one with empty input, a main file without a name
 * (main_named false) gets the language's.  Nothing was run when it fails.
 */
int judge_admit(struct job *job, const struct site *site, const struct langs *langs,
    const struct lang **lang, struct problem *p);

/* The way to the helper, kept open from one job to the next.  A worker has one. */
struct judge_line {
	const struct box_door *door; /* borrowed */
	struct box *box; /* owned, judge_hang_up releases it; NULL: to be made */
};

void judge_hang_up(struct judge_line *line);

/*
 * run: compile once, then every test in a box of its own, several at a time, results in
 * order.  Fails with a problem only if nothing was run (overloaded, sandbox away) or
 * the client is gone (client_fd hung up; *gone is then true and nobody wants an answer;
 * -1 never hangs up).  The job must have passed judge_admit; *r is zeroed by the caller
 * and is his to free in every case.
 *
 * A box that could not be built is tried once more, then is an internal_error verdict;
 * so is a test whose helper went away twice.  A job that cannot be compiled for such a
 * reason has all its tests as internal_error.
 *
 * Of a test_result: `compared` says that the test had something to compare with (and so
 * has `passed`), whatever its verdict.  Streams of hidden tests are not kept.  queue_us
 * is the longest time that one run of the job waited for a slot.
 */
int judge_run(const struct job *job, const struct lang *lang, const struct site *site,
    struct judge_line *line, int client_fd, struct result *r, bool *gone,
    struct problem *p);

/* check: does actual satisfy expected?  Fills *diff with the first difference if not:
 * the lines where the texts part, and the number of that line in expected (in actual
 * where expected has ended or order does not matter).  diff may be NULL. */
bool judge_check(const struct compare *how, const struct bytes *expected,
    const struct bytes *actual, struct diff *diff);

/* grade: the verdict of one run from its facts alone, in the precedence of API.md;
 * VERDICT_OK where a comparison has the last word.  overflow: a stream of it was longer
 * than its limit (which only the reader of the pipes can know). */
enum verdict judge_grade(const struct outcome *o, bool overflow);

#endif
