#include "sandbox/dispatch.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "sandbox/leisure.h"
#include "sandbox/prepared.h"
#include "sandbox/probes.h"
#include "sandbox/slot_run.h"

#define QUANTUM_US 10000 /* a job may go on for, in a slot with its files */

/* --- turns --- */

/* After whatever happened to a session's queue or job: does it want a slot? */
static void
update(struct dispatch *d, struct session *s)
{
	if (s->seat == NULL)
		return;
	/* a session's compile is alone in its queue: what waits for a twin is its first
	 */
	share_want(d->share, s->seat, s->queue != NULL && !s->queue->waits);
	share_expect(d->share, s->seat, forecast_job(&d->forecast, s->job, s->pending));
}

/* Somebody's compile is settled: whoever waited for it, waits no longer. */
static void
update_all(struct dispatch *d)
{
	for (struct session *s = d->sessions; s != NULL; s = s->next)
		update(d, s);
}

/* A slot goes on with a job whose files it holds while that is not ahead of its turn by
 * more than a moment: to lay out others' files costs as much as a short test. */
static struct session *
whose_turn(const struct dispatch *d)
{
	for (unsigned i = 0; i < d->fleet.n; i++) {
		const struct slot *slot = &d->fleet.slot[i];
		struct session *s = d->holder[i];

		if (slot->state == SLOT_IDLE && s != NULL && s->job != NULL &&
		    s->job->serial == slot->work_serial &&
		    share_may_go_on(d->share, s->seat, QUANTUM_US))
			return s;
	}
	return share_next(d->share);
}

/* What runs costs, also before it ends: nobody gets a second slot for the price that the
 * first was thought to have. */
static void
charge_running(struct dispatch *d)
{
	uint64_t now = clock_us();

	for (unsigned i = 0; i < d->fleet.nall; i++) {
		struct run *r = d->fleet.slot[i].run;

		if (r != NULL)
			share_charge(d->share, &r->bill, now - r->started_us);
	}
}

static void
start_next(struct dispatch *d, struct session *s, enum share_slot where)
{
	struct run *r = s->queue;
	struct slot *slot = fleet_idle(&d->fleet, r, where);

	if (r->kind == RUN_COMPILE && !twins_start(&d->twins, d->sessions, r)) {
		update(d, s);
		return;
	}
	s->queue = r->next;
	r->next = NULL;
	run_unlink(r);
	d->holder[slot->index] = r->job->work != -1 ? s : NULL;
	share_start(d->share, s->seat, where, forecast_run(&d->forecast, r), &r->bill);
	update(d, s);
	images_disturb(d->slot_host->images);
	slot_run(slot, r);
}

/* --- newcomers --- */

/* Of spare slots that run a user's work beside other work of his key: one is left to keys
 * that have nothing at all, lest one key's many users take all.  Where nobody has a key
 * there are none to be kept free for. */
static unsigned
users_most(const struct dispatch *d)
{
	unsigned spare = d->fleet.nall - d->fleet.n;

	return spare > 1 ? spare - 1 : spare == 1 && !d->admission.keyed;
}

static void
let_newcomers_past(struct dispatch *d)
{
	uint64_t now = clock_us(), from;
	struct session *s;

	d->newcomer_us = UINT64_MAX;
	if (d->fleet.nall == d->fleet.n || d->waiting.newer == &d->waiting)
		return;
	from = fleet_held_from_us(&d->fleet);
	if (from > now) {
		d->newcomer_us = from;
		return;
	}
	while ((s = share_next_newcomer(d->share, users_most(d))) != NULL) {
		if (fleet_idle(&d->fleet, NULL, SHARE_SPARE) == NULL) {
			fleet_call_spare(&d->fleet, now);
			return;
		}
		start_next(d, s, SHARE_SPARE);
	}
}

/* --- all slots --- */

/* A run that fails at once frees its slot from within: the loop sees to that slot, too.
 * Recursion would be as deep as the queues are long. */
