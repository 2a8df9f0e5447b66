#include "store/runs.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"
#include "store/audit.h"
#include "store/shares.h"

/* "user" and "key" are words of SQL, hence the names. */
static const char *const steps[] = {
	"CREATE TABLE jobs ("
	"n {key}, id {text} NOT NULL UNIQUE, at {int} NOT NULL,"
	"request_id {text} NOT NULL, dialect {text} NOT NULL, language {text} NOT NULL,"
	"compiler {text} NOT NULL, profile {text} NOT NULL, key_name {text} NOT NULL,"
	"user_name {text} NOT NULL, address {text} NOT NULL, error {text} NOT NULL,"
	"kernel {text} NOT NULL, verdict {text} NOT NULL, limits {text} NOT NULL,"
	"status {int} NOT NULL, took_us {int} NOT NULL, queue_us {int} NOT NULL,"
	"cpu_us {int} NOT NULL, memory_bytes {int} NOT NULL,"
	"source_bytes {int} NOT NULL, files {int} NOT NULL, tests {int} NOT NULL,"
	"passed {int} NOT NULL, source_hash {bytes} NOT NULL,"
	"compiled {int} NOT NULL, cached {int} NOT NULL, total_cpu_us {int} NOT NULL"
	") {strict};"
	"CREATE INDEX jobs_at ON jobs (at);"
	"CREATE TABLE tests ("
	"job {int} NOT NULL REFERENCES jobs (n) ON DELETE CASCADE, i {int} NOT NULL,"
	"verdict {text} NOT NULL, fired {text} NOT NULL, exit_code {int} NOT NULL,"
	"signal {int} NOT NULL, cpu_us {int} NOT NULL, wall_us {int} NOT NULL,"
	"queue_us {int} NOT NULL, memory_bytes {int} NOT NULL, oom_kills {int} NOT NULL,"
	"input_bytes {int} NOT NULL, stdout_bytes {int} NOT NULL,"
	"stderr_bytes {int} NOT NULL, input_hash {bytes}, compared {int} NOT NULL,"
	"passed {int} NOT NULL, hidden {int} NOT NULL, PRIMARY KEY (job, i)"
	") {clustered};"
	"CREATE TABLE texts ("
	"job {int} NOT NULL REFERENCES jobs (n) ON DELETE CASCADE, kind {text} NOT NULL,"
	"i {int} NOT NULL, name {text} NOT NULL, content {bytes} NOT NULL,"
	"PRIMARY KEY (job, kind, i)) {strict}",
	"CREATE TABLE marks (name {text} NOT NULL PRIMARY KEY, at {int} NOT NULL) "
	"{strict}",
	/* tests that had something to compare with: the rest could not pass */
	"ALTER TABLE jobs ADD COLUMN compared {int} NOT NULL DEFAULT 0;"
	"UPDATE jobs SET compared ="
	" (SELECT COUNT(*) FROM tests WHERE job = jobs.n AND compared = 1)",
	"ALTER TABLE jobs ADD COLUMN bytes {int} NOT NULL DEFAULT 2000;"
	"CREATE INDEX jobs_owner ON jobs (key_name, user_name);"
	"CREATE TABLE shares (key_name {text} NOT NULL, user_name {text} NOT NULL,"
	"jobs {int} NOT NULL, bytes {int} NOT NULL, PRIMARY KEY (key_name, user_name)"
	") {clustered};" SHARES_OF_JOBS,
	NULL,
};
const struct db_schema runs_schema = { "runs", steps };

#define JOB_BYTES  600
#define TEST_BYTES 160

static const char *const fired_names[] = { "", "cpu", "wall", "output", "cancel" };
static const char *const text_kinds[] = { "source", "stdout", "stderr" };

/* --- the file --- */

void
runs_path(const char *dir, char out[300])
{
	snprintf(out, 300, "%.280s/" RUNS_FILE, dir);
}

int
runs_open(const char *dir, const struct db_options *how, struct db **out, struct err *e)
{
	char path[300];
	scope_db d = NULL;

	runs_path(dir, path);
	if (db_open(path, how, &d, e) == -1)
		return -1;
	if (how->create) {
		if (db_migrate(d, &runs_schema, e) == -1 ||
		    db_migrate(d, &audit_schema, e) == -1)
			return -1;
	} else if (db_check_schema(d, &runs_schema, e) == -1 ||
		   db_check_schema(d, &audit_schema, e) == -1) {
		return -1;
	}
	*out = take_ptr(&d);
	return 0;
}

/* --- writing --- */

/* {"cpuMs":3000,…} */
static void
limits_text(const struct limits *l, struct buf *out)
{
	for (unsigned i = 0; limits_json[i] != NULL; i++)
		buf_fmt(out, "%s\"%s\":%" PRIu64, i == 0 ? "{" : ",", limits_json[i],
		    limits_get(l, i));
	buf_str(out, "}");
}

