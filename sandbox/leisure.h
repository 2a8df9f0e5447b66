/*
 * leisure - what slots do when nobody waits for one: files that make compilers faster
 * (prepared.h), and frozen interpreters (images.h).  It gives way to whoever comes.
 */
#ifndef SANDBOX_LEISURE_H
#define SANDBOX_LEISURE_H

#include "sandbox/fleet.h"

/* Nobody waits: the next file, if one is missing and a slot is idle. */
void leisure_prepare(struct fleet *f, const struct slot_host *host);
/* The next image, if one is due: only in a slot that stays idle for all we know. */
void leisure_freeze(struct fleet *f, const struct slot_host *host, uint64_t now);

/* Somebody waits after all. */
void leisure_give_way(struct fleet *f, const struct slot_host *host);

/* A run is over, whoever's it was. */
void leisure_ended(
    const struct slot_host *host, const struct run *r, const struct wire_outcome *o);

#endif
