#include "app/crew_config.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/lean.h"
#include "observe/metrics.h"

#define WORKERS_PER_SLOT 3
#define WORKERS_DEFAULT  4 /* until the helper has said how many slots it has */
#define MOST_PER_SLOT    128
#define MOST_AT_LEAST    256

static int
fill(struct crew_config *crew, const char *path, struct err *e)
{
	if (settings_load(path, &crew->settings, e) == -1 ||
	    langs_load(crew->settings.languages, &crew->langs, e) == -1 ||
	    confine_write(true, &crew->confinement, e) == -1)
		return -1;

	unsigned n = langs_count(crew->langs);
	crew->version_table = calloc(n + 1, sizeof(*crew->version_table));
	if (crew->version_table == NULL)
		return err_sys(e, "calloc");
	crew->records =
	    crew->settings.store[0] != '\0' && access(crew->settings.store, F_OK) == 0;
	for (unsigned i = 0; i < n; i++)
		metrics_word(LABEL_LANGUAGE, langs_at(crew->langs, i)->id);
	return versions_new(n, &crew->versions, e);
}

void
crew_config_free(struct crew_config *c)
{
	if (c == NULL)
		return;
	langs_free(c->langs);
	versions_free(c->versions);
	free(c->version_table);
	free(c);
}

struct crew_config *
crew_config_load(const char *path, struct notice *notice, struct err *e)
{
	struct crew_config *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		err_sys(e, "calloc");
		return NULL;
	}
	c->notice = notice;
	if (fill(c, path, e) == -1) {
		crew_config_free(c);
		return NULL;
	}
	lean_rest(); /* what was needed to read it is not to be every worker's */
	return c;
}

static unsigned
within(uint64_t n, uint64_t least, uint64_t most)
{
	return (unsigned)(n < least ? least : n > most ? most : n);
}

struct crowd_bounds
crew_config_bounds(const struct crew_config *crew)
{
	const struct settings *s = &crew->settings;
	unsigned slots = versions_slots(crew->versions);
	struct crowd_bounds b = { .least = (unsigned)s->workers,
		.most = (unsigned)s->max_workers,
		.slots = slots,
		.idle_us = s->idle_timeout * 1000 };

	if (b.least == 0)
		b.least = slots != 0
			      ? within(WORKERS_PER_SLOT * slots, 1, CROWD_WORKERS_MAX)
			      : WORKERS_DEFAULT;
	if (b.most == 0)
		b.most = within(MOST_PER_SLOT * slots,
		    b.least > MOST_AT_LEAST ? b.least : MOST_AT_LEAST, CROWD_WORKERS_MAX);
	if (b.least > b.most && s->workers == 0)
		b.least = b.most;
	return b;
}

struct ledger_rules
crew_config_ledger(const struct crew_config *c)
{
	const struct settings *s = &c->settings;

	return (struct ledger_rules){ .store = s->store,
		.keep = { .keep_us = s->log_keep * 1000,
		    .max_bytes = s->log_max_bytes,
		    .audit_keep_us = s->audit_keep * 1000 },
		.min_free = s->log_min_free,
		.flag = { .violations = (unsigned)s->flag_violations,
		    .window_us = (int64_t)s->flag_window * 1000,
		    .lasts_us = (int64_t)s->flag_time * 1000 } };
}
