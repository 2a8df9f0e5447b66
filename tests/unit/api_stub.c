#include "api_stub.h"

#include "box/box.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "observe/metrics.h"

struct stub_judge stub_judge;

/* --- languages --- */

static struct lang all[] = {
	{ .id = "cpp",
	    .name = "C++ (g++)",
	    .source = "main.cpp",
	    .compiled = true,
	    .installed = true,
	    .aliases = { 2, 8, "c++\0g++" },
	    .extensions = { 1, 5, ".cpp" } },
	{ .id = "java",
	    .name = "Java",
	    .source = "Main.java",
	    .compiled = true,
	    .installed = true,
	    .floor = { .memory_bytes = 512ULL << 20 } },
	{ .id = "javascript",
	    .name = "JavaScript (Node.js)",
	    .source = "main.js",
	    .installed = true,
	    .aliases = { 1, 5, "node" } },
	{ .id = "pascal", .name = "Pascal", .source = "main.pas", .compiled = true },
	{ .id = "python",
	    .name = "Python 3",
	    .source = "main.py",
	    .installed = true,
	    .aliases = { 1, 8, "python3" } },
};

#define LANGS (sizeof(all) / sizeof(all[0]))

unsigned
langs_count(const struct langs *l)
{
	(void)l;
	return LANGS;
}

const struct lang *
langs_at(const struct langs *l, unsigned i)
{
	(void)l;
	return &all[i];
}

const struct lang *
langs_find(const struct langs *l, const char *name)
{
	(void)l;
	for (unsigned i = 0; i < LANGS; i++)
		if (strcmp(all[i].id, name) == 0 || words_has(&all[i].aliases, name))
			return &all[i];
	return NULL;
}

/* --- scenes --- */

struct act {
	enum verdict verdict;
	struct outcome outcome;
	const char *out, *err;
	size_t out_len;     /* if out holds NUL or is not text; 0: strlen */
	uint64_t out_total; /* not 0: cut */
	struct diff diff;   /* line not 0: there is one */
};

#define FACTS(cpu, wall, mem) .cpu_us = (cpu), .wall_us = (wall), .memory_bytes = (mem)
#define TEXT(s)                                                                          \
	{                                                                                \
		.data = (char *)(uintptr_t)(s), .len = sizeof(s) - 1                     \
	}