static uint64_t
total_cpu(const struct record *r)
{
	uint64_t sum = r->job.compiled != 0 && r->job.cached == 0 ? r->compile.cpu_us : 0;

	for (unsigned i = 0; i < r->job.tests; i++)
		if (__builtin_add_overflow(sum, r->tests[i].cpu_us, &sum))
			return INT64_MAX;
	return sum <= INT64_MAX ? sum : INT64_MAX;
}

/* What it takes in the file, about. */
static uint64_t
bytes_of(const struct record *r)
{
	uint64_t sum = JOB_BYTES + TEST_BYTES * (r->job.tests + r->job.compiled);

	for (unsigned i = 0; i < r->job.attachments; i++)
		if (r->attachments[i].head.kind != RECORD_EVIDENCE)
			sum += r->attachments[i].head.len;
	return sum;
}

static uint64_t
count_compared(const struct record *r)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < r->job.tests; i++)
		n += r->tests[i].compared;
	return n;
}

/* Returns 1 and its number, or 0 if it is there. */
static int
add_job(
    struct db *d, const struct record *r, const char *kernel, int64_t *n, struct err *e)
{
	static const enum record_text texts[] = { RECORD_REQUEST, RECORD_DIALECT,
		RECORD_LANGUAGE, RECORD_COMPILER, RECORD_PROFILE, RECORD_KEY, RECORD_USER,
		RECORD_ADDRESS, RECORD_ERROR };
	const struct record_job *j = &r->job;
	const uint64_t numbers[] = { j->status, j->took_us, j->queue_us, j->cpu_us,
		j->memory_bytes, j->source_bytes, j->files, j->tests, j->passed,
		count_compared(r), bytes_of(r) };
	scope_buf limits = { 0 };
	scope_query q = db_query(d,
	    "INSERT INTO jobs (id, at, request_id, dialect, language, compiler, profile,"
	    "key_name, user_name, address, error, kernel, verdict, limits, status,"
	    "took_us, queue_us, cpu_us, memory_bytes, source_bytes, files, tests, passed,"
	    "compared, bytes, source_hash, compiled, cached, total_cpu_us) VALUES ($1,"
	    "$2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,"
	    "$19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29) ON CONFLICT (id) DO "
	    "NOTHING "
	    "RETURNING n",
	    e);
	if (q == NULL)
		return -1;

	limits_text(&j->limits, &limits);
	db_put_text(q, r->text[RECORD_ID]);
	db_put_int(q, j->at);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		db_put_text(q, r->text[texts[i]]);
	db_put_text(q, kernel);
	db_put_text(q, verdict_name((enum verdict)j->verdict));
	db_put_text(q, buf_cstr(&limits));
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		db_put_int(q, (int64_t)numbers[i]);
	db_put_bytes(q, j->source.byte, SHA256_BYTES);
	db_put_int(q, j->compiled);
	db_put_int(q, j->cached);
	db_put_int(q, (int64_t)total_cpu(r));
	return db_step_int(q, n, e);
}

static int
add_run(struct db *d, int64_t job, int i, const struct record_run *t, struct err *e)
{
	const uint64_t numbers[] = { t->cpu_us, t->wall_us, t->queue_us, t->memory_bytes,
		t->oom_kills, t->input_bytes, t->stdout_bytes, t->stderr_bytes };
	scope_query q = db_query(d,
	    "INSERT INTO tests (job, i, verdict, fired, exit_code, signal, cpu_us,"
	    "wall_us, queue_us, memory_bytes, oom_kills, input_bytes, stdout_bytes,"
	    "stderr_bytes, input_hash, compared, passed, hidden) VALUES ($1, $2, $3, $4,"
	    "$5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
	    e);
	if (q == NULL)
		return -1;

	db_put_int(q, job);
	db_put_int(q, i);
	db_put_text(q, verdict_name((enum verdict)t->verdict));
	db_put_text(q, fired_names[t->fired]);
	db_put_int(q, t->exit_code);
	db_put_int(q, t->signal);
	for (size_t k = 0; k < sizeof(numbers) / sizeof(numbers[0]); k++)
		db_put_int(q, (int64_t)numbers[k]);
	if (i >= 0)
		db_put_bytes(q, t->input.byte, SHA256_BYTES);
	else
		db_put_null(q);
	db_put_int(q, t->compared);
	db_put_int(q, t->passed);
	db_put_int(q, t->hidden);
	return db_run(q, e);
}

