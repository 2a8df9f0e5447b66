#include "sandbox/twins.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/scope.h"

#define KEEP_US 1000000 /* between the outcome of a compile and KEEP */

static bool
is_twin(const struct job *a, const struct job *b)
{
	return a->has_key && b->has_key && memcmp(&a->key, &b->key, sizeof(a->key)) == 0;
}

/* Processors in thousandths, where 0 is no throttle. */
static uint32_t
share_of(const struct wire_limits *l)
{
	return l->cpu_share_milli - 1;
}

static bool
has_as_much(const struct wire_limits *l, const struct wire_limits *as)
{
	const uint64_t rows[][2] = {
		{ l->cpu_us, as->cpu_us },
		{ l->wall_us, as->wall_us },
		{ l->memory_bytes, as->memory_bytes },
		{ l->file_bytes, as->file_bytes },
		{ l->stack_bytes, as->stack_bytes },
		{ l->processes, as->processes },
		{ l->open_files, as->open_files },
		{ share_of(l), share_of(as) },
		{ l->no_fork == 0, as->no_fork == 0 },
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i][0] < rows[i][1])
			return false;
	return true;
}

/* Is the artifact of this job being made for somebody, whose turn came first? */
static bool
has_leader(const struct session *sessions, const struct run *r)
{
	for (const struct session *s = sessions; s != NULL; s = s->next)
		if (s->job != NULL && s->job != r->job && s->job->leads &&
		    is_twin(s->job, r->job) &&
		    has_as_much(&s->job->compile_limits, &r->limits))
			return true;
	return false;
}

/* Answers a compile from the cache; false: it must run. */
static bool
serve_cached(struct twins *t, struct run *r)
{
	struct wire_outcome o = { .tag = r->tag, .violation = -1, .cached = 1 };
	struct err e = { 0 };
	bool is_tree = false;

	scope_fd fd = cache_get(t->cache, &r->job->key, &is_tree);
	if (fd == -1)
		return false;
	if (job_adopt_sealed(r->job, fd, is_tree, &e) == -1) {
		log_err(&e, "a cached artifact is of no use");
		return false;
	}
	take_fd(&fd);
	r->job->settled = true;
	o.queue_us = clock_us() - r->asked_us;
	t->hits++;
	session_answer(r->session, &o);
	run_free(r);
	return true;
}

/* A new compile, or one whose leader left: cached, or behind a twin, or in the queue. */
bool
twins_serve(struct twins *t, struct session *sessions, struct run *r)
{
	struct err e = { 0 };

	r->waits = false;
	if (!r->job->has_key && job_make_key(r->job, &e) == -1) {
		log_err(&e, "a compile goes without the cache");
		r->job->settled = true;
		return false;
	}
	if (serve_cached(t, r))
		return true;
	r->waits = has_leader(sessions, r);
	return false;
}

bool
twins_start(struct twins *t, const struct session *sessions, struct run *r)
{
	r->waits = has_leader(sessions, r);
	if (r->waits)
		return false;
	r->job->leads = r->job->has_key;
	r->job->compile_limits = r->limits;
	t->misses++;
	return true;
}

/* A job has one compile, but version commands may stand around it. */
static struct run **
find_compile(struct session *s, const struct job *twin)
{
	for (struct run **at = &s->queue; *at != NULL; at = &(*at)->next)
		if ((*at)->kind == RUN_COMPILE && is_twin((*at)->job, twin))
			return at;
	return NULL;
}

/* The job leads no longer: whoever waits, for it or for his turn, looks again. */
void
twins_settle(struct twins *t, struct session *sessions, struct job *j)
{
	if (!j->leads)
		return;
	j->leads = false;
	j->settled = true;
	for (struct session *s = sessions; s != NULL; s = s->next) {
		struct run **at = find_compile(s, j);
		struct run *r = at != NULL ? *at : NULL,
			   *next = r != NULL ? r->next : NULL;

		if (r != NULL && twins_serve(t, sessions, r))
			*at = next; /* answered, and freed */
	}
}

/* Its client says at once whether the artifact may be kept; one that does not must not
 * hold up others who sent the same. */
bool
twins_check(struct twins *t, struct session *sessions, uint64_t now)
{
	if (now < t->due_us)
		return false;
	t->due_us = UINT64_MAX;
	for (struct session *s = sessions; s != NULL; s = s->next) {
		struct job *j = s->job;

		if (j == NULL || !j->leads || j->made_us == 0)
			continue;
		if (now >= j->made_us + KEEP_US) {
			twins_settle(t, sessions, j);
			j->settled = false; /* late is not wrong */
		} else if (j->made_us + KEEP_US < t->due_us)
			t->due_us = j->made_us + KEEP_US;
	}
	return true;
}

void
twins_made(struct twins *t, struct job *j)
{
	if (!j->leads)
		return;
	j->made_us = clock_us();
	if (j->made_us + KEEP_US < t->due_us)
		t->due_us = j->made_us + KEEP_US;
}

void
twins_compiled(struct twins *t, struct session *sessions, struct job *j, bool keep)
{
	if (keep && j->has_key)
		cache_put(t->cache, &j->key, j->artifact, j->is_tree);
	twins_settle(t, sessions, j);
	j->settled = true;
}
