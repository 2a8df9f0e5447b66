#include "api/metered.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/auth.h"
#include "base/log.h"
#include "base/when.h"
#include "observe/metrics.h"

/* --- bounds --- */

static void
lower(uint64_t *bound, uint64_t own)
{
	if (own != 0 && (*bound == 0 || *bound > own))
		*bound = own;
}

const struct site *
metered_site(const struct call *c, struct site *room)
{
	const struct identity *who = c->who;

	if (who->max_memory == 0 && who->max_tests == 0 && who->max_source == 0)
		return c->api->site;
	*room = *c->api->site;
	lower(&room->max_tests, who->max_tests);
	lower(&room->max_source_bytes, who->max_source);
	lower(&room->cap.memory_bytes, who->max_memory);
	for (unsigned i = 0; i < room->nprofiles; i++)
		lower(&room->profiles[i].run.memory_bytes, who->max_memory);
	return room;
}

static const struct limits *
limits_of(const struct job *job, unsigned test)
{
	return job->test_limits != NULL ? &job->test_limits[test] : &job->effective.run;
}

static int
check_memory(const struct identity *who, const struct job *job, struct problem *p)
{
	for (unsigned i = 0; who->max_memory != 0 && i < job->ntests; i++)
		if (limits_of(job, i)->memory_bytes > who->max_memory)
			return problem_set(p, PROBLEM_LIMIT_TOO_HIGH, NULL,
			    "language '%s' needs %" PRIu64 " bytes of memory, and "
			    "%" PRIu64 " are allowed here",
			    job->language, limits_of(job, i)->memory_bytes,
			    who->max_memory);
	return 0;
}

/* The site's bounds and the key's were looked at before anybody knew the user. */
static int
check_user(const struct identity *who, const struct job *job, struct problem *p)
{
	uint64_t bytes = 0;

	for (unsigned i = 0; i < job->nfiles; i++)
		bytes += job->files[i].content.len;
	if (who->user[0] == '\0')
		return 0;
	if (who->user_max_tests != 0 && job->ntests > who->user_max_tests)
		return problem_set(p, PROBLEM_TOO_MANY_TESTS, "tests",
		    "more than %" PRIu64 " tests, which are a user's",
		    who->user_max_tests);
	if (who->user_max_source != 0 && bytes > who->user_max_source)
		return problem_set(p, PROBLEM_SOURCE_TOO_LARGE, "code",
		    "more than %" PRIu64 " bytes of source, which are a user's",
		    who->user_max_source);
	return 0;
}

static int
check_language(const struct identity *who, const struct job *job, struct problem *p)
{
	if (who->languages.count == 0 || words_has(&who->languages, job->language))
		return 0;
	return problem_set(p, PROBLEM_NOT_ALLOWED, "language",
	    "language '%s' is not one of the key's", job->language);
}

/* A run is not refused because nobody knows what is reserved: its key, if it has one, was
 * read from the same file a moment ago. */
static void
fill_tenant(const struct call *c, struct job *job)
{
	const struct api_gate *gate = &c->api->gate;
	struct tenant *t = &job->tenant;
	struct err e;

	*t = (struct tenant){ .key = c->who->key,
		.user = c->who->user_hash,
		.slots_max = c->who->slots < UINT32_MAX ? (uint32_t)c->who->slots : 0 };
	if (gate->keys == NULL || gate->reserved(gate->keys, t->key, when_now(),
				      &t->slots_reserved, &t->slots_held_back, &e) == 0)
		return;
	log_err(&e, "reservations cannot be looked up");
	if (gate->broken != NULL)
		*gate->broken = true;
}

int
metered_admit(const struct call *c, struct job *job, struct problem *p)
{
	if (check_language(c->who, job, p) == -1 || check_user(c->who, job, p) == -1 ||
	    check_memory(c->who, job, p) == -1)
		return -1;
	fill_tenant(c, job);
	return 0;
}

/* --- quotas --- */

