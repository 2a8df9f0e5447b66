#include "sandbox/dispatch.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "sandbox/cpus.h"
#include "sandbox/prepared.h"
#include "sandbox/probes.h"
#include "sandbox/slot_run.h"

#define QUANTUM_US 10000  /* a job may go on for, in a slot with its files */
#define LASTING_US 200000 /* a run of that age: who knows when it ends */
#define SECOND_US  1000000ULL
#define RETRY_MAX  (60 * SECOND_US) /* what nobody can predict is asked again soon */

/* --- what is to be expected --- */

/* Of one test: by the job's own so far, else by others like it. */
static uint64_t
test_us(const struct dispatch *d, const struct job *j)
{
	if (j->tests_done > 0)
		return j->tests_us / j->tests_done;
	return pace_test(&d->pace[j->lang->index], j->cpu_us, clock_us());
}

static uint64_t
run_us(const struct dispatch *d, const struct run *r)
{
	return r->kind == RUN_COMPILE
		   ? pace_compile(&d->pace[r->job->lang->index], clock_us())
		   : test_us(d, r->job);
}

/* What is left of a job: announced, waiting or under way. */
static uint64_t
job_us(const struct dispatch *d, const struct session *s)
{
	const struct job *j = s->job;
	bool compiles = language_is_compiled(j->lang) && !j->ready &&
			(!j->compile_asked || s->pending > 0);
	unsigned tests = j->tests_left + s->pending;

	if (!compiles) /* one more, for all we know: it has a place, and memory */
		return (tests > 0 ? tests : 1) * test_us(d, j);
	tests -= j->compile_asked;
	return tests * test_us(d, j) + pace_compile(&d->pace[j->lang->index], clock_us());
}

static void
learn(struct dispatch *d, const struct run *r, uint64_t took_us)
{
	struct pace *p = &d->pace[r->job->lang->index];

	if (r->kind == RUN_COMPILE)
		pace_learn_compile(p, took_us, clock_us());
	if (r->kind != RUN_TEST)
		return;
	pace_learn_test(p, r->limits.cpu_us, took_us, clock_us());
	r->job->tests_us += took_us;
	r->job->tests_done++;
}

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
	share_expect(d->share, s->seat, job_us(d, s));
}

/* Somebody's compile is settled: whoever waited for it, waits no longer. */
static void
update_all(struct dispatch *d)
{
	for (struct session *s = d->sessions; s != NULL; s = s->next)
		update(d, s);
}

static bool
is_spare(const struct dispatch *d, const struct slot *s)
{
	return s->index >= d->nslots;
}

