#include "sandbox/dispatch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "sandbox/slot_run.h"

/* Before anything of a language was measured. */
#define TEST_START_US    50000
#define COMPILE_START_US 500000

/* --- turns --- */

static struct session *
next_waiting(struct dispatch *d)
{
	/* a session's compile is alone in its queue: what waits for a twin is its first
	 */
	struct session *start = d->turn != NULL ? d->turn : d->sessions;
	struct session *s = start;

	while (s != NULL && (s->queue == NULL || s->queue->waits)) {
		s = s->next != NULL ? s->next : d->sessions;
		if (s == start)
			return NULL;
	}
	return s;
}

static struct slot *
free_slot(struct dispatch *d, const struct run *r)
{
	struct slot *any = NULL;

	for (unsigned i = 0; i < d->nslots; i++) {
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

/* A run that fails at once frees its slot from within: the loop sees to that slot, too.
 * Recursion would be as deep as the queues are long. */
static void
fill_slots(struct dispatch *d)
{
	if (d->filling)
		return;
	d->filling = true;
	while (free_slot(d, NULL) != NULL) {
		struct session *s = next_waiting(d);

		if (s == NULL)
			break;
		struct run *r = s->queue;
		struct slot *slot = free_slot(d, r);

		s->queue = r->next;
		r->next = NULL;
		d->turn = s->next;
		slot_run(slot, r);
	}
	d->filling = false;
}

static void
compiled(void *owner, struct session *s, bool keep)
{
	struct dispatch *d = owner;

	twins_compiled(&d->twins, d->sessions, s->job, keep);
	fill_slots(d);
}

/* --- what slots tell --- */

static void
on_up(void *owner, struct slot *s)
{
	struct dispatch *d = owner;

	d->last_fault = (struct err){ 0 };
	log_debug("slot %u is up", s->index);
	fill_slots(d);
}

static void
on_down(void *owner, struct slot *s, const struct err *why)
{
	struct dispatch *d = owner;

	(void)s;
	d->last_fault = *why;
}

static void
learn(struct dispatch *d, const struct run *r, uint64_t wall_us)
{
	struct pace *p = &d->pace[r->job->lang->index];
	uint64_t *usual = r->kind == RUN_COMPILE ? &p->compile_us : &p->test_us;

	if (r->kind == RUN_VERSION)
		return;
	*usual = *usual == 0 ? wall_us + 1 : (*usual * 7 + wall_us) / 8 + 1;
	if (r->kind == RUN_TEST) {
		r->job->tests_us += wall_us;
		r->job->tests_done++;
	}
}

static void
on_done(void *owner, struct slot *slot, struct run *r, const struct wire_outcome *o)
{
	struct dispatch *d = owner;

	(void)slot;
	if (o->fault.code == ERR_NONE)
		learn(d, r, o->wall_us);
	else
		log_err(&o->fault, "a run failed tag=%u", o->tag);
	if (r->session != NULL)
		session_answer(r->session, o);
	if (r->kind == RUN_COMPILE && !r->job->ready)
		twins_settle(&d->twins, d->sessions, r->job);
	else if (r->kind == RUN_COMPILE)
		twins_made(&d->twins, r->job);
	run_free(r);
	fill_slots(d);
}

/* --- what sessions ask --- */

static unsigned
queued_runs(const struct dispatch *d)
{
	unsigned n = 0;

	for (const struct session *s = d->sessions; s != NULL; s = s->next)
		for (const struct run *r = s->queue; r != NULL; r = r->next)
			n++;
	return n;
}

/* What is left of one job, waiting or announced: by its own tests so far, else by those
 * that others of its language had. */
static uint64_t
job_us(const struct dispatch *d, const struct session *s)
{
	const struct job *j = s->job;
	const struct pace *p = &d->pace[j->lang->index];
	uint64_t test_us = p->test_us != 0 ? p->test_us : TEST_START_US;
	uint64_t compile_us = p->compile_us != 0 ? p->compile_us : COMPILE_START_US;
	uint64_t us = 0;

	if (j->tests_done > 0)
		test_us = j->tests_us / j->tests_done;
	for (const struct run *r = s->queue; r != NULL; r = r->next)
		us += r->kind == RUN_COMPILE ? compile_us : test_us;
	return us + j->tests_left * test_us;
}

static uint64_t
predicted_us(const struct dispatch *d)
{
	uint64_t us = 0;

	for (const struct session *s = d->sessions; s != NULL; s = s->next)
		if (s->job != NULL)
			us += job_us(d, s);
	return us / d->nslots;
}

static bool
admit(void *owner, const struct language *lang, const struct wire_job *j,
    struct wire_ready *ready, struct wire_busy *busy)
{
	struct dispatch *d = owner;
	uint64_t max_us = d->slot_host->config->max_wait * 1000;
	uint64_t wait_us = predicted_us(d);

	/* an idle machine takes any job; its own length is no queue */
	(void)lang, (void)j;
	if (wait_us > max_us) {
		*busy = (struct wire_busy){ .retry_us = wait_us - max_us + 1000000,
			.why = WIRE_BUSY_WAIT };
		d->refused++;
		return false;
	}
	ready->wait_us = wait_us;
	return true;
}

static void
status(void *owner, struct wire_state *out)
{
	const struct dispatch *d = owner;

	out->slots = d->nslots;
	for (unsigned i = 0; i < d->nslots; i++) {
		out->busy += d->slots[i].state == SLOT_BUSY;
		out->ready +=
		    d->slots[i].state == SLOT_BUSY || d->slots[i].state == SLOT_IDLE;
	}
	out->queued = queued_runs(d);
	out->wait_us = predicted_us(d);
	out->refused = d->refused;
	out->caps = config_caps_on_wire(d->slot_host->config);
	snprintf(out->why, sizeof(out->why), "%.150s", d->last_fault.msg);
}

static void
submit(void *owner, struct session *s, struct run *r)
{
	struct dispatch *d = owner;
	struct run **at = &s->queue;

	if (r->kind == RUN_COMPILE && twins_serve(&d->twins, d->sessions, r))
		return;
	while (*at != NULL)
		at = &(*at)->next;
	*at = r;
	fill_slots(d);
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
	if (r->kind == RUN_COMPILE)
		twins_settle(&d->twins, d->sessions, r->job); /* it will never be made */
	run_free(r);
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
	for (unsigned i = 0; i < d->nslots; i++) {
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
	for (unsigned i = 0; i < d->nslots; i++) {
		struct slot *slot = &d->slots[i];

		if (slot->run == NULL || slot->run->session != s)
			continue;
		slot->run->session = NULL;
		slot_kill_run(slot, WIRE_FIRED_CANCEL);
	}
	if (s->job != NULL)
		twins_settle(&d->twins, d->sessions, s->job);
	if (d->turn == s)
		d->turn = s->next;
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
	if (d->nsessions >= DISPATCH_SESSIONS_MAX)
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
    struct err *e)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

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
		.admit = admit,
		.status = status,
		.submit = submit,
		.kill = kill_tag,
		.compiled = compiled,
		.closed = closed };
	d->twins = (struct twins){ .cache = cache, .due_us = UINT64_MAX };
	for (unsigned i = 0; i < nslots; i++) {
		slot_init(&d->slots[i], host, &slot_run_ears, i,
		    i % (unsigned)(cores > 0 ? cores : 1));
		d->nslots++;
		if (slot_start(&d->slots[i], e) == -1)
			return -1;
	}
	return 0;
}

void
dispatch_end(struct dispatch *d)
{
	for (struct session *s = d->sessions; s != NULL; s = s->next)
		for (unsigned i = 0; i < d->nslots; i++)
			if (d->slots[i].run != NULL && d->slots[i].run->session == s)
				d->slots[i].run->session = NULL;
	for (unsigned i = 0; i < d->nslots; i++)
		slot_end(&d->slots[i]);
	while (d->sessions != NULL)
		session_close(d->sessions);
}

unsigned
dispatch_ready_slots(const struct dispatch *d)
{
	unsigned n = 0;

	for (unsigned i = 0; i < d->nslots; i++)
		n += d->slots[i].state == SLOT_IDLE || d->slots[i].state == SLOT_BUSY;
	return n;
}

int
dispatch_timeout_ms(const struct dispatch *d)
{
	uint64_t first = d->twins.due_us, now = clock_us();

	for (unsigned i = 0; i < d->nslots; i++)
		if (d->slots[i].deadline_us < first)
			first = d->slots[i].deadline_us;
	if (first == UINT64_MAX)
		return -1;
	if (first <= now)
		return 0;
	return first - now > 60000000 ? 60000 : (int)((first - now) / 1000) + 1;
}

void
dispatch_check(struct dispatch *d)
{
	uint64_t now = clock_us();

	for (unsigned i = 0; i < d->nslots; i++)
		slot_check(&d->slots[i], now);
	if (twins_check(&d->twins, d->sessions, now))
		fill_slots(d);
}
