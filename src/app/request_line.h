/*
 * request_line - what the log says of one request: ids, counts and times; never a word of
 * a program, and nothing that a client chose as it came.
 */
#ifndef APP_REQUEST_LINE_H
#define APP_REQUEST_LINE_H

#include "api/api.h"

void request_line(const struct trace *t, const struct http_request *rq,
    const struct http_response *rs, uint64_t took_us, bool delivered);

#endif