static struct slot *
free_slot(struct dispatch *d, const struct run *r, enum share_slot where)
{
	struct slot *any = NULL;
	unsigned first = where == SHARE_SPARE ? d->nslots : 0;
	unsigned end = where == SHARE_SPARE ? d->nall : d->nslots;

	for (unsigned i = first; i < end; i++) {
		struct slot *s = &d->slots[i];

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

/* A slot goes on with a job whose files it holds while that is not ahead of its turn by
 * more than a moment: to lay out others' files costs as much as a short test. */
static struct session *
whose_turn(const struct dispatch *d)
{
	for (unsigned i = 0; i < d->nslots; i++) {
		const struct slot *slot = &d->slots[i];
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

	for (unsigned i = 0; i < d->nall; i++) {
		struct run *r = d->slots[i].run;

		if (r != NULL)
			share_charge(d->share, &r->bill, now - r->started_us);
	}
}

static void
start_next(struct dispatch *d, struct session *s, enum share_slot where)
{
	struct run *r = s->queue;
	struct slot *slot = free_slot(d, r, where);

	if (r->kind == RUN_COMPILE && !twins_start(&d->twins, d->sessions, r)) {
		update(d, s);
		return;
	}
	s->queue = r->next;
	r->next = NULL;
	run_unlink(r);
	d->holder[slot->index] = r->job->work != -1 ? s : NULL;
	share_start(d->share, s->seat, where, run_us(d, r), &r->bill);
	update(d, s);
	images_disturb(d->slot_host->images);
	slot_run(slot, r);
}

/* Nobody waits: time to make what compilers will be glad of. */
static void
prepare(struct dispatch *d)
{
	struct slot *slot = free_slot(d, NULL, SHARE_ORDINARY);
	struct prepared *p = d->slot_host->prepared;

	if (slot == NULL || !prepared_is_wanting(p) || d->waiting.newer != &d->waiting)
		return;
	struct run *r = prepared_next(p);
	if (r != NULL)
		slot_run(slot, r);
}

/* Somebody waits after all. */
static void
give_way(struct dispatch *d)
{
	for (unsigned i = 0; i < d->nslots; i++) {
		struct slot *s = &d->slots[i];

		if (s->run != NULL &&
		    (s->run->kind == RUN_FREEZE ||
			(s->run->kind == RUN_PREPARE &&
			    /* who has one slot would wait for all of it */
			    (d->nslots == 1 ||
				prepared_gives_way(d->slot_host->prepared, s->run))))) {
			log_debug("slot %u gives way", s->index);
			slot_kill_run(s, WIRE_FIRED_CANCEL);
		}
	}
}

/* --- newcomers --- */

/* Of spare slots that run a user's work beside other work of his key: one is left to keys
 * that have nothing at all, lest one key's many users take all.  Where nobody has a key
 * there are none to be kept free for. */
static unsigned
users_most(const struct dispatch *d)
{
	unsigned spare = d->nall - d->nslots;

	return spare > 1 ? spare - 1 : spare == 1 && !d->keyed;
}

/* From when on no run that might make room for others is a new one.  What is reserved
 * makes room for its key alone.  UINT64_MAX: nothing runs that is in anybody's way. */
static uint64_t
held_from_us(const struct dispatch *d)
{
	uint64_t last = 0;

	for (unsigned i = 0; i < d->nslots; i++) {
		const struct run *r = d->slots[i].run;

		if (r != NULL && !r->bill.held && r->started_us > last)
			last = r->started_us;
	}
	return last > 0 ? last + LASTING_US : UINT64_MAX;
}

/* Not while one is on its way: they are made one by one. */
static void
call_spare(struct dispatch *d, uint64_t now)
{
	struct slot *gone = NULL;

	for (unsigned i = d->nslots; i < d->nall; i++) {
		struct slot *s = &d->slots[i];

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
	d->used_us[gone->index] = now;
	slot_call(gone);
}

static void
let_newcomers_past(struct dispatch *d)
{
	uint64_t now = clock_us(), from;
	struct session *s;

	d->newcomer_us = UINT64_MAX;
	if (d->nall == d->nslots || d->waiting.newer == &d->waiting)
		return;
	from = held_from_us(d);
	if (from > now) {
		d->newcomer_us = from;
		return;
	}
	while ((s = share_next_newcomer(d->share, users_most(d))) != NULL) {
		if (free_slot(d, NULL, SHARE_SPARE) == NULL) {
			call_spare(d, now);
			return;
		}
		start_next(d, s, SHARE_SPARE);
	}
}

/* When a spare slot has been idle for long, or failed to come up for as long. */
static uint64_t
leaves_us(const struct dispatch *d, const struct slot *s)
{
	if (!is_spare(d, s) || s->dismissed ||
	    (s->state != SLOT_IDLE && s->state != SLOT_DOWN))
		return UINT64_MAX;
	return d->used_us[s->index] + d->slot_host->config->idle_timeout * 1000;
}

static void
dismiss_idle(struct dispatch *d, uint64_t now)
{
	for (unsigned i = d->nslots; i < d->nall; i++)
		if (leaves_us(d, &d->slots[i]) <= now) {
			log_info("slot %u is dismissed", i);
			slot_dismiss(&d->slots[i]);
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
	while (free_slot(d, NULL, SHARE_ORDINARY) != NULL && (s = whose_turn(d)) != NULL)
		start_next(d, s, SHARE_ORDINARY);
	let_newcomers_past(d);
	prepare(d);
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
	d->used_us[slot->index] = clock_us();
	if (o->fault.code != ERR_NONE)
		log_err(&o->fault, "a run failed tag=%u", o->tag);
	else if (o->fired != WIRE_FIRED_CANCEL)
		learn(d, r, took_us);
	if (s != NULL)
		session_answer(s, o);
	images_disturb(d->slot_host->images);
	if (r->kind == RUN_FREEZE)
		images_made(d->slot_host->images, r, o);
	if (r->kind == RUN_PREPARE)
		prepared_ended(d->slot_host->prepared, r, o);
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

/* One key does not take all workers, nor one user all that his key may have.  Where
 * nobody has a key there are no others to be kept free for. */
static bool
has_too_many(
    const struct dispatch *d, const struct wire_tenant *t, const struct share_view *v)
{
	unsigned user_max = t->jobs_max - t->jobs_max / 4;

	if (t->jobs_max == 0)
		return false;
	return (d->keyed && v->key_jobs >= t->jobs_max) ||
	       (t->user != 0 && v->user_jobs >= user_max);
}

static bool
admit(void *owner, const struct language *lang, const struct wire_job *j,
    struct wire_ready *ready, struct wire_busy *busy)
{
	struct dispatch *d = owner;
	const struct pace *p = &d->pace[lang->index];
	uint64_t max_us = d->slot_host->config->max_wait * 1000;
	/* an idle machine takes any job; its own length is no queue */
	uint64_t first_us = language_is_compiled(lang)
				? pace_compile(p, clock_us())
				: pace_test(p, j->cpu_us, clock_us());
	struct share_view v = share_look(d->share, &j->tenant, first_us);

	d->keyed |= j->tenant.key != 0;
	*ready = (struct wire_ready){ .wait_us = v.wait_us, .position = v.position };
	if (has_too_many(d, &j->tenant, &v))
		*busy = (struct wire_busy){ v.wait_us, WIRE_BUSY_JOBS, 0 };
	else if (v.wait_us > max_us)
		*busy = (struct wire_busy){ v.wait_us - max_us, WIRE_BUSY_WAIT, 0 };
	else
		return true;
	busy->retry_us =
	    (busy->retry_us < RETRY_MAX ? busy->retry_us : RETRY_MAX) + SECOND_US;
	d->refused++;
	return false;
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
	for (unsigned i = 0; i < d->nall; i++)
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

	out->slots = d->nslots;
	out->most_slots = d->nall;
	for (unsigned i = 0; i < d->nall; i++) {
		bool busy = d->slots[i].state == SLOT_BUSY;
		bool ready = busy || d->slots[i].state == SLOT_IDLE;

		out->busy += busy;
		out->ready += ready;
		out->spare += ready && is_spare(d, &d->slots[i]);
	}
	for (const struct link *l = d->waiting.newer; l != &d->waiting; l = l->newer)
		out->queued++;
	if (out->queued > 0)
		out->oldest_us = clock_us() - oldest_run(d)->asked_us;
	out->jobs = share_jobs(d->share);
	out->tenants = share_users(d->share);
	out->wait_us = share_work(d->share) / d->nslots;
	out->refused = d->refused;
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
		give_way(d);
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
	for (unsigned i = 0; i < d->nall; i++) {
		struct slot *slot = &d->slots[i];

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
	for (unsigned i = 0; i < d->nall; i++) {
		struct slot *slot = &d->slots[i];

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
	for (unsigned i = 0; i < nall; i++) {
		slot_init(&d->slots[i], host, &slot_run_ears, i, cpus_nth(i));
		d->slots[i].dismissed = i >= nslots;
		d->nall++;
		d->nslots += i < nslots;
		if (i < nslots && slot_start(&d->slots[i], e) == -1)
			return -1;
	}
	return 0;
}

void
dispatch_end(struct dispatch *d)
{
	for (struct session *s = d->sessions; s != NULL; s = s->next)
		for (unsigned i = 0; i < d->nall; i++)
			if (d->slots[i].run != NULL && d->slots[i].run->session == s)
				d->slots[i].run->session = NULL;
	for (unsigned i = 0; i < d->nall; i++) {
		if (d->slots[i].run != NULL)
			share_end(d->share, &d->slots[i].run->bill, 0);
		slot_end(&d->slots[i]);
	}
	while (d->sessions != NULL)
		session_close(d->sessions);
	share_free(d->share);
	d->share = NULL;
}

unsigned
dispatch_ready_slots(const struct dispatch *d)
{
	unsigned n = 0;

	for (unsigned i = 0; i < d->nslots; i++) {
		const struct slot *s = &d->slots[i];

		n += s->state == SLOT_IDLE ||
		     (s->state == SLOT_BUSY &&
			 (s->run == NULL || s->run->kind != RUN_PROBE));
	}
	return n;
}

int
dispatch_timeout_ms(const struct dispatch *d)
{
	uint64_t first = d->twins.due_us, now = clock_us();

	if (images_due_us(d->slot_host->images) < first)
		first = images_due_us(d->slot_host->images);
	if (d->newcomer_us < first)
		first = d->newcomer_us;
	for (unsigned i = 0; i < d->nall; i++) {
		const struct slot *s = &d->slots[i];
		uint64_t due =
		    s->deadline_us < leaves_us(d, s) ? s->deadline_us : leaves_us(d, s);

		if (due < first)
			first = due;
	}
	if (first == UINT64_MAX)
		return -1;
	if (first <= now)
		return 0;
	return first - now > 60000000 ? 60000 : (int)((first - now) / 1000) + 1;
}

/* Only where nobody waits: a slot that is idle, and stays so for all we know. */
static void
make_image(struct dispatch *d, uint64_t now)
{
	struct images *images = d->slot_host->images;
	struct slot *slot = free_slot(d, NULL, SHARE_ORDINARY);

	if (images_due_us(images) > now)
		return;
	if (slot == NULL) {
		images_disturb(images);
		return;
	}
	struct run *r = images_next(images, now);
	if (r != NULL)
		slot_run(slot, r);
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

	for (unsigned i = 0; i < d->nall; i++)
		slot_check(&d->slots[i], now);
	dismiss_idle(d, now);
	bool settled = twins_check(&d->twins, d->sessions, now);

	if (settled)
		update_all(d);
	if (settled || prepared_is_wanting(d->slot_host->prepared) ||
	    d->newcomer_us <= now)
		fill_slots(d);
	make_image(d, now);
	close_broken(d);
}
