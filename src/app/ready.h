/* ready - could a job be run now? */
#ifndef APP_READY_H
#define APP_READY_H

#include "box/box.h"
#include "model/problem.h"

/* What /readyz and doctor ask: does the helper answer, and is a slot built? */
int ready_check(const struct box_door *helper, struct problem *p);

/* Sets the metrics of slots, queue and cache from what the helper says. */
void ready_measure(const struct box_door *helper);

#endif