static void
fill_slots(struct dispatch *d)
{
	struct session *s;

	if (d->filling)
		return;
	d->filling = true;
	charge_running(d);
	while (fleet_idle(&d->fleet, NULL, SHARE_ORDINARY) != NULL &&
	       (s = whose_turn(d)) != NULL)
		start_next(d, s, SHARE_ORDINARY);
	let_newcomers_past(d);
	if (d->waiting.newer == &d->waiting)
		leisure_prepare(&d->fleet, d->slot_host);
	d->filling = false;
}

static void
compiled(void *owner, struct session *s, bool keep)
{
	struct dispatch *d = owner;

	bool led = s->job->leads;

	twins_compiled(&d->twins, d->sessions, s->job, keep);
	if (led)
		update_all(d);
	fill_slots(d);
}

/* --- what slots tell --- */

/* The next probe of a slot, or work at last. */
static void
go_on_probing(struct dispatch *d, struct slot *s)
{
	struct err e = { 0 };
	struct run *r = NULL;

	if (d->slot_host->probes != NULL &&
	    probes_next(d->slot_host->probes, s->index, &r, &e) == -1) {
		slot_fail(s, &e);
		return;
	}
	if (r != NULL) {
		slot_run(s, r);
		return;
	}
	d->last_fault = (struct err){ 0 };
	log_debug("slot %u is up", s->index);
	fill_slots(d);
}

static void
on_up(void *owner, struct slot *s)
{
	struct dispatch *d = owner;

	if (d->slot_host->probes != NULL)
		probes_begin(d->slot_host->probes, s->index);
	go_on_probing(d, s);
}

static void
on_probed(struct dispatch *d, struct slot *s, struct run *r, const struct wire_outcome *o)
{
	struct err e = { 0 };
	int held = probes_judge(d->slot_host->probes, s->index, r, o, &e);

	run_free(r);
	if (s->state != SLOT_IDLE)
		return; /* it failed, and was told so */
	if (held == -1)
		slot_fail(s, &e);
	else
		go_on_probing(d, s);
}

static void
on_down(void *owner, struct slot *s, const struct err *why)
{
	struct dispatch *d = owner;

	(void)s;
	d->last_fault = *why;
}

static void
on_done(void *owner, struct slot *slot, struct run *r, const struct wire_outcome *o)
{
	struct dispatch *d = owner;
	struct session *s = r->session; /* NULL: it left */
	uint64_t took_us = clock_us() - r->started_us;
	bool led = r->kind == RUN_COMPILE && r->job->leads;

	if (r->kind == RUN_PROBE) {
		on_probed(d, slot, r, o);
		return;
	}
	share_end(d->share, &r->bill, took_us);
	fleet_used(&d->fleet, slot, clock_us());
	if (o->fault.code != ERR_NONE)
		log_err(&o->fault, "a run failed tag=%u", o->tag);
	else if (o->fired != WIRE_FIRED_CANCEL)
		forecast_learn(&d->forecast, r, took_us);
	if (s != NULL)
		session_answer(s, o);
	leisure_ended(d->slot_host, r, o);
	if (r->kind == RUN_COMPILE && !r->job->ready)
		twins_settle(&d->twins, d->sessions, r->job);
	else if (r->kind == RUN_COMPILE)
		twins_made(&d->twins, r->job);
	run_free(r);
	if (s != NULL)
		update(d, s);
	if (led)
		update_all(d);
	fill_slots(d);
}

/* --- what sessions ask --- */

static bool
admit(void *owner, const struct language *lang, const struct wire_job *j,
    struct wire_ready *ready, struct wire_busy *busy)
{
	struct dispatch *d = owner;
	/* an idle machine takes any job; its own length is no queue */
	uint64_t first_us = forecast_first(&d->forecast, lang, j->cpu_us);
	struct share_view v = share_look(d->share, &j->tenant, first_us);

	return admission_take(&d->admission, &j->tenant, &v,
	    d->slot_host->config->max_wait * 1000, ready, busy);
}

/* One number for a user of a key; 0: nobody knows who it is. */
static uint64_t
user_number(const struct wire_tenant *t)
{
	return t->key * 0x9e3779b97f4a7c15ULL ^ t->user;
}

