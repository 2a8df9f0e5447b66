#include "sandbox/leisure.h"

#include "base/log.h"
#include "sandbox/prepared.h"
#include "sandbox/slot_run.h"

void
leisure_prepare(struct fleet *f, const struct slot_host *host)
{
	struct slot *slot = fleet_idle(f, NULL, SHARE_ORDINARY);

	if (slot == NULL || !prepared_is_wanting(host->prepared))
		return;
	struct run *r = prepared_next(host->prepared);
	if (r != NULL)
		slot_run(slot, r);
}

void
leisure_freeze(struct fleet *f, const struct slot_host *host, uint64_t now)
{
	struct slot *slot = fleet_idle(f, NULL, SHARE_ORDINARY);

	if (images_due_us(host->images) > now)
		return;
	if (slot == NULL) {
		images_disturb(host->images);
		return;
	}
	struct run *r = images_next(host->images, now);
	if (r != NULL)
		slot_run(slot, r);
}

static bool
gives_way(const struct fleet *f, const struct slot_host *host, const struct run *r)
{
	if (r->kind != RUN_PREPARE)
		return r->kind == RUN_FREEZE;
	/* who has one slot would wait for all of it */
	return f->n == 1 || prepared_gives_way(host->prepared, r);
}

void
leisure_give_way(struct fleet *f, const struct slot_host *host)
{
	for (unsigned i = 0; i < f->n; i++) {
		struct slot *s = &f->slot[i];

		if (s->run == NULL || !gives_way(f, host, s->run))
			continue;
		log_debug("slot %u gives way", s->index);
		slot_kill_run(s, WIRE_FIRED_CANCEL);
	}
}

void
leisure_ended(
    const struct slot_host *host, const struct run *r, const struct wire_outcome *o)
{
	images_disturb(host->images);
	if (r->kind == RUN_FREEZE)
		images_made(host->images, r, o);
	if (r->kind == RUN_PREPARE)
		prepared_ended(host->prepared, r, o);
}
