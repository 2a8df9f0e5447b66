/*
 * log_fixture - a run log in a directory of its own, and jobs to be written into it:
 * three tests, of which the second made a call that is forbidden.
 */
#ifndef TESTS_UNIT_LOG_FIXTURE_H
#define TESTS_UNIT_LOG_FIXTURE_H

#include <stdlib.h>

#include "store/incident.h"
#include "store/runs.h"
#include "tree.h"
#include "unit.h"

struct fixture {
	char dir[64];
	struct db *d;
	struct job *job;
	struct result result;
	struct answered a;
	struct buf message;
	struct record r;
};

static const struct db_options making = { .create = true, .busy_ms = 20 };
static const struct record_wish everything = { true, true, true, 0 };

static inline int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct err e = { 0 };

	snprintf(f->dir, sizeof(f->dir), "/tmp/jb-runs-XXXXXX");
	if (mkdtemp(f->dir) == NULL)
		return -1;
	if (runs_open(f->dir, &making, &f->d, &e) == -1)
		fail_msg("%s", e.msg);
	f->job = job_new();
	struct job_file *file = job_add_file(f->job);
	snprintf(file->name, sizeof(file->name), "main.c");
	bytes_set(&file->content, "int main;", 9);
	for (int i = 0; i < 3; i++)
		bytes_set(&job_add_test(f->job)->input, "1 2\n", 4);
	snprintf(f->job->language, sizeof(f->job->language), "c");
	f->result.compiled = true;
	f->result.compile.verdict = VERDICT_OK;
	f->result.compile.outcome.violation = -1;
	f->result.tests = calloc(3, sizeof(*f->result.tests));
	f->result.ntests = 3;
	f->result.passed = 2;
	f->result.verdict = VERDICT_SECURITY_VIOLATION;
	for (unsigned i = 0; i < 3; i++) {
		f->result.tests[i].verdict = VERDICT_ACCEPTED;
		f->result.tests[i].outcome.cpu_us = 1000 + i;
		f->result.tests[i].outcome.violation = -1;
	}
	f->result.tests[1].verdict = VERDICT_SECURITY_VIOLATION;
	f->result.tests[1].outcome.violation = 101;
	snprintf(f->result.tests[1].outcome.violation_name, 32, "ptrace");
	bytes_set(&f->result.tests[0].out.kept, "3\n", 2);
	f->a = (struct answered){ .job = f->job,
		.result = &f->result,
		.status = 200,
		.request_id = "request-1",
		.dialect = "native",
		.compiler = "12.2.0",
		.key = "CS101",
		.user = "ada",
		.address = "192.0.2.7" };
	*state = f;
	return 0;
}

static inline int
teardown(void **state)
{
	struct fixture *f = *state;

	db_close(f->d);
	job_free(f->job);
	result_free(&f->result);
	buf_free(&f->message);
	record_free(&f->r);
	int rc = tree_remove(f->dir);
	free(f);
	return rc;
}

static inline void
encode(struct fixture *f, const struct record_wish *wish)
{
	struct err e = { 0 };

	record_free(&f->r);
	f->message.len = 0;
	CHECK_OK(record_encode(&f->a, wish, 7, &f->message, &e), e);
	CHECK_OK(record_decode(f->message.data, f->message.len, &f->r, &e), e);
}

/* Another job of the same kind, written with its events. */
static inline int
write_job(struct fixture *f, int64_t at, struct err *e)
{
	scope_transaction t = { 0 };
	static unsigned n;

	snprintf(f->job->id, sizeof(f->job->id), "%08x-0000-4000-8000-000000000000", ++n);
	encode(f, &everything);
	if (at != 0)
		f->r.job.at = at;
	if (db_begin(f->d, &t, e) == -1)
		return -1;
	int rc = runs_add(f->d, &f->r, "6.1", e);
	if (rc == -1 || incident_record(f->d, &f->r, e) == -1 || db_commit(&t, e) == -1)
		return -1;
	return rc;
}

#endif
