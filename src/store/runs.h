/*
 * runs - the run log: one row per answered job, one per test of it.
 *
 * Kept are times, verdicts, figures, limits and hashes; sources and outputs only where
 * the configuration asks for them.  It lies in one file with the audit trail.  How jobs
 * leave it is prune.h's to say.
 */
#ifndef STORE_RUNS_H
#define STORE_RUNS_H

#include "store/pages.h"
#include "store/record.h"

#define RUNS_FILE "log.db" /* in the store's directory */

extern const struct db_schema runs_schema;

/* Opens the log of a directory.  A writer migrates it, a reader refuses an old one. */
int runs_open(
    const char *dir, const struct db_options *how, struct db **out, struct err *e);
void runs_path(const char *dir, char out[300]);

/* --- writing --- */

/* 1: written; 0: it was there already.  kernel: of this machine.  In a transaction of the
 * caller. */
int runs_add(struct db *d, const struct record *r, const char *kernel, struct err *e);

/* --- reading --- */

struct runs_filter {
	int64_t since, until;                        /* until 0: no end */
	const char *key, *user, *language, *verdict; /* NULL: any */
};

struct run_row {
	int64_t n, at;
	const char *id, *request, *dialect, *language, *compiler, *profile, *key, *user,
	    *address, *error, *kernel, *verdict, *limits;
	int64_t status, took_us, queue_us, cpu_us, memory_bytes, source_bytes, files,
	    tests, compared, passed; /* compared: had something to compare with */
	struct sha256 source;
	bool compiled, cached;
};

struct run_test {
	int64_t i; /* -1: the compile */
	const char *verdict, *fired;
	int64_t exit_code, signal, cpu_us, wall_us, queue_us, memory_bytes, oom_kills,
	    input_bytes, stdout_bytes, stderr_bytes;
	struct sha256 input;
	bool compared, passed, hidden, has_input;
};

struct run_stat {
	const char *group;
	int64_t jobs, tests, compared, passed, violations, faults, cpu_us, queue_us,
	    took_us;
};

/* Rows as they were written, or the `newest` of them, newest first; see pages.h.  A visit
 * that returns 1 ends its page, so that the rest comes; one that returns -1 the list. */
typedef int run_visit(void *ctx, const struct run_row *row, struct err *e);
int runs_list(struct db *d, const struct runs_filter *f, unsigned newest,
    run_visit *visit, void *ctx, pages_rest *rest, struct err *e);

/* 1: found.  By the job's id, its first eight digits or more, or the request's id. */
int runs_find(struct db *d, const char *id, run_visit *visit, void *ctx, struct err *e);

typedef int run_test_visit(void *ctx, const struct run_test *t, struct err *e);
int runs_tests(
    struct db *d, int64_t job, run_test_visit *visit, void *ctx, struct err *e);

/* What was kept beside the figures. */
typedef int run_text_visit(void *ctx, const char *kind, int64_t index, const char *name,
    const void *data, size_t len, struct err *e);
int runs_texts(
    struct db *d, int64_t job, run_text_visit *visit, void *ctx, struct err *e);

enum runs_group { RUNS_BY_KEY, RUNS_BY_DAY, RUNS_BY_LANGUAGE, RUNS_BY_USER };
typedef int run_stat_visit(void *ctx, const struct run_stat *s, struct err *e);
int runs_stats(struct db *d, const struct runs_filter *f, enum runs_group by,
    run_stat_visit *visit, void *ctx, struct err *e);

int runs_count(struct db *d, int64_t *jobs, struct err *e);

#endif
