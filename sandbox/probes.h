/*
 * probes - the walls are tried before anybody relies on them (probe.h).
 *
 * Every slot that comes up runs the probe in a real box before it gets work; at the start
 * of the helper the classes of all languages are shared out among the slots, later one is
 * enough.  A slot in which something was not refused is thrown away, and at the start
 * that is the end of the helper.
 */
#ifndef SANDBOX_PROBES_H
#define SANDBOX_PROBES_H

#include "sandbox/config.h"
#include "sandbox/job.h"
#include "sandbox/language.h"

struct probes;

/* program: judgebox-slot, opened. */
int probes_open(const struct languages *languages, int program, unsigned nslots,
    struct probes **out, struct err *e);
void probes_close(struct probes *p); /* NULL is fine */

/* The slot is new. */
void probes_begin(struct probes *p, unsigned slot);
/* Its next probe, the caller's to run; *out NULL: there is none left. */
int probes_next(struct probes *p, unsigned slot, struct run **out, struct err *e);
/* The probe is over.  -1: the box did not hold, and *e says where. */
int probes_judge(struct probes *p, unsigned slot, const struct run *r,
    const struct wire_outcome *o, struct err *e);
unsigned probes_made(const struct probes *p);

#endif