static struct quota_claim
claim_of(const struct identity *who)
{
	return (struct quota_claim){ .key = who->key,
		.user = who->user_hash,
		.user_name = who->user,
		.own = who->own,
		.each_user = who->each_user };
}

/* All that its limits allow it: less would make the bound a wish. */
static uint64_t
most_cpu_ms(const struct job *job, const struct lang *lang)
{
	uint64_t sum = lang->compiled ? job->effective.compile.cpu_ms : 0;

	for (unsigned i = 0; i < job->ntests; i++)
		sum += limits_of(job, i)->cpu_ms;
	return sum;
}

static void
add_number(struct http_response *rs, const char *name, uint64_t n)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, n);
	http_header(rs, name, text);
}

/* Of key and user the one that is nearer to its end. */
static void
add_headers(const struct call *c, const struct quota_state *s)
{
	const struct quota_account *a = &s->key;
	char policy[96];

	if (s->has_user && s->user.rate.count > 0 &&
	    (a->rate.count == 0 || s->user.left < a->left))
		a = &s->user;
	if (a->rate.count == 0)
		return;
	snprintf(policy, sizeof(policy), "%" PRIu64 ";w=%" PRIu64 ";burst=%" PRIu64,
	    a->rate.count, a->rate.period_s, a->rate.burst);
	add_number(c->rs, "RateLimit-Limit", a->rate.burst);
	add_number(c->rs, "RateLimit-Remaining", a->left);
	add_number(c->rs, "RateLimit-Reset", a->reset_s);
	http_header(c->rs, "RateLimit-Policy", policy);
}

static bool
has_bounds(const struct quota_claim *claim)
{
	return !allowance_is_free(&claim->own) ||
	       (claim->user != 0 && !allowance_is_free(&claim->each_user));
}

static int
no_quotas(const struct call *c, struct problem *p)
{
	if (c->api->gate.broken != NULL)
		*c->api->gate.broken = true;
	return problem_set(p, PROBLEM_QUOTAS_UNAVAILABLE, NULL,
	    "the quotas cannot be counted at the moment; nothing was run");
}

int
metered_begin(const struct call *c, const struct job *job, const struct lang *lang,
    struct quota_claim *claim, struct problem *p)
{
	struct quota *q = c->api->gate.quota;
	struct quota_state state = { .has_user = false };

	*claim = claim_of(c->who);
	claim->cpu_ms = most_cpu_ms(job, lang);
	if (q == NULL)
		return has_bounds(claim) ? no_quotas(c, p) : 0;
	int rc = quota_take(q, claim, &state, p);
	/* whoever has no bounds needs no count */
	if (rc == -1 && p->code == PROBLEM_QUOTAS_UNAVAILABLE && !has_bounds(claim))
		return 0;
	add_headers(c, &state);
	if (rc == -1 && state.refused != NULL)
		metrics_add(METRIC_QUOTA_REFUSALS,
		    metrics_find(LABEL_REASON, state.refused), 0, 1);
	return rc;
}

void
metered_refund(const struct call *c, const struct quota_claim *claim)
{
	if (c->api->gate.quota != NULL)
		quota_give_back(c->api->gate.quota, claim);
}

void
metered_end(const struct call *c, const struct quota_claim *claim, const struct result *r,
    bool gone, uint64_t took_us)
{
	uint64_t sum = r->compiled && !r->cached ? r->compile.outcome.cpu_us : 0;

	for (unsigned i = 0; i < r->ntests; i++)
		sum += r->tests[i].outcome.cpu_us;
	if (gone)
		sum += took_us;
	if (gone && sum > claim->cpu_ms * 1000)
		sum = claim->cpu_ms * 1000;
	if (c->api->gate.quota != NULL)
		quota_settle(c->api->gate.quota, sum);
}

/* --- GET /api/quota --- */

