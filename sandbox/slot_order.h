/*
 * slot_order - what a slot is told: to make a /work, to start a launcher, to run, to
 * compile, to end what it runs.
 *
 * All but the last set the deadline by which it must have answered.  One that fails with
 * ERR_OVER_LIMIT or ERR_BAD_INPUT was not sent, for the run's words do not fit; after any
 * other failure nobody knows what the slot has heard.
 */
#ifndef SANDBOX_SLOT_ORDER_H
#define SANDBOX_SLOT_ORDER_H

#include "sandbox/slot.h"

int slot_order_work(struct slot *s, struct err *e);
int slot_order_launcher(struct slot *s, unsigned filter, struct err *e);
int slot_order_run(struct slot *s, unsigned filter, struct err *e);
int slot_order_compile(struct slot *s, struct err *e);
/* Of the run that was sent.  It may just have ended: that is no failure. */
void slot_order_kill(struct slot *s);

#endif
