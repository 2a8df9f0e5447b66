/* Paths, methods and headers, and what the service says of itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api_stub.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char job[] = "{\"language\":\"python\",\"code\":\"1\"}";

static void
ask(struct stub *s, const char *method, const char *path)
{
	assert_true(stub_ask(s, method, path, job, sizeof(job) - 1));
}

static bool
has_header(const struct stub *s, const char *line)
{
	scope_buf want = { 0 };

	buf_fmt(&want, "\r\n%s\r\n", line);
	scope_buf all = { 0 };
	buf_fmt(&all, "\r\n%s", s->rs.headers.data);
	return strstr(buf_cstr(&all), buf_cstr(&want)) != NULL;
}

#define assert_header(s, line)                                                           \
	do {                                                                             \
		if (!has_header(s, line))                                                \
			fail_msg("no '%s' in\n%s", line, (s)->rs.headers.data);          \
	} while (0)

static void
test_table(void **state)
{
	static const struct {
		const char *method, *path;
		int status;
		const char *allow; /* NULL: no such header */
	} cases[] = {
		{ "POST", "/api/run", 200, NULL },
		{ "POST", "/api/run/", 200, NULL },
		{ "POST", "/run", 200, NULL },
		{ "POST", "/run/", 200, NULL },
		{ "POST", "/api/editor/run/", 200, NULL },
		{ "POST", "/api/execute", 200, NULL },
		{ "POST", "/api/test", 200, NULL },
		{ "GET", "/api/languages", 200, NULL },
		{ "GET", "/api/languages/", 200, NULL },
		{ "GET", "/api/limits", 200, NULL },
		{ "GET", "/api/health", 200, NULL },
		{ "GET", "/healthz", 200, NULL },
		{ "GET", "/readyz", 200, NULL },
		{ "GET", "/metrics", 200, NULL },
		{ "HEAD", "/metrics", 200, NULL },
		{ "POST", "/metrics", 405, "Allow: GET, HEAD, OPTIONS" },
		{ "GET", "/api", 200, NULL },
		{ "GET", "/api/", 200, NULL },
		{ "GET", "/", 200, NULL },
		{ "HEAD", "/healthz", 200, NULL },
		{ "GET", "/api/run", 405, "Allow: POST, OPTIONS" },
		{ "HEAD", "/api/run", 405, "Allow: POST, OPTIONS" },
		{ "PUT", "/api/test", 405, "Allow: POST, OPTIONS" },
		{ "POST", "/api/languages", 405, "Allow: GET, HEAD, OPTIONS" },
		{ "post", "/api/run", 405, "Allow: POST, OPTIONS" },
		{ "", "/healthz", 405, "Allow: GET, HEAD, OPTIONS" },
		{ "OPTIONS", "/api/run", 204, "Allow: POST, OPTIONS" },
		{ "OPTIONS", "/api/languages/", 204, "Allow: GET, HEAD, OPTIONS" },
		{ "OPTIONS", "/nothing", 404, NULL },
		{ "GET", "", 404, NULL },
		{ "GET", "/nothing", 404, NULL },
		{ "POST", "/api/run//", 404, NULL },
		{ "POST", "/api/runs", 404, NULL },
		{ "POST", "/API/RUN", 404, NULL },
		{ "POST", "//api/run", 404, NULL },
	};
	struct stub s;

	(void)state;
	stub_start(&s);
	for (size_t i = 0; i < COUNT(cases); i++) {
		ask(&s, cases[i].method, cases[i].path);
		if (s.rs.status != cases[i].status)
			fail_msg(
			    "%s %s: %d", cases[i].method, cases[i].path, s.rs.status);
		if (cases[i].allow != NULL)
			assert_header(&s, cases[i].allow);
		else
			assert_null(strstr(s.rs.headers.data, "Allow"));
		assert_header(&s, "X-Request-Id: req-1");
		assert_header(&s, "Cache-Control: no-store");
		assert_header(&s, "X-Content-Type-Options: nosniff");
		assert_null(strstr(s.rs.headers.data, "Access-Control"));
		assert_int_equal(s.rs.head_only, strcmp(cases[i].method, "HEAD") == 0);
		assert_int_equal(s.rs.body.len == 0, cases[i].status == 204);
	}
	stub_end(&s);
}

