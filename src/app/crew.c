#include "app/crew.h"

#include <stdlib.h>

struct crew {
	const struct prefork_calls *calls;
	void *config; /* owned */
	unsigned holders;
};

int
crew_new(
    const struct prefork_calls *calls, void *config, struct crew **out, struct err *e)
{
	struct crew *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		err_sys(e, "calloc");
		calls->unload(config);
		return -1;
	}
	*c = (struct crew){ .calls = calls, .config = config, .holders = 1 };
	*out = c;
	return 0;
}

struct crew *
crew_hold(struct crew *c)
{
	c->holders++;
	return c;
}

void
crew_drop(struct crew *c)
{
	if (--c->holders > 0)
		return;
	c->calls->unload(c->config);
	free(c);
}

struct crowd_bounds
crew_bounds(const struct crew *c)
{
	struct crowd_bounds b = c->calls->bounds(c->config);

	if (b.least == 0)
		b.least = 1;
	if (b.most < b.least)
		b.most = b.least;
	return b;
}

uint64_t
crew_drain_us(const struct crew *c)
{
	return c->calls->drain_ms(c->config) * 1000;
}

const char *
crew_helper(const struct crew *c)
{
	return c->calls->helper(c->config);
}

bool
crew_wants_recorder(const struct crew *c)
{
	return c->calls->records != NULL && c->calls->records(c->config);
}

int
crew_work(const struct crew *c, const struct listener *l, enum prefork_role role,
    const struct prefork_link *link)
{
	return c->calls->work(c->config, l, role, link);
}
