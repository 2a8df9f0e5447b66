#include "app/request_line.h"

#include <string.h>

#include "base/log.h"
#include "base/scope.h"

/* Probes every few seconds, and every page that loads, would fill the log with questions
 * that were answered.  Who has read the audit trail is worth its line. */
static bool
quiet(
    const struct trace *t, const struct http_request *rq, const struct http_response *rs)
{
	static const char trail[] = "/api/audit";

	return t->dialect == NULL && rs->status == 200 &&
	       strncmp(rq->path, trail, sizeof(trail) - 1) != 0;
}

/* What only a run has. */
static void
tell_run(const struct trace *t, struct buf *out)
{
	char word[LOG_WORD_BYTES];

	if (t->user[0] != '\0')
		buf_fmt(out, " user=%s", log_word(t->user, word));
	if (t->job[0] != '\0')
		buf_fmt(out, " job=%s", t->job);
	if (t->language[0] != '\0')
		buf_fmt(out, " language=%s tests=%u", t->language, t->tests);
	if (t->judged)
		buf_fmt(out, " verdict=%s queue_ms=%.3f cpu_ms=%.3f",
		    verdict_name(t->verdict), (double)t->queue_us / 1000,
		    (double)t->cpu_us / 1000);
}

void
request_line(const struct trace *t, const struct http_request *rq,
    const struct http_response *rs, uint64_t took_us, bool delivered)
{
	char method[LOG_WORD_BYTES], path[LOG_WORD_BYTES], key[LOG_WORD_BYTES];
	scope_buf line = { 0 };

	buf_fmt(&line, "request id=%s method=%s path=%s status=%d ms=%.3f in=%zu out=%zu",
	    rq->request_id, log_word(rq->method, method), log_word(rq->path, path),
	    rs->status, (double)took_us / 1000, rq->body.len, rs->body.len);
	if (t->refused != PROBLEM_NONE)
		buf_fmt(&line, " code=%s", problem_id(t->refused));
	if (t->dialect != NULL)
		buf_fmt(&line, " dialect=%s", t->dialect);
	if (t->key[0] != '\0')
		buf_fmt(&line, " key=%s", log_word(t->key, key));
	tell_run(t, &line);
	log_line(quiet(t, rq, rs) ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO, "%s%s",
	    buf_cstr(&line), delivered ? "" : " client=gone");
}
