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

/*
 * admit: sizes, language, file names, options, limits against caps.  Fills the job's
 * language (the id), effective profile and test_limits.  Nothing was run when it fails.
 */
int judge_admit(struct job *job, const struct site *site, const struct langs *langs,
    const struct lang **lang, struct problem *p);

/*
 * run: compile once, then every test in a box of its own, several at a time, results in
 * order.  Fails with a problem only if nothing was run (overloaded, sandbox away) or
 * the client is gone (client_fd hung up; *gone is then true and nobody wants an answer).
 * A box that could not be built is tried once more, then is an internal_error verdict.
 */
int judge_run(const struct job *job, const struct lang *lang, const struct site *site,
    const char *helper_path, int client_fd, struct result *r, bool *gone,
    struct problem *p);

/* check: does actual satisfy expected?  Fills *diff with the first difference if not. */
bool judge_check(const struct compare *how, const struct bytes *expected,
    const struct bytes *actual, struct diff *diff);

/* grade: the verdict of one run from its facts alone, in the precedence of API.md;
 * VERDICT_OK where a comparison has the last word. */
enum verdict judge_grade(const struct outcome *o);

#endif
