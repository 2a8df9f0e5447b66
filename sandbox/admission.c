#include "sandbox/admission.h"

#define SECOND_US 1000000ULL
#define RETRY_MAX (60 * SECOND_US) /* what nobody can predict is asked again soon */

static bool
has_too_many(
    const struct admission *a, const struct wire_tenant *t, const struct share_view *v)
{
	unsigned user_max = t->jobs_max - t->jobs_max / 4;

	if (t->jobs_max == 0)
		return false;
	return (a->keyed && v->key_jobs >= t->jobs_max) ||
	       (t->user != 0 && v->user_jobs >= user_max);
}

bool
admission_take(struct admission *a, const struct wire_tenant *t,
    const struct share_view *view, uint64_t wait_most_us, struct wire_ready *ready,
    struct wire_busy *busy)
{
	a->keyed |= t->key != 0;
	*ready =
	    (struct wire_ready){ .wait_us = view->wait_us, .position = view->position };
	if (has_too_many(a, t, view))
		*busy = (struct wire_busy){ view->wait_us, WIRE_BUSY_JOBS, 0 };
	else if (view->wait_us > wait_most_us)
		*busy =
		    (struct wire_busy){ view->wait_us - wait_most_us, WIRE_BUSY_WAIT, 0 };
	else
		return true;
	busy->retry_us =
	    (busy->retry_us < RETRY_MAX ? busy->retry_us : RETRY_MAX) + SECOND_US;
	a->refused++;
	return false;
}
