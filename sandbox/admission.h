/*
 * admission - whether a job is taken: not if its key or user has too many open, nor if it
 * would wait for longer than the site allows.  On numbers alone.
 *
 * One key does not take all workers, nor one user all that his key may have.  Where
 * nobody has a key there are no others to be kept free for.
 */
#ifndef SANDBOX_ADMISSION_H
#define SANDBOX_ADMISSION_H

#include "sandbox/share.h"

/* Zeroed at first. */
struct admission {
	bool keyed;       /* somebody with a key has been here */
	uint64_t refused; /* jobs, since the start */
};

/* view: how it stands for the tenant.  Fills *ready, or *busy with why not. */
bool admission_take(struct admission *a, const struct wire_tenant *t,
    const struct share_view *view, uint64_t wait_most_us, struct wire_ready *ready,
    struct wire_busy *busy);

#endif
