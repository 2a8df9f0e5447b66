#include "app/client.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_MAX ((size_t)512 << 20)

struct call {
	CURL *curl;                 /* owned */
	struct curl_slist *headers; /* owned */
	struct buf body;            /* of the answer; owned */
	char why[CURL_ERROR_SIZE];
};

static void
call_free(struct call *c)
{
	curl_slist_free_all(c->headers);
	curl_easy_cleanup(c->curl);
	buf_free(&c->body);
}

static size_t
take(char *data, size_t size, size_t n, void *ctx)
{
	struct buf *b = ctx;

	if (b->len + size * n > ANSWER_MAX)
		return 0; /* ends the transfer */
	buf_add(b, data, size * n);
	return size * n;
}

static int
add_header(struct call *c, const char *line)
{
	struct curl_slist *more = curl_slist_append(c->headers, line);

	if (more == NULL)
		return -1;
	c->headers = more;
	return curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, more) == CURLE_OK ? 0 : -1;
}

static int
add_key(struct call *c)
{
	const char *key = getenv("JUDGEBOX_KEY");
	char line[256];

	if (key == NULL || key[0] == '\0')
		return 0;
	snprintf(line, sizeof(line), "Authorization: Bearer %.200s", key);
	return add_header(c, line);
}

static int
prepare(
    struct call *c, const char *url, const struct buf *body, long wait_s, struct err *e)
{
	CURL *h = c->curl = curl_easy_init();
	if (h == NULL)
		return err_set(e, ERR_SYS, "libcurl does not start");

	/* HTTP only, and no redirection: the program text goes to nobody else. */
	if (curl_easy_setopt(h, CURLOPT_URL, url) != CURLE_OK ||
	    curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https") != CURLE_OK ||
	    curl_easy_setopt(h, CURLOPT_FOLLOWLOCATION, 0L) != CURLE_OK ||
	    curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L) != CURLE_OK ||
	    curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT, 5L) != CURLE_OK ||
	    curl_easy_setopt(h, CURLOPT_TIMEOUT, wait_s) != CURLE_OK ||
	    curl_easy_setopt(h, CURLOPT_USERAGENT, "judgebox/" PACKAGE_VERSION) !=
		CURLE_OK ||
	    curl_easy_setopt(h, CURLOPT_ERRORBUFFER, c->why) != CURLE_OK ||
	    curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, take) != CURLE_OK ||
	    curl_easy_setopt(h, CURLOPT_WRITEDATA, &c->body) != CURLE_OK)
		return err_set(e, ERR_SYS, "libcurl refuses an option for %s", url);
	if (add_key(c) == -1)
		return err_set(e, ERR_SYS, "libcurl refuses the key");
	if (body == NULL)
		return 0;

	/* "Expect:" empty: without it libcurl waits a second for a 100 */
	if (add_header(c, "Content-Type: application/json") == -1 ||
	    add_header(c, "Expect:") == -1 ||
	    curl_easy_setopt(h, CURLOPT_POST, 1L) != CURLE_OK ||
	    curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body->len) !=
		CURLE_OK ||
	    curl_easy_setopt(h, CURLOPT_POSTFIELDS, body->data) != CURLE_OK)
		return err_set(e, ERR_SYS, "libcurl refuses the request");
	return 0;
}

int
client_call(const char *url, const char *path, const struct buf *body, long wait_s,
    struct client_answer *out, struct err *e)
{
	__attribute__((cleanup(call_free))) struct call c = { 0 };
	char whole[1024];
	long status = 0;

	if ((size_t)snprintf(whole, sizeof(whole), "%s%s", url, path) >= sizeof(whole))
		return err_set(e, ERR_BAD_INPUT, "the URL is too long");
	if (prepare(&c, whole, body, wait_s, e) == -1)
		return -1;

	CURLcode rc = curl_easy_perform(c.curl);
	if (rc != CURLE_OK)
		return err_set(e, ERR_GONE, "%s: %.150s", url,
		    c.why[0] != '\0' ? c.why : curl_easy_strerror(rc));
	curl_easy_getinfo(c.curl, CURLINFO_RESPONSE_CODE, &status);
	*out = (struct client_answer){ .status = (int)status, .body = c.body };
	c.body = (struct buf){ 0 };
	return 0;
}
