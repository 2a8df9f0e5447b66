/*
 * crew - what one reading of the configuration gave, and what it wants of the master.
 *
 * For prefork.c and staff.c alone.  It is counted: who works by it holds it, and with the
 * last one it is unloaded.
 */
#ifndef APP_CREW_H
#define APP_CREW_H

#include "app/prefork_calls.h"

struct crew;

/* Takes the configuration, even on failure; held once. */
int crew_new(
    const struct prefork_calls *calls, void *config, struct crew **out, struct err *e);
struct crew *crew_hold(struct crew *c);
void crew_drop(struct crew *c);

struct crowd_bounds crew_bounds(const struct crew *c); /* at least one, most >= least */
uint64_t crew_drain_us(const struct crew *c);
const char *crew_helper(const struct crew *c);
bool crew_wants_recorder(const struct crew *c);

/* In a child: what is to be its exit status. */
int crew_work(const struct crew *c, const struct listener *l, enum prefork_role role,
    const struct prefork_link *link);

#endif
