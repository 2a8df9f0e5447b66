/*
 * desk - where an administrator changes keys: the configuration, the file, who he is.
 *
 * As root it becomes the service's user before it touches what that user may write:
 * nothing that a worker could have put there is opened with root's powers.
 */
#ifndef APP_DESK_H
#define APP_DESK_H

#include "app/settings.h"
#include "store/action.h"
#include "store/keys.h"

struct desk {
	struct settings settings;
	struct langs *langs; /* owned; NULL: they cannot be read */
	struct keys *keys;   /* owned */
	char by[ACTION_PERSON];
};

/* Returns an exit status, having printed why; 0: open. */
int desk_open(const char *config, struct desk *out);
void desk_close(struct desk *d);
#define scope_desk __attribute__((cleanup(desk_close))) struct desk

/* For the audit trail.  A trail that cannot be written is told, and undoes nothing. */
void desk_note(
    const struct desk *d, const char *kind, const char *key, const char *detail);

/* "90d", "24h": so long after now; else as when_parse. */
int desk_when(const char *text, int64_t now, int64_t *out, struct err *e);

#endif
