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

/* Is the artifact of this job being made for somebody, who came first? */
static bool
has_leader(const struct session *sessions, const struct run *r)
{
	for (const struct session *s = sessions; s != NULL; s = s->next)
		if (s->job != NULL && s->job != r->job && s->job->leads &&
		    is_twin(s->job, r->job))
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

/* A new compile, or one whose leader left: cached, or behind a twin, or its own leader.
 * Returns true when nothing is left to run. */
bool
twins_serve(struct twins *t, struct session *sessions, struct run *r)
{
	struct err e = { 0 };

	r->waits = false;
	if (!r->job->has_key && job_make_key(r->job, &e) == -1) {
		log_err(&e, "a compile goes without the cache");
		r->job->settled = true;
		t->misses++;
		return false;
	}
	if (serve_cached(t, r))
		return true;
	r->waits = has_leader(sessions, r);
	r->job->leads = !r->waits;
	t->misses += r->job->leads;
	return false;
}

/* A job has one compile, but version commands may stand around it. */
static struct run **
find_waiting(struct session *s, const struct job *twin)
{
	for (struct run **at = &s->queue; *at != NULL; at = &(*at)->next)
		if ((*at)->waits && is_twin((*at)->job, twin))
			return at;
	return NULL;
}

/* The job leads no longer: whoever waited for it looks again. */
void
twins_settle(struct twins *t, struct session *sessions, struct job *j)
{
	if (!j->leads)
		return;
	j->leads = false;
	j->settled = true;
	for (struct session *s = sessions; s != NULL; s = s->next) {
		struct run **at = find_waiting(s, j);
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
