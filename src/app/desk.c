#include "app/desk.h"

#include <stdio.h>
#include <string.h>

#include "app/cli.h"
#include "app/drop.h"
#include "app/gate.h"
#include "base/log.h"
#include "base/num.h"
#include "base/when.h"
#include "lang/lang.h"

int
desk_open(const char *config, struct desk *out)
{
	struct desk d = { .keys = NULL };
	char path[320];
	struct err e = { 0 }, ignored;

	action_person(d.by);
	if (settings_load(config, &d.settings, &e) == -1)
		return cli_fail(CLI_USAGE, &e);
	gate_make_room(d.settings.state, d.settings.user);
	/* the languages are root's; without them a name cannot be checked */
	langs_load(d.settings.languages, &d.langs, &ignored);
	snprintf(path, sizeof(path), "%s/%s", d.settings.state, KEYS_FILE);
	if (drop_privileges(d.settings.user, &e) == -1 ||
	    keys_open_admin(path, &d.keys, &e) == -1) {
		desk_close(&d);
		return cli_fail(CLI_FAILED, &e);
	}
	*out = d;
	return 0;
}

void
desk_close(struct desk *d)
{
	keys_close(d->keys);
	langs_free(d->langs);
	*d = (struct desk){ .keys = NULL };
}

void
desk_note(const struct desk *d, const char *kind, const char *key, const char *detail)
{
	struct err e = { 0 };

	if (action_record_by(d->by, d->settings.store, kind, key, NULL, detail, &e) == -1)
		log_err(&e, "done, but not in the audit trail");
}

int
desk_when(const char *text, int64_t now, int64_t *out, struct err *e)
{
	size_t digits = strspn(text, "0123456789");
	uint64_t ms = 0;

	if (digits == 0 || text[digits] == '\0' || text[digits] == '-')
		return when_parse(text, now, out, e);
	if (num_parse(text, NUM_MSEC, &ms, e) == -1)
		return -1;
	if (ms > 100ULL * 366 * 86400 * 1000)
		return err_set(
		    e, ERR_BAD_INPUT, "%.40s: more than a hundred years", text);
	*out = now + (int64_t)ms * 1000;
	return 0;
}
