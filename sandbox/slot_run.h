/*
 * slot_run - one run, led through its slot: a /work that fits, a launcher of its class,
 * the order, the facts; or a compile, its facts and its artifact.
 */
#ifndef SANDBOX_SLOT_RUN_H
#define SANDBOX_SLOT_RUN_H

#include "sandbox/slot.h"

extern const struct slot_ears slot_run_ears; /* for slot_init */

/* Takes the run over; the slot must be IDLE.  Its end is told by host->done. */
void slot_run(struct slot *s, struct run *r);
void slot_kill_run(struct slot *s, enum wire_fired why);

#endif
