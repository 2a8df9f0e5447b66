/*
 * Any body at the door of every dialect: an answer comes, its status is one that a
 * client may cause, and its own bytes pass the strict door they came in by.  (I-01, I-12)
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/json.h"
#include "tests/unit/api_stub.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct {
	const char *path, *scene;
} doors[] = {
	{ "/api/run", "bytes" },
	{ "/api/editor/run", "time limit" },
	{ "/api/execute", "bytes" },
	{ "/api/test", "wrong answer" },
};

static void
require(bool yes, const char *what, const struct stub *s)
{
	if (yes)
		return;
	fprintf(stderr, "%s: %d %s\n", what, s->rs.status, s->rs.body.data);
	abort();
}

static bool
is_strict_json(const struct stub *s)
{
	struct http_request rq = { .content_type = "application/json",
		.body = s->rs.body };
	scope_json o = NULL;
	struct problem p;

	return json_read(&rq, UINT64_MAX, &o, &p) == 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct stub s;

	stub_start(&s);
	for (size_t i = 0; i < sizeof(doors) / sizeof(doors[0]); i++) {
		stub_judge.scene = doors[i].scene;
		require(stub_ask(&s, "POST", doors[i].path, (const char *)data, size),
		    "no answer", &s);
		require(s.rs.status == 200 || s.rs.status == 400 || s.rs.status == 413,
		    "status", &s);
		require(is_strict_json(&s), "not JSON", &s);
	}
	stub_end(&s);
	return 0;
}
