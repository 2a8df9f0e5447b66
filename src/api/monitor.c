/* What the service tells a monitoring system. */
#include "api/handlers.h"
#include "api/query.h"
#include "api/status.h"
#include "observe/expose.h"

#define FORMAT_MAX 16

bool
handle_metrics(const struct call *c)
{
	static const struct query_row table[] = {
		{ "format", QUERY_TEXT, 0, 0, FORMAT_MAX },
		{ NULL, QUERY_TEXT, 0, 0, 0 },
	};
	enum expose_format format = EXPOSE_OPENMETRICS;
	char name[FORMAT_MAX] = "";
	struct problem p;

	if (query_read(c->rq, table, name, &p) == -1)
		return answer_problem(c, &p);
	if (name[0] != '\0' && !expose_named(name, &format)) {
		problem_set(&p, PROBLEM_BAD_FIELD, "format",
		    "format: 'openmetrics', 'prometheus' or 'influx'");
		return answer_problem(c, &p);
	}
	status_measure(c->api);
	expose_write(format, &c->rs->body);
	c->rs->content_type = expose_content_type(format);
	return true;
}
