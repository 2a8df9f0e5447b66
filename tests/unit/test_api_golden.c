/*
 * The exact bytes of answers: tests/golden/DIALECT/CASE.request.json is asked, the judge
 * plays a scene, CASE.response.json must come back.  After a wanted change write them
 * anew with GOLDEN_UPDATE=1 and read the difference.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api_stub.h"

static const struct {
	const char *dialect, *name, *path, *scene;
	int status;
} cases[] = {
	{ "native", "accepted", "/api/run", "accepted", 200 },
	{ "native", "proctorx", "/run/", "ok", 200 },
	{ "native", "proctorx-named", "/run", "ok", 200 },
	{ "native", "every-member", "/api/run", "ok", 200 },
	{ "native", "cached", "/api/run", "warned", 200 },
	{ "native", "wrong-answer", "/api/run", "wrong answer", 200 },
	{ "native", "wrong-answer-hidden", "/api/run", "wrong answer", 200 },
	{ "native", "compile-error", "/api/run", "compile error", 200 },
	{ "native", "compile-time", "/api/run", "compile time", 200 },
	{ "native", "time-limit", "/api/run", "time limit", 200 },
	{ "native", "wall-limit", "/api/run", "wall limit", 200 },
	{ "native", "memory-limit", "/api/run", "memory limit", 200 },
	{ "native", "signal", "/api/run", "segfault", 200 },
	{ "native", "real-time-signal", "/api/run", "real-time signal", 200 },
	{ "native", "exit-code", "/api/run", "exit 3", 200 },
	{ "native", "violation", "/api/run", "violation", 200 },
	{ "native", "output-limit", "/api/run", "output limit", 200 },
	{ "native", "bytes", "/api/run", "bytes", 200 },
	{ "native", "skipped", "/api/run", "skipped", 200 },
	{ "native", "internal", "/api/run", "internal", 200 },
	{ "native", "warnings", "/api/run", "ok", 200 },
	{ "native", "no-language", "/api/run", "ok", 400 },
	{ "native", "unknown-language", "/api/run", "ok", 400 },
	{ "native", "wrong-type", "/api/run", "ok", 400 },
	{ "native", "not-json", "/api/run", "ok", 400 },
	{ "native", "leading-zero", "/api/run", "ok", 400 },
	{ "editor", "success", "/api/editor/run", "ok", 200 },
	{ "editor", "exit-code", "/api/editor/run", "exit 3", 200 },
	{ "editor", "traceback", "/api/editor/run", "traceback", 200 },
	{ "editor", "compile-error", "/api/editor/run", "compile error", 200 },
	{ "editor", "time-limit", "/api/editor/run", "wall limit", 200 },
	{ "editor", "memory-limit", "/api/editor/run", "memory limit", 200 },
	{ "editor", "bytes", "/api/editor/run", "bytes", 200 },
	{ "editor", "internal", "/api/editor/run", "internal", 500 },
	{ "editor", "no-code", "/api/editor/run", "ok", 400 },
	{ "editor", "unknown-language", "/api/editor/run", "ok", 400 },
	{ "execute", "success", "/api/execute", "ok", 200 },
	{ "execute", "python3", "/api/execute", "ok", 200 },
	{ "execute", "compiler-warning", "/api/execute", "warned", 200 },
	{ "execute", "stderr", "/api/execute", "stderr", 500 },
	{ "execute", "exit-code", "/api/execute", "exit 3", 500 },
	{ "execute", "traceback", "/api/execute", "traceback", 500 },
	{ "execute", "signal", "/api/execute", "segfault", 500 },
	{ "execute", "compile-error", "/api/execute", "compile error", 500 },
	{ "execute", "compile-time", "/api/execute", "compile time", 500 },
	{ "execute", "time-limit", "/api/execute", "time limit", 500 },
	{ "execute", "internal", "/api/execute", "internal", 500 },
	{ "execute", "upper-case", "/api/execute", "ok", 400 },
	{ "execute", "no-code", "/api/execute", "ok", 400 },
	{ "test", "success", "/api/test", "ok", 200 },
	{ "test", "exit-code", "/api/test", "exit 3", 200 },
	{ "test", "traceback", "/api/test", "traceback", 200 },
	{ "test", "compile-error", "/api/test", "compile error", 200 },
	{ "test", "time-limit", "/api/test", "time limit", 200 },
	{ "test", "memory-limit", "/api/test", "memory limit", 200 },
	{ "test", "output-limit", "/api/test", "output limit", 200 },
	{ "test", "violation", "/api/test", "violation", 200 },
	{ "test", "internal", "/api/test", "internal", 200 },
	{ "test", "blank-code", "/api/test", "ok", 400 },
	{ "test", "no-language", "/api/test", "ok", 400 },
};

#define CASES (sizeof(cases) / sizeof(cases[0]))

static void
file_name(size_t i, const char *kind, char *out, size_t size)
{
	const char *top = getenv("SRCDIR");

	snprintf(out, size, "%s/tests/golden/%s/%s.%s.json", top != NULL ? top : ".",
	    cases[i].dialect, cases[i].name, kind);
}

static void
read_file(const char *name, struct buf *out)
{
	FILE *f = fopen(name, "r");

	if (f == NULL)
		fail_msg("%s cannot be read", name);
	for (size_t n = 1; n > 0; out->len += n)
		n = fread(buf_room(out, 4096), 1, 4096, f);
	fclose(f);
	if (out->len > 0 && out->data[out->len - 1] == '\n')
		out->len--; /* the file's, not the answer's */
	buf_cstr(out);
}

static void
write_file(const char *name, const struct buf *b)
{
	FILE *f = fopen(name, "w");

	if (f == NULL || fprintf(f, "%s\n", b->data) < 0 || fclose(f) != 0)
		fail_msg("%s cannot be written", name);
}

static void
check_case(struct stub *s, size_t i)
{
	scope_buf request = { 0 }, response = { 0 };
	char name[512];

	file_name(i, "request", name, sizeof(name));
	read_file(name, &request);
	stub_judge.scene = cases[i].scene;
	assert_true(stub_ask(s, "POST", cases[i].path, request.data, request.len));
	file_name(i, "response", name, sizeof(name));
	if (getenv("GOLDEN_UPDATE") != NULL)
		write_file(name, &s->rs.body);
	read_file(name, &response);
	if (strcmp(s->rs.body.data, response.data) != 0 ||
	    s->rs.status != cases[i].status)
		fail_msg("%s: status %d, wanted %d\n%s\n-- wanted --\n%s", name,
		    s->rs.status, cases[i].status, s->rs.body.data, response.data);
}

static void
test_golden(void **state)
{
	struct stub s;

	(void)state;
	for (size_t i = 0; i < CASES; i++) {
		stub_start(&s);
		check_case(&s, i);
		stub_end(&s);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_golden) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
