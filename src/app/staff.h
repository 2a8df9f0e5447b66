/*
 * staff - the children of the master: started, told to go, reaped, and the lines on which
 * they reach the recorder and ask for connections to the helper.
 *
 * For prefork.c alone; how many there should be is its affair.  Who is told to go gets
 * SIGTERM and a deadline; what is not gone by then is killed.  Where a crew is not named,
 * it is the current one.
 */
#ifndef APP_STAFF_H
#define APP_STAFF_H

#include "app/crew.h"
#include "app/vigil.h"

struct staff;

/* Takes the crew, even on failure; listener and vigil are borrowed, and the vigil ends in
 * each child. */
int staff_new(struct crew *crew, const struct listener *l, struct vigil *vigil,
    struct staff **out, struct err *e);
void staff_free(struct staff *s); /* when all are gone */

/* --- the crew of those who start --- */

struct crew *staff_crew(const struct staff *s); /* borrowed */
/* Takes it; those of the old one stay until they are told to go. */
void staff_renew(struct staff *s, struct crew *fresh);

/* --- starting --- */

/* Where it cannot, it says so, and the next one waits as after a death. */
void staff_start(struct staff *s, enum prefork_role role, uint64_t now);
/* Nobody is started before that, for too many died young. */
uint64_t staff_start_due(struct staff *s, enum prefork_role role);
/* They may start at once, whoever died. */
void staff_forgive(struct staff *s, enum prefork_role role);

/* --- how many --- */

unsigned staff_count(const struct staff *s, enum prefork_role role); /* who stay */
unsigned staff_count_idle(const struct staff *s); /* of these that SERVE */
unsigned staff_count_all(const struct staff *s, enum prefork_role role); /* of any crew */
unsigned staff_size(const struct staff *s); /* all that are not reaped */
unsigned long staff_deaths(const struct staff *s);

/* --- going --- */

/* So many of those who stay. */
void staff_retire(
    struct staff *s, enum prefork_role role, unsigned n, uint64_t deadline_us);
/* The youngest SERVE worker that has had nothing to do for idle_us.  False: there is
 * none, and *due_us is when there may be one. */
bool staff_retire_idle(struct staff *s, uint64_t idle_us, uint64_t now,
    uint64_t deadline_us, uint64_t *due_us);
/* Of any crew; told again: the earlier deadline counts. */
void staff_retire_all(struct staff *s, enum prefork_role role, uint64_t deadline_us);
/* All of other crews that were not told yet. */
void staff_retire_old(struct staff *s, uint64_t deadline_us);

void staff_reap(struct staff *s, uint64_t now);
void staff_kill_overdue(struct staff *s, uint64_t now);
uint64_t staff_overdue_at(const struct staff *s); /* the next one; UINT64_MAX: none */

/* --- their lines --- */

/* Shall one that sees hardly anybody left ring?  See crowd.h. */
void staff_listen(struct staff *s, bool yes);
/* Connects those who ask for it. */
void staff_answer(struct staff *s);
/* Gives the recorder its ends of those forked after it.  If it does not listen: the next
 * time. */
void staff_hand_over(struct staff *s);

/* A line of the log for each. */
void staff_log(const struct staff *s, uint64_t now);

#endif
