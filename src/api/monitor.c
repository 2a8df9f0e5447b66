/* What the service tells a monitoring system. */
#include "api/handlers.h"
#include "observe/expose.h"
#include "observe/metrics.h"

static void
measure_workers(void)
{
	struct metrics_workers w = metrics_workers();

	metrics_set(METRIC_WORKERS, w.total);
	metrics_set(METRIC_WORKERS_BUSY, w.busy);
	metrics_set(METRIC_WORKERS_IDLE, w.total - w.busy);
}

bool
handle_metrics(const struct call *c)
{
	enum expose_format format = EXPOSE_OPENMETRICS;
	struct problem p;

	if (c->rq->format[0] != '\0' && !expose_named(c->rq->format, &format)) {
		problem_set(&p, PROBLEM_BAD_FIELD, "format",
		    "format: 'openmetrics', 'prometheus' or 'influx'");
		return answer_problem(c, &p);
	}
	c->api->judge.measure(c->api->helper);
	measure_workers();
	expose_write(format, &c->rs->body);
	c->rs->content_type = expose_content_type(format);
	return true;
}
