/* handlers - what the rows of routes.c point to. */
#ifndef API_HANDLERS_H
#define API_HANDLERS_H

#include "api/api.h"
#include "api/dialect.h"

/* One request on its way through; all borrowed. */
struct call {
	const struct api *api;
	const struct http_request *rq;
	struct http_response *rs;
	const struct dialect *dialect; /* NULL: the route has none */
	struct trace *trace;
	struct identity *who; /* zeroed where the route is open to all */
};

/* False: the client is gone, and nobody wants the answer. */
typedef bool handler(const struct call *c);

handler handle_run;     /* run.c */
handler handle_metrics; /* monitor.c */
handler handle_audit;   /* trail.c */
handler handle_status;  /* status.c */
handler handle_quota;   /* metered.c */
handler handle_root, handle_languages, handle_limits, handle_health,
    handle_ready; /* about.c */

/* Answers with a problem, in the dialect's own shape.  Returns true. */
bool answer_problem(const struct call *c, const struct problem *p);

#endif
