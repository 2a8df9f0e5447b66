/* What the service says of itself: languages, limits, health. */
#include <stdio.h>

#include "api/handlers.h"
#include "api/native.h"

static bool
is_draining(const struct api *api)
{
	return api->draining != NULL && *api->draining;
}

static void
write_words(struct writer *w, const char *name, const struct words *words)
{
	write_open(w, name, '[');
	for (const char *s = words_next(words, NULL); s != NULL; s = words_next(words, s))
		write_text(w, NULL, s);
	write_close(w, ']');
}

static void
write_language(struct writer *w, const struct call *c, unsigned i)
{
	const struct lang *l = langs_at(c->api->langs, i);
	const char *version = c->api->versions != NULL ? c->api->versions[i] : NULL;
	struct limits limits = c->api->site->profiles[0].run;

	write_open(w, NULL, '{');
	write_text(w, "id", l->id);
	write_text(w, "name", l->name);
	if (version != NULL)
		write_text(w, "version", version);
	else
		write_null(w, "version");
	write_words(w, "aliases", &l->aliases);
	write_text(w, "fileName", l->source);
	write_words(w, "extensions", &l->extensions);
	write_bool(w, "compiled", l->compiled);
	limits_raise(&limits, &l->floor);
	native_write_limits(w, "limits", &limits);
	write_close(w, '}');
}

bool
handle_languages(const struct call *c)
{
	struct writer w = { .out = &c->rs->body };

	write_open(&w, NULL, '{');
	write_open(&w, "languages", '[');
	for (unsigned i = 0; i < langs_count(c->api->langs); i++)
		if (langs_at(c->api->langs, i)->installed)
			write_language(&w, c, i);
	write_close(&w, ']');
	write_close(&w, '}');
	return true;
}

static void
write_profile(struct writer *w, const struct profile *p)
{
	write_open(w, p->name, '{');
	native_write_limits(w, "limits", &p->run);
	native_write_limits(w, "compileLimits", &p->compile);
	write_uint(w, "slackMs", p->slack_ms);
	write_bool(w, "fork", p->fork);
	write_close(w, '}');
}

/* Only caps that there are: 0 is "none". */
static void
write_caps(struct writer *w, const char *key, const struct limits *cap)
{
	write_open(w, key, '{');
	for (unsigned i = 0; limits_json[i] != NULL; i++) {
		uint64_t n = limits_get(cap, i);

		if (n > 0 && limits_keys[i].kind == CONF_MILLI)
			write_milli(w, limits_json[i], n);
		else if (n > 0)
			write_uint(w, limits_json[i], n);
	}
	write_close(w, '}');
}

bool
handle_limits(const struct call *c)
{
	const struct site *s = c->api->site;
	struct writer w = { .out = &c->rs->body };

	write_open(&w, NULL, '{');
	write_open(&w, "profiles", '{');
	for (unsigned i = 0; i < s->nprofiles; i++)
		write_profile(&w, &s->profiles[i]);
	write_close(&w, '}');
	write_caps(&w, "caps", &s->cap);
	write_caps(&w, "compileCaps", &s->compile_cap);
	write_uint(&w, "maxBodyBytes", s->max_body_bytes);
	write_uint(&w, "maxSourceBytes", s->max_source_bytes);
	write_uint(&w, "maxTests", s->max_tests);
	write_uint(&w, "maxAnswerBytes", s->max_answer_bytes);
	write_open(&w, "compare", '[');
	for (unsigned i = 0; native_modes[i] != NULL; i++)
		write_text(&w, NULL, native_modes[i]);
	write_close(&w, ']');
	write_close(&w, '}');
	return true;
}

static bool
answer_status(const struct call *c, const char *status)
{
	struct writer w = { .out = &c->rs->body };

	write_open(&w, NULL, '{');
	write_text(&w, "status", status);
	write_close(&w, '}');
	return true;
}

bool
handle_health(const struct call *c)
{
	return answer_status(c, "ok");
}

bool
handle_ready(const struct call *c)
{
	struct problem p;

	if (is_draining(c->api)) {
		problem_set(&p, PROBLEM_DRAINING, NULL, "the service is being stopped");
		return answer_problem(c, &p);
	}
	if (c->api->judge.ready(c->api->helper, &p) == -1)
		return answer_problem(c, &p);
	struct writer w = { .out = &c->rs->body };
	write_open(&w, NULL, '{');
	write_text(&w, "status", "ready");
	if (c->api->log.state != NULL)
		write_text(&w, "log", c->api->log.state(c->api->log.ctx));
	write_close(&w, '}');
	return true;
}

bool
handle_root(const struct call *c)
{
	static const char *const links[][2] = {
		{ "run", "/api/run" },
		{ "languages", "/api/languages" },
		{ "limits", "/api/limits" },
		{ "health", "/healthz" },
		{ "ready", "/readyz" },
	};
	struct writer w = { .out = &c->rs->body };

	write_open(&w, NULL, '{');
	write_text(&w, "name", PACKAGE_NAME);
	write_text(&w, "version", PACKAGE_VERSION);
	write_text(&w, "status", "ok"); /* what clients of POST /api/execute look for */
	write_open(&w, "links", '{');
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		write_text(&w, links[i][0], links[i][1]);
	write_close(&w, '}');
	write_close(&w, '}');
	return true;
}