static int
enter(void *owner, struct session *s, const struct wire_tenant *t, struct err *e)
{
	struct dispatch *d = owner;

	s->seat = share_join(d->share, t, s, e);
	if (s->seat == NULL)
		return -1;
	images_saw(d->slot_host->images, s->job->lang, user_number(t));
	update(d, s);
	fill_slots(d); /* it may know that a reservation is over */
	return 0;
}

static void
leave(struct dispatch *d, struct session *s)
{
	for (unsigned i = 0; i < d->fleet.nall; i++)
		if (d->holder[i] == s)
			d->holder[i] = NULL;
	share_leave(d->share, s->seat);
	s->seat = NULL;
}

/* What it held for keys is free, for all that those know who stay. */
static void
ended(void *owner, struct session *s)
{
	leave(owner, s);
	fill_slots(owner);
}

static const struct run *
oldest_run(const struct dispatch *d)
{
	return (const struct run *)((const char *)d->waiting.newer -
				    offsetof(struct run, link));
}

static void
status(void *owner, struct wire_state *out)
{
	const struct dispatch *d = owner;

	fleet_count(&d->fleet, out);
	for (const struct link *l = d->waiting.newer; l != &d->waiting; l = l->newer)
		out->queued++;
	if (out->queued > 0)
		out->oldest_us = clock_us() - oldest_run(d)->asked_us;
	out->jobs = share_jobs(d->share);
	out->tenants = share_users(d->share);
	out->wait_us = share_work(d->share) / d->fleet.n;
	out->refused = d->admission.refused;
	out->cache_hits = d->twins.hits;
	out->cache_misses = d->twins.misses;
	images_counts(d->slot_host->images, &out->warm_hits, &out->warm_misses);
	out->weaker = d->slot_host->weaker;
	out->caps = config_caps_on_wire(d->slot_host->config);
	snprintf(out->why, sizeof(out->why), "%.150s", d->last_fault.msg);
}

static void
submit(void *owner, struct session *s, struct run *r)
{
	struct dispatch *d = owner;
	struct run **at = &s->queue;

	if (r->kind == RUN_COMPILE && twins_serve(&d->twins, d->sessions, r)) {
		update(d, s);
		return;
	}
	while (*at != NULL)
		at = &(*at)->next;
	*at = r;
	r->link = (struct link){ .older = d->waiting.older, .newer = &d->waiting };
	d->waiting.older->newer = &r->link;
	d->waiting.older = &r->link;
	update(d, s);
	fill_slots(d);
	if (s->queue != NULL)
		leisure_give_way(&d->fleet, d->slot_host);
}

static void
cancel_queued(struct dispatch *d, struct session *s, struct run **at)
{
	struct run *r = *at;
	struct wire_outcome o = {
		.tag = r->tag, .fired = WIRE_FIRED_CANCEL, .violation = -1
	};

	*at = r->next;
	session_answer(s, &o);
	run_free(r);
	update(d, s);
	fill_slots(d);
}

static void
kill_tag(void *owner, struct session *s, uint32_t tag, enum wire_fired why)
{
	struct dispatch *d = owner;

	for (struct run **at = &s->queue; *at != NULL; at = &(*at)->next)
		if ((*at)->tag == tag) {
			cancel_queued(d, s, at);
			return;
		}
	for (unsigned i = 0; i < d->fleet.nall; i++) {
		struct slot *slot = &d->fleet.slot[i];

		if (slot->run != NULL && slot->run->session == s && slot->run->tag == tag)
			slot_kill_run(slot, why);
	}
	/* neither: its OUTCOME is on the way */
}

static void
closed(void *owner, struct session *s)
{
	struct dispatch *d = owner;

	while (s->queue != NULL) {
		struct run *r = s->queue;

		s->queue = r->next;
		run_free(r);
	}
	for (unsigned i = 0; i < d->fleet.nall; i++) {
		struct slot *slot = &d->fleet.slot[i];

		if (slot->run == NULL || slot->run->session != s)
			continue;
		slot->run->session = NULL;
		slot_kill_run(slot, WIRE_FIRED_CANCEL);
	}
	leave(d, s);
	if (s->job != NULL && s->job->leads) {
		twins_settle(&d->twins, d->sessions, s->job);
		update_all(d);
	}
	if (s->next != NULL)
		s->next->prev = s->prev;
	if (s->prev != NULL)
		s->prev->next = s->next;
	else
		d->sessions = s->next;
	d->nsessions--;
	fill_slots(d);
}

