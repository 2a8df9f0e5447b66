/*
 * metered - a run within what its key and user may have: bounds before, quotas around.
 */
#ifndef API_METERED_H
#define API_METERED_H

#include "api/handlers.h"
#include "judge/quota.h"

/* The site as this client sees it: with his own bounds where they are lower.  Returns
 * the site itself if he has none, else *room. */
const struct site *metered_site(const struct call *c, struct site *room);

/* What only an admitted job shows: its language, memory that a language insists on.
 * Fills its tenant. */
int metered_admit(const struct call *c, struct job *job, struct problem *p);

/* Takes it from the quotas, and says in headers what is left; refused too.  Then one of
 * the other two. */
int metered_begin(const struct call *c, const struct job *job, const struct lang *lang,
    struct quota_claim *claim, struct problem *p);
void metered_refund(const struct call *c, const struct quota_claim *claim);
/* gone: the client left; then what ran is known in part only, and took_us bounds it. */
void metered_end(const struct call *c, const struct quota_claim *claim,
    const struct result *r, bool gone, uint64_t took_us);

#endif