static void
write_account(
    struct writer *w, const char *name, const struct quota_account *a, bool known)
{
	write_open(w, name, '{');
	if (a->rate.count > 0) {
		write_open(w, "requests", '{');
		write_uint(w, "count", a->rate.count);
		write_uint(w, "seconds", a->rate.period_s);
		write_uint(w, "burst", a->rate.burst);
		if (known) {
			write_uint(w, "remaining", a->left);
			write_uint(w, "resetSeconds", a->reset_s);
		}
		write_close(w, '}');
	}
	if (a->jobs_limit > 0 || known) {
		write_open(w, "jobs", '{');
		if (a->jobs_limit > 0)
			write_uint(w, "limit", a->jobs_limit);
		if (known)
			write_uint(w, "running", a->jobs);
		write_close(w, '}');
	}
	if (a->cpu_limit_ms > 0 || known) {
		uint64_t taken = a->cpu_ms + a->cpu_held_ms;

		write_open(w, "cpuMs", '{');
		if (a->cpu_limit_ms > 0)
			write_uint(w, "limit", a->cpu_limit_ms);
		if (known) {
			write_uint(w, "used", a->cpu_ms);
			write_uint(w, "held", a->cpu_held_ms);
			write_uint(w, "resetSeconds", a->day_s);
		}
		if (known && a->cpu_limit_ms > 0)
			write_uint(w, "remaining",
			    a->cpu_limit_ms > taken ? a->cpu_limit_ms - taken : 0);
		write_close(w, '}');
	}
	write_close(w, '}');
}

static void
write_words(struct writer *w, const char *name, const struct words *words)
{
	if (words->count == 0)
		return;
	write_open(w, name, '[');
	for (const char *s = words_next(words, NULL); s != NULL; s = words_next(words, s))
		write_text(w, NULL, s);
	write_close(w, ']');
}

static void
write_identity(struct writer *w, const struct identity *who)
{
	char when[WHEN_TEXT];

	if (who->anonymous)
		write_null(w, "key");
	else
		write_text(w, "key", who->name);
	if (who->user[0] != '\0')
		write_text(w, "user", who->user);
	write_open(w, "scopes", '[');
	for (unsigned i = 0; scope_names[i] != NULL; i++)
		if ((who->scopes >> i & 1) != 0)
			write_text(w, NULL, scope_names[i]);
	write_close(w, ']');
	write_words(w, "languages", &who->languages);
	if (who->profile[0] != '\0')
		write_text(w, "profile", who->profile);
	if (who->expires != 0) {
		when_text(who->expires, when);
		write_text(w, "expires", when);
	}
	const struct {
		const char *name;
		uint64_t value;
	} bounds[] = {
		{ "slots", who->slots },
		{ "maxMemoryBytes", who->max_memory },
		{ "maxTests", who->max_tests },
		{ "maxSourceBytes", who->max_source },
		{ "userMaxTests", who->user_max_tests },
		{ "userMaxSourceBytes", who->user_max_source },
	};
	for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++)
		if (bounds[i].value != 0)
			write_uint(w, bounds[i].name, bounds[i].value);
}

bool
handle_quota(const struct call *c)
{
	struct writer w = { .out = &c->rs->body };
	struct quota *q = c->api->gate.quota;
	struct quota_state s = { .has_user = false };
	struct problem p;

	if (auth_user(c->api, c->rq, "", c->who, &p) == -1)
		return answer_problem(c, &p);
	struct quota_claim claim = claim_of(c->who);
	if (q == NULL) {
		no_quotas(c, &p);
		return answer_problem(c, &p);
	}
	if (quota_look(q, &claim, &s, &p) == -1)
		return answer_problem(c, &p);
	write_open(&w, NULL, '{');
	write_identity(&w, c->who);
	write_account(&w, "quota", &s.key, true);
	/* without a name: what every user of the key has */
	if (!allowance_is_free(&claim.each_user) || claim.user != 0)
		write_account(&w, "userQuota", &s.user, claim.user != 0);
	write_close(&w, '}');
	return true;
}