static int
add_text(struct db *d, int64_t job, const struct record_attachment *a, struct err *e)
{
	scope_query q = db_query(d,
	    "INSERT INTO texts (job, kind, i, name, content) VALUES ($1, $2, $3, $4, $5)"
	    "ON CONFLICT (job, kind, i) DO NOTHING",
	    e);
	if (q == NULL)
		return -1;

	db_put_int(q, job);
	db_put_text(q, text_kinds[a->head.kind]);
	db_put_int(q, a->head.index);
	db_put_text(q, a->name);
	db_put_bytes(q, a->data, a->head.len);
	return db_run(q, e);
}

int
runs_add(struct db *d, const struct record *r, const char *kernel, struct err *e)
{
	int64_t n = 0;
	int rc = add_job(d, r, kernel, &n, e);

	if (rc != 1)
		return rc;
	if (shares_add(d, r->text[RECORD_KEY], r->text[RECORD_USER], (int64_t)bytes_of(r),
		e) == -1)
		return -1;
	if (r->job.compiled != 0 && add_run(d, n, -1, &r->compile, e) == -1)
		return -1;
	for (unsigned i = 0; i < r->job.tests; i++)
		if (add_run(d, n, (int)i, &r->tests[i], e) == -1)
			return -1;
	for (unsigned i = 0; i < r->job.attachments; i++)
		if (r->attachments[i].head.kind != RECORD_EVIDENCE &&
		    add_text(d, n, &r->attachments[i], e) == -1)
			return -1;
	return 1;
}

/* --- reading --- */

#define COLUMNS                                                                          \
	"n, at, id, request_id, dialect, language, compiler, profile, key_name,"         \
	"user_name, address, error, kernel, verdict, limits, status, took_us, queue_us," \
	"cpu_us, memory_bytes, source_bytes, files, tests, passed, compared,"            \
	"source_hash, compiled, cached"
#define MATCHES                                                                          \
	PAGES_MOMENTS " AND ($3 = '' OR key_name = $4) AND"                              \
		      " ($5 = '' OR user_name = $6) AND ($7 = '' OR language = $8) AND"  \
		      " ($9 = '' OR verdict = $10)"

static void
put_filter(struct db_query *q, const void *filter)
{
	const struct runs_filter *f = filter;
	const char *const texts[] = { f->key, f->user, f->language, f->verdict };

	pages_put_filter(q, f->since, f->until, texts, sizeof(texts) / sizeof(texts[0]));
}

static struct run_row
read_row(struct db_query *q)
{
	struct run_row r = { .n = db_int(q, 0), .at = db_int(q, 1) };
	const char **const texts[] = { &r.id, &r.request, &r.dialect, &r.language,
		&r.compiler, &r.profile, &r.key, &r.user, &r.address, &r.error, &r.kernel,
		&r.verdict, &r.limits };
	int64_t *const numbers[] = { &r.status, &r.took_us, &r.queue_us, &r.cpu_us,
		&r.memory_bytes, &r.source_bytes, &r.files, &r.tests, &r.passed,
		&r.compared };
	unsigned column = 2;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		*texts[i] = db_text(q, column++);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		*numbers[i] = db_int(q, column++);
	db_hash(q, column, &r.source);
	r.compiled = db_int(q, column + 1) != 0;
	r.cached = db_int(q, column + 2) != 0;
	return r;
}

struct visitor {
	run_visit *visit;
	void *ctx;
};

static int
visit_row(void *ctx, struct db_query *q, int64_t *n, struct err *e)
{
	const struct visitor *v = ctx;
	struct run_row row = read_row(q);

	*n = row.n;
	return v->visit(v->ctx, &row, e);
}

static const struct pages pages = { "SELECT " COLUMNS " FROM jobs WHERE" MATCHES
				    " AND n < $11 ORDER BY n DESC LIMIT $12",
	"SELECT " COLUMNS " FROM jobs WHERE" MATCHES " AND n > $11 ORDER BY n LIMIT $12",
	put_filter, visit_row };

int
runs_list(struct db *d, const struct runs_filter *f, unsigned newest, run_visit *visit,
    void *ctx, pages_rest *rest, struct err *e)
{
	struct visitor v = { visit, ctx };

	return pages_list(d, &pages, f, newest, &v, rest, e);
}

/* A list shows the first eight digits of an id; more than one job may have them. */
static bool
is_part_of_id(const char *s)
{
	size_t len = strlen(s);

	return len >= 8 && len < 36 && strspn(s, "0123456789abcdef-") == len;
}

int
runs_find(struct db *d, const char *id, run_visit *visit, void *ctx, struct err *e)
{
	struct visitor v = { visit, ctx };
	int64_t last = 0;
	scope_query q = db_query(d,
	    "SELECT " COLUMNS " FROM jobs WHERE id = $1 OR request_id = $2 OR"
	    " ($3 > 0 AND substr(id, 1, $4) = $5) ORDER BY n LIMIT 100",
	    e);
	if (q == NULL)
		return -1;

	db_put_text(q, id);
	db_put_text(q, id);
	db_put_int(q, is_part_of_id(id));
	db_put_int(q, (int64_t)strlen(id));
	db_put_text(q, id);
	int rows = pages_rows(&pages, q, &last, &v, e);
	return rows > 0 ? 1 : rows;
}

