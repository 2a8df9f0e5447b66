/*
 * json - the door a body comes in by: content type, cap, UTF-8, then json-c.
 */
#ifndef API_JSON_H
#define API_JSON_H

#include <json-c/json.h>

#include "http/message.h"
#include "model/problem.h"

/* The body as an object; release with json_object_put or declare it scope_json. */
int json_read(const struct http_request *rq, uint64_t max_bytes, struct json_object **out,
    struct problem *p);

/* The same JSON with all beyond ASCII written as escapes; text is valid UTF-8. */
void json_to_ascii(const char *text, size_t len, struct buf *out);

#define scope_json __attribute__((cleanup(json_scope_))) struct json_object *
static inline void
json_scope_(struct json_object **o)
{
	json_object_put(*o);
}

#endif