static const struct scene {
	const char *name;
	bool compiles;            /* if the language does */
	struct act compile, test; /* test: every one, but */
	struct act second;        /* the second one, if stage is set */
	bool has_second;
	bool cached;
} scenes[] = {
	{ .name = "ok",
	    .compile = { .outcome = { FACTS(412000, 430000, 71303168) } },
	    .test = { .outcome = { FACTS(1250, 2000, 1753088) }, .out = "5\n" } },
	{ .name = "accepted",
	    .compile = { .outcome = { FACTS(412000, 430000, 71303168) } },
	    .test = { .verdict = VERDICT_ACCEPTED,
		.outcome = { FACTS(1000, 2100, 1753088) },
		.out = "5\n" } },
	{ .name = "warned",
	    .cached = true,
	    .compile = { .err = "main.cpp:1: warning: unused\n" },
	    .test = { .outcome = { FACTS(1001, 1999, 1753088) }, .out = "5\n" } },
	{ .name = "wrong answer",
	    .compile = { .outcome = { FACTS(412000, 430000, 71303168) } },
	    .test = { .verdict = VERDICT_ACCEPTED,
		.outcome = { FACTS(1000, 2000, 1753088) },
		.out = "5\n" },
	    .has_second = true,
	    .second = { .verdict = VERDICT_WRONG_ANSWER,
		.outcome = { FACTS(2000, 2000, 1753088) },
		.out = "a\nb\n13\n",
		.diff = { 3, TEXT("12"), TEXT("13") } } },
	{ .name = "compile error",
	    .compile = { .verdict = VERDICT_COMPILE_ERROR,
		.outcome = { .exit_code = 1, FACTS(90000, 95500, 31303168) },
		.err = "main.cpp:1:1: error: 'x' does not name a type\n" } },
	{ .name = "compile time",
	    .compile = { .verdict = VERDICT_COMPILE_ERROR,
		.outcome = { .signal = 9,
		    .fired = FIRED_CPU,
		    FACTS(10000000, 10010000, 31303168) } } },
	{ .name = "time limit",
	    .test = { .verdict = VERDICT_TIME_LIMIT,
		.out = "1\n",
		.outcome = { .signal = 9,
		    .fired = FIRED_CPU,
		    FACTS(3000100, 3004000, 9753088) } } },
	{ .name = "wall limit",
	    .test = { .verdict = VERDICT_TIME_LIMIT,
		.err = "waiting",
		.outcome = { .signal = 9,
		    .fired = FIRED_WALL,
		    FACTS(500, 10000000, 9753088) } } },
	{ .name = "memory limit",
	    .test = { .verdict = VERDICT_MEMORY_LIMIT,
		.outcome = { .signal = 9,
		    .oom_kills = 1,
		    .memory_from_rusage = true,
		    FACTS(30000, 31000, 268435456) } } },
	{ .name = "segfault",
	    .test = { .verdict = VERDICT_RUNTIME_ERROR,
		.outcome = { .signal = 11, FACTS(900, 1000, 1753088) } } },
	{ .name = "real-time signal",
	    .test = { .verdict = VERDICT_RUNTIME_ERROR,
		.outcome = { .signal = 40, FACTS(900, 1000, 1753088) } } },
	{ .name = "exit 3",
	    .test = { .verdict = VERDICT_RUNTIME_ERROR,
		.out = "half",
		.outcome = { .exit_code = 3, FACTS(900, 1000, 1753088) } } },
	{ .name = "traceback",
	    .test = { .verdict = VERDICT_RUNTIME_ERROR,
		.outcome = { .exit_code = 1, FACTS(900, 1000, 1753088) },
		.err = "Traceback: ZeroDivisionError\n" } },
	{ .name = "stderr",
	    .test = { .outcome = { FACTS(900, 1000, 1753088) },
		.out = "5\n",
		.err = "careful\n" } },
	{ .name = "violation",
	    .test = { .verdict = VERDICT_SECURITY_VIOLATION,
		.outcome = { .signal = 31,
		    .violation = 101,
		    .violation_name = "ptrace",
		    FACTS(900, 1000, 1753088) } } },
	{ .name = "output limit",
	    .test = { .verdict = VERDICT_OUTPUT_LIMIT,
		.out = "yyyyyyyy",
		.out_total = 2097152,
		.outcome = { .signal = 9,
		    .fired = FIRED_OUTPUT,
		    FACTS(900, 1000, 1753088) } } },
	{ .name = "bytes",
	    .test = { .outcome = { FACTS(900, 1000, 1753088) },
		.out = "a\xff\0\x7f\xc3\xa4\xe2\x80\xa8\xed\xa0\x80\"\\\x1b\n",
		.out_len = 16 } },
	{ .name = "skipped",
	    .test = { .verdict = VERDICT_RUNTIME_ERROR,
		.outcome = { .exit_code = 1, FACTS(900, 1000, 1753088) } },
	    .has_second = true,
	    .second = { .verdict = VERDICT_SKIPPED } },
	{ .name = "internal",
	    .test = { .verdict = VERDICT_INTERNAL_ERROR,
		.outcome = { .fault = { ERR_SYS, 12, "mounts: bind /usr" } } } },
};

static void
play(const struct act *a, struct test_result *t)
{
	t->verdict = a->verdict;
	t->outcome = a->outcome;
	if (a->out != NULL)
		bytes_set(
		    &t->out.kept, a->out, a->out_len > 0 ? a->out_len : strlen(a->out));
	if (a->err != NULL)
		bytes_set(&t->err.kept, a->err, strlen(a->err));
	t->out.truncated = a->out_total > 0;
	t->out.total = a->out_total > 0 ? a->out_total : t->out.kept.len;
	t->has_diff = a->diff.line > 0;
	if (!t->has_diff)
		return;
	t->diff.line = a->diff.line;
	bytes_set(&t->diff.expected, a->diff.expected.data, a->diff.expected.len);
	bytes_set(&t->diff.actual, a->diff.actual.data, a->diff.actual.len);
}

static void
keep_most(uint64_t *most, uint64_t n)
{
	if (n > *most)
		*most = n;
}

static void
play_tests(const struct job *job, const struct scene *s, struct result *r)
{
	r->tests = calloc(job->ntests, sizeof(*r->tests));
	if (r->tests == NULL)
		abort();
	r->ntests = job->ntests;
	for (unsigned i = 0; i < job->ntests; i++) {
		struct test_result *t = &r->tests[i];

		play(i == 1 && s->has_second ? &s->second : &s->test, t);
		t->compared = job->tests[i].has_expected;
		t->passed = t->compared && t->verdict == VERDICT_ACCEPTED;
		r->passed += t->passed;
		keep_most(&r->max_cpu_us, t->outcome.cpu_us);
		keep_most(&r->max_memory_bytes, t->outcome.memory_bytes);
		if (r->verdict <= VERDICT_ACCEPTED)
			r->verdict = t->verdict;
	}
}

