/*
 * job - what a client asked for, after its dialect was taken off: one program and the
 * tests to run it on.
 *
 * Ownership: a job owns every byte it points to; job_free releases them.  Dialects build
 * a job with job_new / job_add_*; src/judge only reads it.
 */
#ifndef MODEL_JOB_H
#define MODEL_JOB_H

#include <stdbool.h>
#include <stddef.h>

#include "base/path.h"
#include "base/words.h"
#include "model/limits.h"
#include "model/tenant.h"

struct bytes {
	char *data; /* owned by the struct it sits in; may hold NUL */
	size_t len;
};

enum compare_mode {
	COMPARE_TRIM, /* both sides trimmed as JavaScript's trim() does: ProctorX's rule */
	COMPARE_EXACT,
	COMPARE_LINES, /* trailing blanks of lines and of the text ignored */
	COMPARE_TOKENS,
	COMPARE_TOKENS_NOCASE,
	COMPARE_UNORDERED_LINES,
	COMPARE_FLOAT,
};

struct compare {
	enum compare_mode mode;
	double abs, rel; /* COMPARE_FLOAT: either suffices */
};

struct job_file {
	char name[PATH_NAME_MAX + 1];
	struct bytes content;
};

/* Which limits the client gave himself: bit i is row i of limits_keys. */
struct limits_asked {
	struct limits value;
	unsigned given;
	unsigned short_form; /* of those, spelled memoryMb or cpus: for messages */
};

struct job_test {
	struct bytes input;
	struct bytes expected;
	bool has_expected;
	bool hidden;
	struct bytes id; /* JSON text of the client's id, empty if none: echoed as it came */
	struct words *args; /* owned; NULL: the job's alone */
	struct limits_asked limits;
};

struct job {
	char id[37]; /* UUID v4, made by job_new */
	char language[32]; /* as asked, lower case; admit resolves aliases */
	char asked_language[32]; /* as asked, lower case, for the echo */
	char profile[PROFILE_NAME_MAX];
	char user[129];
	struct tenant tenant; /* all 0: nobody's in particular */

	struct job_file *files; /* files[0] is the main one */
	unsigned nfiles;
	bool main_named; /* files[0].name came from the client, not from the language */

	struct job_test *tests;
	unsigned ntests;

	struct words args, compile_args;
	struct limits_asked limits;
	uint64_t time_limit_ms; /* ProctorX's timeLimitMs; 0: not given */
	bool has_time_limit;
	struct compare compare;
	bool stop_on_failure;

	/* Filled by judge_admit: */
	struct profile effective; /* limits of the profile, the language and the request */
	struct limits *test_limits; /* [ntests], owned */
};

struct job *job_new(void);
void job_free(struct job *job);
struct job_file *job_add_file(struct job *job); /* valid until the next add */
struct job_test *job_add_test(struct job *job);
void bytes_set(struct bytes *b, const void *data, size_t len); /* copies */

#endif
