/*
 * auth - from a request to who asks: key, address, user.
 *
 * All fail with the problem set.  What a client sent is never part of a text or a log.
 */
#ifndef API_AUTH_H
#define API_AUTH_H

#include "api/api.h"

/* What a route asks of its client. */
enum auth {
	AUTH_OPEN,    /* nothing */
	AUTH_ANY,     /* to be let in */
	AUTH_RUN,     /* the scope run */
	AUTH_METRICS, /* the scope metrics, or to be on this machine */
	AUTH_AUDIT,   /* the scope audit: a key, wherever it comes from */
	AUTH_ADMIN,   /* the scope admin: the same */
};

/* Fills *who but for the user. */
int auth_check(const struct api *api, const struct http_request *rq, enum auth needed,
    struct identity *who, struct problem *p);

/* The key that was sent. */
int auth_token(const struct api *api, const struct http_request *rq, struct token *out,
    struct problem *p);

/* The user inside the key: `named` by the request itself, or by the web server where the
 * site trusts it. */
int auth_user(const struct api *api, const struct http_request *rq, const char *named,
    struct identity *who, struct problem *p);

/* The credential in an Authorization header: *key points into it; NULL: it names none of
 * ours.  False: it is malformed. */
bool auth_bearer(const char *header, const char **key);

/* The number of a user inside a key, by his name; never 0. */
int auth_user_number(const char *name, uint64_t *out, struct err *e);

#endif
