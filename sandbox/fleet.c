#include "sandbox/fleet.h"

#include "base/log.h"
#include "sandbox/cpus.h"
#include "sandbox/slot_run.h"

#define LASTING_US 200000 /* a run of that age: who knows when it ends */

int
fleet_start(
    struct fleet *f, struct slot_host *host, unsigned n, unsigned nall, struct err *e)
{
	for (unsigned i = 0; i < nall; i++) {
		slot_init(&f->slot[i], host, &slot_run_ears, i, cpus_nth(i));
		f->slot[i].dismissed = i >= n;
		f->nall++;
		f->n += i < n;
		if (i < n && slot_start(&f->slot[i], e) == -1)
			return -1;
	}
	return 0;
}

void
fleet_end(struct fleet *f)
{
	for (unsigned i = 0; i < f->nall; i++)
		slot_end(&f->slot[i]);
}

static bool
is_spare(const struct fleet *f, const struct slot *s)
{
	return s->index >= f->n;
}

struct slot *
fleet_idle(struct fleet *f, const struct run *r, enum share_slot where)
{
	struct slot *any = NULL;
	unsigned first = where == SHARE_SPARE ? f->n : 0;
	unsigned end = where == SHARE_SPARE ? f->nall : f->n;

	for (unsigned i = first; i < end; i++) {
		struct slot *s = &f->slot[i];

		if (s->state != SLOT_IDLE)
			continue;
		if (r != NULL && s->work_serial == r->job->serial)
			return s;
		/* keep slots that hold files for those who need them */
		if (any == NULL || (any->work_serial != 0 && s->work_serial == 0))
			any = s;
	}
	return any;
}

/* What is reserved makes room for its key alone. */
uint64_t
fleet_held_from_us(const struct fleet *f)
{
	uint64_t last = 0;

	for (unsigned i = 0; i < f->n; i++) {
		const struct run *r = f->slot[i].run;

		if (r != NULL && !r->bill.held && r->started_us > last)
			last = r->started_us;
	}
	return last > 0 ? last + LASTING_US : UINT64_MAX;
}

void
fleet_call_spare(struct fleet *f, uint64_t now)
{
	struct slot *gone = NULL;

	for (unsigned i = f->n; i < f->nall; i++) {
		struct slot *s = &f->slot[i];

		if (s->dismissed)
			gone = gone != NULL ? gone : s;
		else if (s->state == SLOT_STARTING ||
			 (s->run != NULL && s->run->kind == RUN_PROBE) ||
			 (s->state == SLOT_DOWN && s->failures == 0))
			return;
	}
	if (gone == NULL)
		return;
	log_info("slot %u is called: runs that last hold all others", gone->index);
	f->used_us[gone->index] = now;
	slot_call(gone);
}

void
fleet_used(struct fleet *f, const struct slot *s, uint64_t now)
{
	f->used_us[s->index] = now;
}

/* When a spare slot has been idle for long, or failed to come up for as long. */
static uint64_t
leaves_us(const struct fleet *f, const struct slot *s)
{
	if (!is_spare(f, s) || s->dismissed ||
	    (s->state != SLOT_IDLE && s->state != SLOT_DOWN))
		return UINT64_MAX;
	return f->used_us[s->index] + s->host->config->idle_timeout * 1000;
}

void
fleet_check(struct fleet *f, uint64_t now)
{
	for (unsigned i = 0; i < f->nall; i++)
		slot_check(&f->slot[i], now);
	for (unsigned i = f->n; i < f->nall; i++)
		if (leaves_us(f, &f->slot[i]) <= now) {
			log_info("slot %u is dismissed", i);
			slot_dismiss(&f->slot[i]);
		}
}

uint64_t
fleet_due_us(const struct fleet *f)
{
	uint64_t first = UINT64_MAX;

	for (unsigned i = 0; i < f->nall; i++) {
		const struct slot *s = &f->slot[i];

		if (s->deadline_us < first)
			first = s->deadline_us;
		if (leaves_us(f, s) < first)
			first = leaves_us(f, s);
	}
	return first;
}

unsigned
fleet_ready(const struct fleet *f)
{
	unsigned n = 0;

	for (unsigned i = 0; i < f->n; i++) {
		const struct slot *s = &f->slot[i];

		n += s->state == SLOT_IDLE ||
		     (s->state == SLOT_BUSY &&
			 (s->run == NULL || s->run->kind != RUN_PROBE));
	}
	return n;
}

void
fleet_count(const struct fleet *f, struct wire_state *out)
{
	out->slots = f->n;
	out->most_slots = f->nall;
	for (unsigned i = 0; i < f->nall; i++) {
		bool busy = f->slot[i].state == SLOT_BUSY;
		bool ready = busy || f->slot[i].state == SLOT_IDLE;

		out->busy += busy;
		out->ready += ready;
		out->spare += ready && is_spare(f, &f->slot[i]);
	}
}