static void
test_problem_shapes(void **state)
{
	struct stub s;

	(void)state;
	stub_start(&s);
	ask(&s, "GET", "/nothing");
	assert_string_equal(s.rs.body.data,
	    "{\"error\":\"nothing is here; see GET /api\",\"code\":\"not_found\","
	    "\"requestId\":\"req-1\"}");
	ask(&s, "GET", "/api/execute");
	assert_string_equal(s.rs.body.data,
	    "{\"error\":\"only POST, OPTIONS\",\"code\":\"method_not_allowed\","
	    "\"requestId\":\"req-1\"}");
	stub_end(&s);
}

static void
test_cors(void **state)
{
	static const struct {
		const char *allowed[2], *origin, *answer;
	} cases[] = {
		{ { "https://a.example", "https://b.example" }, "https://b.example",
		    "Access-Control-Allow-Origin: https://b.example" },
		{ { "https://a.example", "https://b.example" }, "https://c.example",
		    NULL },
		{ { "https://a.example", NULL }, "https://a.example.evil", NULL },
		{ { "https://a.example", NULL }, "https://A.example", NULL },
		{ { "https://a.example", NULL }, "null", NULL },
		{ { "https://a.example", NULL }, "", NULL },
		{ { "*", NULL }, "https://c.example", "Access-Control-Allow-Origin: *" },
		{ { "*", NULL }, "", NULL },
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct stub s;

		stub_start(&s);
		for (unsigned k = 0; k < 2 && cases[i].allowed[k] != NULL; k++)
			words_add(&s.site.cors_origins, cases[i].allowed[k], &e);
		snprintf(s.rq.origin, sizeof(s.rq.origin), "%s", cases[i].origin);
		ask(&s, "OPTIONS", "/api/run");
		assert_int_equal(s.rs.status, 204);
		assert_header(&s, "Vary: Origin");
		assert_header(&s, "Access-Control-Allow-Methods: POST, OPTIONS");
		assert_header(&s, "Access-Control-Allow-Headers: Content-Type, "
				  "Authorization, X-API-Key");
		ask(&s, "GET", "/nothing"); /* a page must be able to read its errors */
		assert_header(&s, "Vary: Origin");
		if (cases[i].answer != NULL)
			assert_header(&s, cases[i].answer);
		else
			assert_null(strstr(s.rs.headers.data, "Allow-Origin"));
		assert_null(strstr(s.rs.headers.data, "Allow-Credentials"));
		stub_end(&s);
	}
}

static void
test_draining(void **state)
{
	struct stub s;

	(void)state;
	stub_start(&s);
	s.draining = 1;
	ask(&s, "POST", "/api/run");
	assert_int_equal(s.rs.status, 503);
	assert_non_null(strstr(s.rs.body.data, "\"code\":\"draining\""));
	assert_int_equal(stub_judge.runs, 0);
	ask(&s, "POST", "/api/execute");
	assert_int_equal(s.rs.status, 503);
	ask(&s, "GET", "/readyz");
	assert_int_equal(s.rs.status, 503);
	ask(&s, "GET", "/healthz"); /* it still serves */
	assert_int_equal(s.rs.status, 200);
	s.api.draining = NULL;
	ask(&s, "GET", "/readyz");
	assert_string_equal(s.rs.body.data, "{\"status\":\"ready\"}");
	stub_end(&s);
}

static void
test_helper_away(void **state)
{
	struct stub s;

	(void)state;
	stub_start(&s);
	stub_judge.helper_away = true;
	ask(&s, "GET", "/readyz");
	assert_int_equal(s.rs.status, 503);
	assert_string_equal(s.rs.body.data,
	    "{\"error\":\"connect /run/helper.sock: nobody listens\","
	    "\"code\":\"sandbox_unavailable\",\"requestId\":\"req-1\"}");
	stub_end(&s);
}

