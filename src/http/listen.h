/*
 * listen - the socket that nginx connects to: handed over by systemd, or our own at a
 * path.  Free of libfcgi, so the master may call it.
 */
#ifndef HTTP_LISTEN_H
#define HTTP_LISTEN_H

#include <stdbool.h>

#include "base/err.h"

struct listener {
	int fd;         /* non-blocking, close-on-exec; owned */
	bool activated; /* systemd's: it listens on when we are gone */
};

/*
 * Takes the socket of systemd (sd_listen_fds(3)) if there is one, else binds `path`.
 * A socket file that nobody listens on is replaced; one that somebody does is an error.
 * The file gets mode 0660 and the group, unless that is "".  Its directory is made if it
 * is missing.
 */
int listen_open(const char *path, const char *group, struct listener *out, struct err *e);

/* Refuses new connections from now on; those that wait can still be accepted.  Not for
 * an activated socket: its description is shared with systemd. */
int listen_shut(const struct listener *l, struct err *e);

#endif