int
dispatch_connect(struct dispatch *d, int sock, struct err *e)
{
	if (d->nsessions >= DISPATCH_SESSIONS_MAX && !JB_FAULT(CLIENTS))
		return err_set(
		    e, ERR_BUSY, "%d clients are connected", DISPATCH_SESSIONS_MAX);
	struct session *s = session_open(&d->sessions_host, sock, e);
	if (s == NULL)
		return -1;
	s->next = d->sessions;
	if (s->next != NULL)
		s->next->prev = s;
	d->sessions = s;
	d->nsessions++;
	return 0;
}

/* --- life --- */

int
dispatch_start(struct dispatch *d, struct slot_host *host,
    const struct languages *languages, struct cache *cache, unsigned nslots,
    unsigned nall, struct err *e)
{
	d->share = share_new(nslots, config_held_most(host->config, nslots), e);
	if (d->share == NULL)
		return -1;
	d->waiting = (struct link){ &d->waiting, &d->waiting };
	d->slot_host = host;
	host->owner = d;
	host->up = on_up;
	host->down = on_down;
	host->done = on_done;
	d->sessions_host = (struct session_host){ .loop = host->loop,
		.config = host->config,
		.languages = languages,
		.owner = d,
		.slots = nslots,
		.room = { .most = host->config->jobs_bytes },
		.admit = admit,
		.enter = enter,
		.leave = ended,
		.status = status,
		.submit = submit,
		.kill = kill_tag,
		.compiled = compiled,
		.closed = closed };
	d->twins = (struct twins){ .cache = cache, .due_us = UINT64_MAX };
	d->newcomer_us = UINT64_MAX;
	return fleet_start(&d->fleet, host, nslots, nall, e);
}

void
dispatch_end(struct dispatch *d)
{
	for (struct session *s = d->sessions; s != NULL; s = s->next)
		for (unsigned i = 0; i < d->fleet.nall; i++)
			if (d->fleet.slot[i].run != NULL &&
			    d->fleet.slot[i].run->session == s)
				d->fleet.slot[i].run->session = NULL;
	for (unsigned i = 0; i < d->fleet.nall; i++)
		if (d->fleet.slot[i].run != NULL)
			share_end(d->share, &d->fleet.slot[i].run->bill, 0);
	fleet_end(&d->fleet);
	while (d->sessions != NULL)
		session_close(d->sessions);
	share_free(d->share);
	d->share = NULL;
}

int
dispatch_timeout_ms(const struct dispatch *d)
{
	uint64_t first = d->twins.due_us, now = clock_us();

	if (images_due_us(d->slot_host->images) < first)
		first = images_due_us(d->slot_host->images);
	if (d->newcomer_us < first)
		first = d->newcomer_us;
	if (fleet_due_us(&d->fleet) < first)
		first = fleet_due_us(&d->fleet);
	if (first == UINT64_MAX)
		return -1;
	if (first <= now)
		return 0;
	return first - now > 60000000 ? 60000 : (int)((first - now) / 1000) + 1;
}

/* Who does not take his outcomes; to close one may answer others, and break them. */
static void
close_broken(struct dispatch *d)
{
	while (d->sessions_host.broken) {
		d->sessions_host.broken = false;
		for (struct session *s = d->sessions, *next; s != NULL; s = next) {
			next = s->next;
			if (s->broken)
				session_close(s);
		}
	}
}

void
dispatch_check(struct dispatch *d)
{
	uint64_t now = clock_us();

	fleet_check(&d->fleet, now);
	bool settled = twins_check(&d->twins, d->sessions, now);

	if (settled)
		update_all(d);
	if (settled || prepared_is_wanting(d->slot_host->prepared) ||
	    d->newcomer_us <= now)
		fill_slots(d);
	leisure_freeze(&d->fleet, d->slot_host, now);
	close_broken(d);
}