static void
test_overloaded(void **state)
{
	static const char *const paths[] = { "/api/run", "/api/execute", "/api/test" };
	struct stub s;

	(void)state;
	stub_start(&s);
	problem_set(&stub_judge.refuse, PROBLEM_OVERLOADED, NULL, "the queue is full");
	stub_judge.refuse.retry_after_s = 7;
	for (size_t i = 0; i < COUNT(paths); i++) {
		ask(&s, "POST", paths[i]);
		assert_int_equal(s.rs.status, 503);
		assert_header(&s, "Retry-After: 7");
		assert_non_null(
		    strstr(s.rs.body.data, "\"error\":\"the queue is full\""));
	}
	stub_judge.refuse.retry_after_s = 0;
	ask(&s, "POST", "/api/run");
	assert_header(&s, "Retry-After: 2"); /* every 503 says when to come again */
	problem_set(&stub_judge.refuse, PROBLEM_BAD_FIELD, "args", "too many");
	ask(&s, "POST", "/api/run");
	assert_null(strstr(s.rs.headers.data, "Retry-After"));
	stub_end(&s);
}

static void
test_client_gone(void **state)
{
	struct stub s;

	(void)state;
	stub_start(&s);
	stub_judge.gone = true;
	assert_false(stub_ask(&s, "POST", "/api/run", job, sizeof(job) - 1));
	stub_end(&s);
}

static void
test_languages(void **state)
{
	static const char limits[] =
	    "\"processes\":64,\"outputBytes\":1048576,\"fileBytes\":67108864,"
	    "\"stackBytes\":67108864,\"openFiles\":256}}";
	scope_buf want = { 0 };
	struct stub s;

	(void)state;
	stub_start(&s);
	ask(&s, "GET", "/api/languages");
	buf_fmt(&want,
	    "{\"languages\":[{\"id\":\"cpp\",\"name\":\"C++ "
	    "(g++)\",\"version\":\"12.2.0\","
	    "\"aliases\":[\"c++\",\"g++\"],\"fileName\":\"main.cpp\",\"extensions\":[\"."
	    "cpp\"],\"compiled\":true,"
	    "\"limits\":{\"cpuMs\":3000,\"wallMs\":10000,\"memoryBytes\":268435456,%s,"
	    "{\"id\":\"java\",\"name\":\"Java\",\"version\":null,"
	    "\"aliases\":[],\"fileName\":\"Main.java\",\"extensions\":[],\"compiled\":"
	    "true,"
	    "\"limits\":{\"cpuMs\":3000,\"wallMs\":10000,\"memoryBytes\":536870912,%s,"
	    "{\"id\":\"javascript\"",
	    limits, limits);
	if (strncmp(s.rs.body.data, buf_cstr(&want), want.len) != 0)
		fail_msg("%s\n-- wanted --\n%s", s.rs.body.data, want.data);
	assert_null(strstr(s.rs.body.data, "pascal")); /* not installed */
	s.api.versions = NULL;
	ask(&s, "GET", "/api/languages");
	assert_null(strstr(s.rs.body.data, "12.2.0"));
	assert_non_null(strstr(s.rs.body.data, "\"version\":null"));
	stub_end(&s);
}

