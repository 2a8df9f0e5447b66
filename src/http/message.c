#include "http/message.h"

void
http_header(struct http_response *rs, const char *name, const char *value)
{
	buf_fmt(&rs->headers, "%s: %s\r\n", name, value);
}