static int
stub_run(const struct job *job, const struct lang *lang, const struct site *site,
    struct judge_line *line, int client_fd, struct result *r, bool *gone,
    struct problem *p)
{
	const char *want = stub_judge.scene != NULL ? stub_judge.scene : "ok";
	const struct scene *s = scenes;

	(void)site;
	(void)line;
	(void)client_fd;
	stub_judge.runs++;
	stub_judge.tenant = job->tenant;
	*gone = stub_judge.gone;
	if (stub_judge.gone)
		return -1;
	if (stub_judge.refuse.code != PROBLEM_NONE) {
		*p = stub_judge.refuse;
		return -1;
	}
	while (strcmp(s->name, want) != 0)
		s++;
	r->compiled = lang->compiled;
	r->cached = s->cached;
	r->queue_us = r->compiled ? 1250 : 0;
	r->queue_position = r->compiled ? 2 : 0;
	if (lang->compiled)
		play(&s->compile, &r->compile);
	r->verdict = r->compile.verdict;
	if (r->verdict != VERDICT_COMPILE_ERROR)
		play_tests(job, s, r);
	return 0;
}

/* --- judge --- */

static int
stub_admit(struct job *job, const struct site *site, const struct langs *langs,
    const struct lang **lang, struct problem *p)
{
	*lang = langs_find(langs, job->language);
	if (*lang == NULL || !(*lang)->installed)
		return problem_set(p, PROBLEM_UNSUPPORTED_LANGUAGE, "language",
		    "language: no language is called '%s'", job->language);
	snprintf(job->id, sizeof(job->id), "6f0f5b0e-8f5f-4d0e-9d58-0f6ad2a7b1c1");
	snprintf(job->language, sizeof(job->language), "%s", (*lang)->id);
	if (job->nfiles == 0)
		job_add_file(job);
	if (job->ntests == 0)
		job_add_test(job);
	job->effective = *site_profile(site, job->profile);
	if (stub_judge.look != NULL)
		stub_judge.look(job);
	return 0;
}

static int
stub_ready(const struct box_door *helper, struct problem *p)
{
	if (stub_judge.helper_away)
		return problem_set(p, PROBLEM_SANDBOX_UNAVAILABLE, NULL,
		    "connect %s: nobody listens", helper->path);
	return 0;
}

static void
stub_measure(const struct box_door *helper)
{
	(void)helper;
	metrics_set(METRIC_SLOTS, 2);
}

static const struct box_door door = { .path = "/run/helper.sock" };
static const char *const versions[LANGS] = { "12.2.0", NULL, "v18.20.4", NULL, "3.11.2" };

void
stub_start(struct stub *s)
{
	log_start("test", LOG_LEVEL_ERROR); /* refusals are expected here */
	*s = (struct stub){ .draining = 0 };
	stub_judge = (struct stub_judge){ .scene = NULL };
	site_defaults(&s->site);
	s->api = (struct api){ .site = &s->site,
		.helper = &door,
		.versions = versions,
		.draining = &s->draining,
		.judge = { stub_admit, stub_run, stub_ready, stub_measure } };
	snprintf(s->rq.content_type, sizeof(s->rq.content_type), "application/json");
	snprintf(s->rq.request_id, sizeof(s->rq.request_id), "req-1");
	s->rq.client_fd = -1;
	snprintf(s->rq.address, sizeof(s->rq.address), "127.0.0.1");
	snprintf(s->rq.host, sizeof(s->rq.host), "localhost:8080");
}

void
stub_end(struct stub *s)
{
	buf_free(&s->rq.body);
	buf_free(&s->rs.body);
	buf_free(&s->rs.headers);
}

bool
stub_ask(
    struct stub *s, const char *method, const char *path, const char *body, size_t len)
{
	stub_end(s);
	s->rs = (struct http_response){ .status = 0 };
	snprintf(s->rq.method, sizeof(s->rq.method), "%s", method);
	snprintf(s->rq.path, sizeof(s->rq.path), "%s", path);
	buf_add(&s->rq.body, body, len);
	bool there = api_handle(&s->api, &s->rq, &s->rs);
	buf_cstr(&s->rs.body);
	buf_cstr(&s->rs.headers);
	return there;
}
