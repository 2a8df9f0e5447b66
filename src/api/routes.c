/* Who answers what: one row per method and path, and what every answer carries. */
#include <stdio.h>
#include <string.h>

#include "api/auth.h"
#include "api/handlers.h"
#include "api/native.h"
#include "base/fault.h"
#include "base/log.h"
#include "observe/metrics.h"

static const struct route {
	const char *method, *path;
	enum auth auth;
	handler *handle;
	const struct dialect *dialect;
} routes[] = {
	{ "POST", "/api/run", AUTH_RUN, handle_run, &dialect_native },
	{ "POST", "/run", AUTH_RUN, handle_run, &dialect_proctorx },
	{ "POST", "/api/editor/run", AUTH_RUN, handle_run, &dialect_editor },
	{ "POST", "/api/execute", AUTH_RUN, handle_run, &dialect_execute },
	{ "POST", "/api/test", AUTH_RUN, handle_run, &dialect_test },
	{ "GET", "/api/languages", AUTH_OPEN, handle_languages, NULL },
	{ "GET", "/api/limits", AUTH_OPEN, handle_limits, NULL },
	{ "GET", "/api/quota", AUTH_ANY, handle_quota, NULL },
	{ "GET", "/api/health", AUTH_OPEN, handle_health, NULL },
	{ "GET", "/healthz", AUTH_OPEN, handle_health, NULL },
	{ "GET", "/readyz", AUTH_OPEN, handle_ready, NULL },
	{ "GET", "/metrics", AUTH_METRICS, handle_metrics, NULL },
	{ "GET", "/api/status", AUTH_ADMIN, handle_status, NULL },
	{ "GET", "/api/audit", AUTH_AUDIT, handle_audit, NULL },
	{ "GET", "/api", AUTH_OPEN, handle_root, NULL },
	{ "GET", "/", AUTH_OPEN, handle_root, NULL },
};

#define ROUTES (sizeof(routes) / sizeof(routes[0]))
/* A restart of the service or of the helper is a matter of seconds. */
#define RETRY_SOON_S 2
#define CORS_AGE_S   "600" /* how long a browser may remember a preflight's answer */

bool
answer_problem(const struct call *c, const struct problem *p)
{
	struct writer w = { .out = &c->rs->body };
	uint32_t retry = p->retry_after_s;
	char seconds[16];

	c->rs->status = problem_status(p->code);
	if (c->dialect != NULL)
		c->dialect->refuse(p, c->rq->request_id, &w);
	else
		native_refuse(p, c->rq->request_id, &w);
	if (c->rs->status == 401)
		http_header(c->rs, "WWW-Authenticate",
		    p->code == PROBLEM_BAD_KEY
			? "Bearer realm=\"judgebox\", error=\"invalid_token\""
			: "Bearer realm=\"judgebox\"");
	if (retry == 0 && c->rs->status == 503)
		retry = RETRY_SOON_S;
	if (retry > 0) {
		snprintf(seconds, sizeof(seconds), "%u", retry);
		http_header(c->rs, "Retry-After", seconds);
	}
	c->trace->refused = p->code;
	metrics_add(
	    METRIC_REFUSALS, metrics_find(LABEL_REASON, problem_id(p->code)), 0, 1);
	if (c->rs->status >= 500)
		log_warn("refused request=%s code=%s: %s", c->rq->request_id,
		    problem_id(p->code), p->text);
	return true;
}

/* With one slash at the end less, for "/api/run/" is "/api/run". */
static void
normal_path(const struct http_request *rq, char *out, size_t size)
{
	int n = snprintf(out, size, "%s", rq->path);

	if (n > 1 && (size_t)n < size && out[n - 1] == '/')
		out[n - 1] = '\0';
}

static const struct route *
find_route(const char *method, const char *path)
{
	for (size_t i = 0; i < ROUTES; i++)
		if (strcmp(routes[i].path, path) == 0 &&
		    (method == NULL || strcmp(routes[i].method, method) == 0 ||
			JB_FAULT(ROUTES)))
			return &routes[i];
	return NULL;
}

static const char *
allowed_methods(const char *path)
{
	return find_route("GET", path) != NULL ? "GET, HEAD, OPTIONS" : "POST, OPTIONS";
}

/* Origins are compared whole; what is sent back is ours, never the client's text. */
static void
add_cors(const struct api *api, const struct http_request *rq, struct http_response *rs)
{
	const struct words *origins = &api->site->cors_origins;
	const char *at = NULL;

	if (origins->count == 0)
		return;
	http_header(rs, "Vary", "Origin");
	while ((at = words_next(origins, at)) != NULL)
		if (strcmp(at, "*") == 0 || strcmp(at, rq->origin) == 0)
			break;
	if (at == NULL || rq->origin[0] == '\0')
		return;
	http_header(rs, "Access-Control-Allow-Origin", at);
	http_header(rs, "Access-Control-Expose-Headers",
	    "X-Request-Id, Retry-After, WWW-Authenticate, RateLimit-Limit, "
	    "RateLimit-Remaining, RateLimit-Reset, RateLimit-Policy");
}

static void
add_headers(
    const struct api *api, const struct http_request *rq, struct http_response *rs)
{
	if (rq->request_id[0] != '\0')
		http_header(rs, "X-Request-Id", rq->request_id);
	http_header(rs, "Cache-Control", "no-store");
	http_header(rs, "X-Content-Type-Options", "nosniff");
	add_cors(api, rq, rs);
}

static bool
answer_options(const struct call *c, const char *path)
{
	c->rs->status = 204;
	http_header(c->rs, "Allow", allowed_methods(path));
	if (c->api->site->cors_origins.count == 0)
		return true;
	http_header(c->rs, "Access-Control-Allow-Methods", allowed_methods(path));
	http_header(c->rs, "Access-Control-Allow-Headers",
	    "Content-Type, Authorization, X-API-Key");
	http_header(c->rs, "Access-Control-Max-Age", CORS_AGE_S);
	return true;
}

bool
api_handle(const struct api *api, const struct http_request *rq, struct http_response *rs)
{
	struct trace unread, *trace = api->trace != NULL ? api->trace : &unread;
	struct identity who = { .key = 0 };
	struct call c = { .api = api, .rq = rq, .rs = rs, .trace = trace, .who = &who };
	char path[sizeof(rq->path)];
	struct problem p;

	*trace = (struct trace){ .dialect = NULL };
	rs->status = 200;
	rs->head_only = strcmp(rq->method, "HEAD") == 0;
	add_headers(api, rq, rs);
	normal_path(rq, path, sizeof(path));
	if (find_route(NULL, path) == NULL) {
		problem_set(&p, PROBLEM_NOT_FOUND, NULL, "nothing is here; see GET /api");
		return answer_problem(&c, &p);
	}
	if (strcmp(rq->method, "OPTIONS") == 0)
		return answer_options(&c, path);

	const struct route *r = find_route(rs->head_only ? "GET" : rq->method, path);
	if (r == NULL) {
		http_header(rs, "Allow", allowed_methods(path));
		problem_set(&p, PROBLEM_METHOD_NOT_ALLOWED, NULL, "only %s",
		    allowed_methods(path));
		return answer_problem(&c, &p);
	}
	c.dialect = r->dialect;
	trace->dialect = r->dialect != NULL ? r->dialect->name : NULL;
	if (auth_check(api, rq, r->auth, &who, &p) == -1)
		return answer_problem(&c, &p);
	snprintf(trace->key, sizeof(trace->key), "%s", who.name);
	return r->handle(&c);
}
