#include "app/ready.h"

#include "base/log.h"
#include "box/box.h"
#include "observe/metrics.h"

int
ready_check(const struct box_door *helper, struct problem *p)
{
	scope_box b = NULL;
	struct box_state s = { 0 };
	struct err e = { 0 };

	/* Anybody may ask: paths and reasons are for the log. */
	if (box_open(helper, &b, &e) == -1 || box_status(b, &s, &e) == -1) {
		log_err(&e, "not ready: the sandbox helper does not answer");
		return problem_set(p, PROBLEM_SANDBOX_UNAVAILABLE, NULL,
		    "the sandbox helper does not answer; the log says why");
	}
	if (s.ready == 0) {
		log_warn("not ready: no slot of the sandbox helper is%s%s",
		    s.why[0] != '\0' ? ": " : "", s.why);
		return problem_set(p, PROBLEM_SANDBOX_UNAVAILABLE, NULL,
		    "no slot of the sandbox helper is ready; the log says why");
	}
	return 0;
}

/* Of a helper that is away all that it counts is none; what it counted up to stays. */
void
ready_measure(const struct box_door *helper)
{
	scope_box b = NULL;
	struct box_state s = { 0 };
	struct err e = { 0 };

	bool up = box_open(helper, &b, &e) == 0 && box_status(b, &s, &e) == 0;
	if (!up)
		log_err(&e, "metrics");
	metrics_set(METRIC_HELPER_UP, up);
	metrics_set(METRIC_SLOTS, s.slots);
	metrics_set(METRIC_SLOTS_READY, s.ready);
	metrics_set(METRIC_SLOTS_BUSY, s.busy);
	metrics_set(METRIC_SLOTS_SPARE, s.spare);
	metrics_set(METRIC_QUEUE_RUNS, s.queued);
	metrics_set(METRIC_QUEUE_WAIT, s.wait_us);
	metrics_set(METRIC_QUEUE_OLDEST, s.oldest_us);
	metrics_set(METRIC_QUEUE_JOBS, s.jobs);
	metrics_set(METRIC_QUEUE_TENANTS, s.tenants);
	if (!up)
		return;
	metrics_set(METRIC_BUSY_ANSWERS, s.refused);
	metrics_set(METRIC_CACHE_HITS, s.cache_hits);
	metrics_set(METRIC_CACHE_MISSES, s.cache_misses);
	metrics_set(METRIC_WARM_HITS, s.warm_hits);
	metrics_set(METRIC_WARM_MISSES, s.warm_misses);
}
