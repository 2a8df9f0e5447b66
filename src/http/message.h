/*
 * message - one HTTP request and its answer, free of FastCGI.  Plain data.
 *
 * Only what the application uses is here; nothing else of the client's headers gets
 * past nginx (nginx/judgebox-locations.conf lists the parameters it passes).
 */
#ifndef HTTP_MESSAGE_H
#define HTTP_MESSAGE_H

#include <stdbool.h>

#include "base/buf.h"

struct http_request {
	char method[16];
	char path[256]; /* decoded by nginx, without the query */
	char content_type[128];
	char request_id[65]; /* [A-Za-z0-9_-], nginx's; made here if absent */
	char origin[256];
	char host[256];   /* whom the client thinks it asks: "localhost:8080" */
	char address[46]; /* of the client, as nginx sees it */
	char query[1024]; /* as the client wrote it; cut where it is longer */
	/* Whose it is.  What is longer than its place is cut, and so is nobody's. */
	char authorization[128];
	char api_key[128];
	char user[160];      /* as nginx knows him */
	char proxied[2];     /* not "": another proxy passed it on to nginx */
	struct buf body;     /* at most max_body_bytes */
	bool body_too_large; /* announced larger than the cap: not read */
	bool body_short;     /* ended before CONTENT_LENGTH, or no length */
	int client_fd;       /* hangs up when the client goes away; -1: cannot tell */
};

struct http_response {
	int status;
	const char *content_type; /* static; NULL: application/json; charset=utf-8 */
	struct buf headers;       /* further "Name: value\r\n" lines */
	struct buf body;
	bool head_only; /* HEAD: length, but no body */
};

void http_header(struct http_response *rs, const char *name, const char *value);

#endif