static void
test_limits(void **state)
{
	static const char *const parts[] = {
		"{\"profiles\":{\"default\":{\"limits\":{\"cpuMs\":3000,\"wallMs\":"
		"10000,",
		"\"proctorx\":{\"limits\":{\"cpuMs\":3000,\"wallMs\":3500,",
		"\"openFiles\":256,\"cpus\":0.5},\"compileLimits\":{\"cpuMs\":10000,",
		"\"slackMs\":500,\"fork\":true}",
		"\"caps\":{\"cpuMs\":30000,\"wallMs\":60000,\"memoryBytes\":536870912,"
		"\"processes\":256,\"outputBytes\":16777216,\"fileBytes\":268435456,"
		"\"stackBytes\":536870912,\"openFiles\":1024},\"compileCaps\":{",
		"\"maxBodyBytes\":1048576,\"maxSourceBytes\":102400,\"maxTests\":256,"
		"\"maxAnswerBytes\":33554432,\"compare\":[\"trim\",\"exact\",\"lines\","
		"\"tokens\","
		"\"tokens-nocase\",\"unordered-lines\",\"float\"]}",
	};
	struct stub s;

	(void)state;
	stub_start(&s);
	ask(&s, "GET", "/api/limits");
	for (size_t i = 0; i < COUNT(parts); i++)
		if (strstr(s.rs.body.data, parts[i]) == NULL)
			fail_msg("no %s in %s", parts[i], s.rs.body.data);
	stub_end(&s);
}

static void
test_root(void **state)
{
	struct stub s;

	(void)state;
	stub_start(&s);
	ask(&s, "GET", "/api");
	assert_string_equal(s.rs.body.data,
	    "{\"name\":\"" PACKAGE_NAME "\",\"version\":\"" PACKAGE_VERSION
	    "\",\"status\":\"ok\",\"links\":{\"run\":\"/api/run\",\"languages\":"
	    "\"/api/languages\",\"limits\":\"/api/limits\",\"health\":\"/healthz\","
	    "\"ready\":\"/readyz\"}}");
	ask(&s, "GET", "/api/health");
	assert_string_equal(s.rs.body.data, "{\"status\":\"ok\"}");
	s.rq.request_id[0] = '\0';
	ask(&s, "GET", "/api/run");
	assert_null(strstr(s.rs.headers.data, "X-Request-Id"));
	assert_null(strstr(s.rs.body.data, "requestId"));
	stub_end(&s);
}

static void
test_metrics(void **state)
{
	static const struct {
		const char *address, *query, *type, *starts; /* type NULL: refused */
	} cases[] = {
		{ "127.0.0.1", "", "application/openmetrics-text", "# TYPE judgebox_" },
		{ "127.8.9.1", "format=openmetrics", "application/openmetrics-text",
		    "# TYPE judgebox_" },
		{ "::1", "format=influx", "text/plain", "judgebox_build_info,version=" },
		{ "127.0.0.1", "format=xml", NULL, "{\"error\":\"format: " },
		{ "10.0.0.1", "", NULL, "{\"error\":\"a key is required" },
		{ "::2", "", NULL, "{\"error\":\"a key is required" },
		{ "unix:", "", NULL, "{\"error\":\"a key is required" },
		{ "", "", NULL, "{\"error\":\"a key is required" },
	};
	struct stub s;

	(void)state;
	stub_start(&s);
	for (size_t i = 0; i < COUNT(cases); i++) {
		snprintf(s.rq.address, sizeof(s.rq.address), "%s", cases[i].address);
		snprintf(s.rq.query, sizeof(s.rq.query), "%s", cases[i].query);
		ask(&s, "GET", "/metrics");
		if (strncmp(s.rs.body.data, cases[i].starts, strlen(cases[i].starts)) !=
		    0)
			fail_msg("%s %s: %.200s", cases[i].address, cases[i].query,
			    s.rs.body.data);
		assert_int_equal(s.rs.status == 200, cases[i].type != NULL);
		if (cases[i].type != NULL)
			assert_non_null(strstr(s.rs.content_type, cases[i].type));
	}
	stub_end(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_problem_shapes),
		cmocka_unit_test(test_cors),
		cmocka_unit_test(test_draining),
		cmocka_unit_test(test_helper_away),
		cmocka_unit_test(test_overloaded),
		cmocka_unit_test(test_client_gone),
		cmocka_unit_test(test_languages),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_root),
		cmocka_unit_test(test_metrics),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
