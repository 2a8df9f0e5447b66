/* ending - how one run ended, as clients count it: a code, a signal, a sentence. */
#ifndef API_ENDING_H
#define API_ENDING_H

#include <stdbool.h>

#include "base/buf.h"
#include "model/job.h"
#include "model/result.h"

#define CODE_TIME_LIMIT 124 /* as timeout(1) */
#define CODE_SIGNAL     128 /* plus the signal's number, as a shell */

struct ending {
	bool ran; /* false: skipped, or no box could be had; the rest is then empty */
	int code;
	char signal[16]; /* "SIGSEGV"; empty: none */
	bool killed;     /* judgebox ended it, not the program or the kernel for it */
};

struct ending ending_of(const struct test_result *t);

/* A sentence about an ending that was not a good one, "" for a good one. */
void ending_text(
    const struct test_result *t, const struct limits *limits, char *out, size_t size);

/* What it wrote to stderr, and the sentence where a limit had the last word. */
void ending_errors(
    const struct test_result *t, const struct limits *limits, struct buf *out);

/* The same, and never nothing about an ending that was not a good one. */
void ending_complaint(
    const struct test_result *t, const struct limits *limits, struct buf *out);

/* The run that a dialect of one test tells about: the test, or the compiler if the
 * program never came to run. */
const struct test_result *ending_run(const struct result *r);
const struct limits *ending_limits(const struct job *job, const struct result *r);

uint64_t ending_ms(uint64_t us); /* whole milliseconds, rounded up: no run takes none */

#endif
