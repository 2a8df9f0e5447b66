/*
 * client - HTTP to a running judgebox.  The one door to libcurl(3).
 */
#ifndef APP_CLIENT_H
#define APP_CLIENT_H

#include "base/buf.h"
#include "base/err.h"

struct client_answer {
	int status;
	struct buf body; /* owned; release with buf_free */
};

/*
 * GET, or POST if body is not NULL; with the key in the environment variable
 * JUDGEBOX_KEY, if there is one.  Waits wait_s seconds at most.  Any status is a
 * success; fails if nobody answered.  url has no slash at its end.
 */
int client_call(const char *url, const char *path, const struct buf *body, long wait_s,
    struct client_answer *out, struct err *e);

#endif