int
runs_tests(struct db *d, int64_t job, run_test_visit *visit, void *ctx, struct err *e)
{
	int rc;
	scope_query q = db_query(d,
	    "SELECT i, verdict, fired, exit_code, signal, cpu_us, wall_us, queue_us,"
	    "memory_bytes, oom_kills, input_bytes, stdout_bytes, stderr_bytes, compared,"
	    "passed, hidden, input_hash FROM tests WHERE job = $1 ORDER BY i",
	    e);
	if (q == NULL)
		return -1;

	db_put_int(q, job);
	while ((rc = db_step(q, e)) == 1) {
		struct run_test t = { .i = db_int(q, 0),
			.verdict = db_text(q, 1),
			.fired = db_text(q, 2) };
		int64_t *const numbers[] = { &t.exit_code, &t.signal, &t.cpu_us,
			&t.wall_us, &t.queue_us, &t.memory_bytes, &t.oom_kills,
			&t.input_bytes, &t.stdout_bytes, &t.stderr_bytes };
		for (unsigned i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
			*numbers[i] = db_int(q, 3 + i);
		t.compared = db_int(q, 13) != 0;
		t.passed = db_int(q, 14) != 0;
		t.hidden = db_int(q, 15) != 0;
		t.has_input = !db_is_null(q, 16);
		db_hash(q, 16, &t.input);
		if (visit(ctx, &t, e) == -1)
			return -1;
	}
	return rc;
}

int
runs_texts(struct db *d, int64_t job, run_text_visit *visit, void *ctx, struct err *e)
{
	int rc;
	scope_query q = db_query(d,
	    "SELECT kind, i, name, content FROM texts WHERE job = $1 ORDER BY kind, i",
	    e);
	if (q == NULL)
		return -1;

	db_put_int(q, job);
	while ((rc = db_step(q, e)) == 1) {
		size_t len = 0;
		const void *data = db_bytes(q, 3, &len);
		if (visit(ctx, db_text(q, 0), db_int(q, 1), db_text(q, 2), data, len,
			e) == -1)
			return -1;
	}
	return rc;
}

#define SUMS                                                                             \
	"COUNT(*), SUM(tests), SUM(compared), SUM(passed),"                              \
	"SUM(CASE verdict WHEN 'security_violation' THEN 1 ELSE 0 END),"                 \
	"SUM(CASE verdict WHEN 'internal_error' THEN 1 ELSE 0 END),"                     \
	"SUM(total_cpu_us), MAX(queue_us), SUM(took_us)"

static const char *const stat_queries[] = {
	[RUNS_BY_KEY] = "SELECT key_name AS g, " SUMS " FROM jobs WHERE" MATCHES
			" GROUP BY g ORDER BY g",
	/* Days of UTC, as everything else here: 86400000000 microseconds. */
	[RUNS_BY_DAY] = "SELECT at / 86400000000 AS g, " SUMS " FROM jobs WHERE" MATCHES
			" GROUP BY g ORDER BY g",
	[RUNS_BY_LANGUAGE] = "SELECT language AS g, " SUMS " FROM jobs WHERE" MATCHES
			     " GROUP BY g ORDER BY g",
	[RUNS_BY_USER] = "SELECT user_name AS g, " SUMS " FROM jobs WHERE" MATCHES
			 " GROUP BY g ORDER BY g",
};

int
runs_stats(struct db *d, const struct runs_filter *f, enum runs_group by,
    run_stat_visit *visit, void *ctx, struct err *e)
{
	int rc;
	scope_query q = db_query(d, stat_queries[by], e);
	if (q == NULL)
		return -1;

	put_filter(q, f);
	while ((rc = db_step(q, e)) == 1) {
		struct run_stat s = { .group = db_text(q, 0) };
		int64_t *const numbers[] = { &s.jobs, &s.tests, &s.compared, &s.passed,
			&s.violations, &s.faults, &s.cpu_us, &s.queue_us, &s.took_us };
		for (unsigned i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
			*numbers[i] = db_int(q, 1 + i);
		if (visit(ctx, &s, e) == -1)
			return -1;
	}
	return rc;
}

int
runs_count(struct db *d, int64_t *jobs, struct err *e)
{
	scope_query q = db_query(d, "SELECT COUNT(*) FROM jobs", e);
	if (q == NULL)
		return -1;

	return db_step_int(q, jobs, e) == -1 ? -1 : 0;
}
