#include "store/action.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/audit.h"
#include "store/runs.h"

#define WAIT_MS 5000 /* for the recorder's transaction */

/* Who is at the keyboard: the one behind sudo(8), too. */
const char *
action_person(char out[ACTION_PERSON])
{
	const char *sudo = getenv("SUDO_USER");
	const struct passwd *pw = getpwuid(getuid());

	if (getuid() == 0 && sudo != NULL && sudo[0] != '\0')
		snprintf(out, ACTION_PERSON, "%.60s (sudo)", sudo);
	else if (pw != NULL)
		snprintf(out, ACTION_PERSON, "%.60s", pw->pw_name);
	else
		snprintf(out, ACTION_PERSON, "uid %u", (unsigned)getuid());
	return out;
}

int
action_record(const char *store, const char *kind, const char *key, const char *user,
    const char *detail, struct err *e)
{
	char by[ACTION_PERSON];

	return action_record_by(action_person(by), store, kind, key, user, detail, e);
}

int
action_record_by(const char *by, const char *store, const char *kind, const char *key,
    const char *user, const char *detail, struct err *e)
{
	static const struct db_options how = { .busy_ms = WAIT_MS };
	char path[300];
	scope_db d = NULL;
	struct audit_entry a = { .number = -1,
		.test = -1,
		.kind = kind,
		.key = key,
		.user = user,
		.detail = detail,
		.by = by };

	runs_path(store, path);
	if (store[0] == '\0' || (access(path, F_OK) == -1 && errno == ENOENT))
		return 0;
	if (runs_open(store, &how, &d, e) == -1)
		return -1;
	return audit_add(d, &a, e);
}
