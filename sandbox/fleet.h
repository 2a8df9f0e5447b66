/*
 * fleet - all slots of the helper: those that are always there, and behind them the spare
 * ones, which are called when they are needed and go when they were idle for long.
 *
 * Whose runs they get is the affair of dispatch.h.
 */
#ifndef SANDBOX_FLEET_H
#define SANDBOX_FLEET_H

#include "sandbox/session.h"
#include "sandbox/share.h"
#include "sandbox/slot.h"

struct fleet {
	struct slot slot[CONFIG_SLOTS_MAX];
	unsigned n, nall;                   /* from n on they are spare */
	uint64_t used_us[CONFIG_SLOTS_MAX]; /* when a spare one was, last */
};

/* nall: with the spare slots, which are not started. */
int fleet_start(
    struct fleet *f, struct slot_host *host, unsigned n, unsigned nall, struct err *e);
void fleet_end(struct fleet *f);

/* A slot that is idle: one that holds the files of r's job if there is one, else one that
 * holds nobody's.  NULL: none is. */
struct slot *fleet_idle(struct fleet *f, const struct run *r, enum share_slot where);

/* From when on no run that might make room for others is a new one.  UINT64_MAX: nothing
 * runs that is in anybody's way. */
uint64_t fleet_held_from_us(const struct fleet *f);
/* Calls a spare slot, unless one is on its way: they are made one by one. */
void fleet_call_spare(struct fleet *f, uint64_t now);
void fleet_used(struct fleet *f, const struct slot *s, uint64_t now);

/* Looks for what is overdue; to be called when due_us has passed. */
void fleet_check(struct fleet *f, uint64_t now);
uint64_t fleet_due_us(const struct fleet *f);

unsigned fleet_ready(const struct fleet *f); /* not the spare ones */
/* Those that are there, ready, busy and spare. */
void fleet_count(const struct fleet *f, struct wire_state *out);

#endif
