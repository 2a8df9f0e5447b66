/*
 * fcgi - one worker's loop over libfcgi: accept, read, hand over, answer.
 *
 * The one door to libfcgi(3); no structure of it leaves.  Called in worker processes
 * only.  The caller has blocked SIGTERM; fcgi_serve looks at it between requests alone,
 * so that a request once accepted is always answered.  It uses SIGALRM for itself.
 */
#ifndef HTTP_FCGI_H
#define HTTP_FCGI_H

#include <stdint.h>

#include "http/message.h"

struct fcgi_service {
	int listen_fd;         /* non-blocking, shared with other workers */
	uint64_t max_body;     /* bytes; a request that announces more is not read */
	uint64_t max_requests; /* then return; 0: no end */
	uint32_t stall_ms; /* a peer that neither sends nor reads so long is dropped */
	bool (*is_over)(void *ctx); /* asked after each request: return?  May be NULL */
	bool empty_queue;           /* on SIGTERM answer first what already waits */

	void *ctx;
	/* False: the client is gone, and nobody wants the answer. */
	bool (*handle)(
	    void *ctx, const struct http_request *rq, struct http_response *rs);
	/* When the peer has its answer, and its connection is closed; delivered: it was
	 * sent whole. */
	void (*done)(void *ctx, const struct http_request *rq,
	    const struct http_response *rs, bool delivered);
};

/* Serves until SIGTERM or max_requests. */
int fcgi_serve(const struct fcgi_service *s, struct err *e);

#endif
