#include "store/record.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "base/when.h"

#define X(name, text) text,
const char *const record_event_names[] = { RECORD_EVENTS(X) NULL };
#undef X

#define X(name, max) max,
static const size_t text_max[] = { RECORD_TEXTS(X) };
#undef X

#define NAME_MAX_BYTES 120 /* of a source file, as path.h has it */

/* --- text --- */

/* Bytes of the character at s that the store takes; 0: it does not. */
static unsigned
good_next(const char *s, size_t len)
{
	uint32_t point = 0;
	unsigned n = utf8_next((const unsigned char *)s, len, &point);

	return point < 0x20 || (point >= 0x7f && point < 0xa0) ? 0 : n;
}

bool
record_text_good(const char *s, size_t len, size_t max)
{
	if (len > max)
		return false;
	for (size_t i = 0; i < len;) {
		unsigned n = good_next(s + i, len - i);
		if (n == 0)
			return false;
		i += n;
	}
	return true;
}

void
record_text_clean(const char *s, size_t max, struct buf *out)
{
	size_t len = s != NULL ? strlen(s) : 0, begin = out->len;

	for (size_t i = 0; i < len;) {
		unsigned n = good_next(s + i, len - i);
		if (out->len - begin + (n == 0 ? 1 : n) > max)
			return;
		buf_add(out, n == 0 ? "?" : s + i, n == 0 ? 1 : n);
		i += n == 0 ? 1 : n;
	}
}

/* --- from a job to a message --- */

static const struct job_test *
test_of(const struct job *job, unsigned i)
{
	return i < job->ntests ? &job->tests[i] : NULL;
}

static int
put_run(const struct test_result *t, const struct job_test *asked, struct buf *out,
    struct err *e)
{
	const struct outcome *o = &t->outcome;
	struct record_run r = {
		.cpu_us = o->cpu_us,
		.wall_us = o->wall_us,
		.queue_us = o->queue_us,
		.memory_bytes = o->memory_bytes,
		.input_bytes = asked != NULL ? asked->input.len : 0,
		.stdout_bytes = t->out.total,
		.stderr_bytes = t->err.total,
		.exit_code = o->exit_code,
		.signal = o->signal,
		.verdict = t->verdict,
		.fired = o->fired,
		.oom_kills = o->oom_kills,
		.compared = t->compared,
		.passed = t->passed,
		.hidden = asked != NULL && asked->hidden,
	};

	if (asked != NULL &&
	    sha256_of(asked->input.data, asked->input.len, &r.input, e) == -1)
		return -1;
	buf_add(out, &r, sizeof(r));
	return 0;
}

/* A lone file is hashed as it is; several as sha256sum(1) would list them. */
static int
hash_source(const struct job *job, struct record_job *to, struct err *e)
{
	scope_buf list = { 0 };
	char hex[SHA256_HEX];

	for (unsigned i = 0; i < job->nfiles; i++) {
		const struct job_file *f = &job->files[i];
		if (sha256_of(f->content.data, f->content.len, &to->source, e) == -1)
			return -1;
		sha256_hex(&to->source, hex);
		buf_fmt(&list, "%s  %s\n", hex, f->name);
		to->source_bytes += f->content.len;
	}
	if (job->nfiles == 1)
		return 0;
	return sha256_of(list.data, list.len, &to->source, e);
}

/* One thing of one run, as long as there is room for it. */
static void
put_event(const struct record_event *v, struct record_job *job, struct buf *out)
{
	if (job->events == RECORD_EVENTS_MAX)
		return;
	buf_add(out, v, sizeof(*v));
	job->events++;
}

static void
put_violation(const struct outcome *o, int test, struct record_job *job, struct buf *out)
{
	struct record_event v = {
		.kind = RECORD_EVENT_VIOLATION, .test = test, .call = o->violation
	};
	scope_buf name = { 0 }, args = { 0 };

	record_text_clean(o->violation_name, sizeof(v.name) - 1, &name);
	memcpy(v.name, buf_cstr(&name), name.len);
	for (unsigned i = 0; o->violation >= 0 && i < 6; i++)
		buf_fmt(&args, "%s0x%" PRIx64, i == 0 ? "" : ",", o->violation_args[i]);
	snprintf(v.detail, sizeof(v.detail), "%s", buf_cstr(&args));
	put_event(&v, job, out);
}

static void
put_events(const struct test_result *t, int test, struct record_job *job, struct buf *out)
{
	const struct outcome *o = &t->outcome;
	struct record_event v = { .test = test, .call = -1 };

	if (t->verdict == VERDICT_SECURITY_VIOLATION)
		put_violation(o, test, job, out);
	if (o->called_much) {
		v.kind = RECORD_EVENT_SYSCALL_RATE;
		snprintf(
		    v.detail, sizeof(v.detail), "%" PRIu64 " calls/s", o->syscalls_per_s);
		put_event(&v, job, out);
	}
	if (o->grew_much) {
		v.kind = RECORD_EVENT_MEMORY_GROWTH;
		snprintf(
		    v.detail, sizeof(v.detail), "%" PRIu64 " bytes/s", o->growth_per_s);
		put_event(&v, job, out);
	}
}

static void
put_attachment(uint32_t kind, unsigned index, const char *name, const struct bytes *b,
    size_t max, struct record_job *job, struct buf *out)
{
	scope_buf clean = { 0 };

	record_text_clean(name, NAME_MAX_BYTES, &clean);
	struct record_attachment_head h = { .kind = kind,
		.index = index,
		.name_len = (uint32_t)clean.len,
		.len = b->len < max ? b->len : max };
	/* What is left out is the attachment, never the record. */
	if (out->len + sizeof(h) + h.name_len + 1 + h.len > RECORD_MAX - (8U << 20))
		return;
	buf_add(out, &h, sizeof(h));
	buf_add(out, buf_cstr(&clean), clean.len + 1);
	buf_add(out, b->data, h.len);
	job->attachments++;
}

static void
put_attachments(const struct answered *a, const struct record_wish *wish,
    struct record_job *job, struct buf *out)
{
	bool evidence =
	    wish->evidence && a->result->verdict == VERDICT_SECURITY_VIOLATION;

	for (unsigned i = 0; i < a->job->nfiles; i++) {
		const struct job_file *f = &a->job->files[i];
		if (wish->sources)
			put_attachment(
			    RECORD_SOURCE, i, f->name, &f->content, SIZE_MAX, job, out);
		if (evidence)
			put_attachment(
			    RECORD_EVIDENCE, i, f->name, &f->content, SIZE_MAX, job, out);
	}
	for (unsigned i = 0; wish->outputs && i < a->result->ntests; i++) {
		const struct test_result *t = &a->result->tests[i];
		if (t->out.kept.len > 0)
			put_attachment(RECORD_STDOUT, i, "", &t->out.kept,
			    RECORD_OUTPUT_MAX, job, out);
		if (t->err.kept.len > 0)
			put_attachment(RECORD_STDERR, i, "", &t->err.kept,
			    RECORD_OUTPUT_MAX, job, out);
	}
}

/* The first fault of our own: why a verdict is internal_error. */
static const char *
fault_of(const struct result *r)
{
	if (r->compile.outcome.fault.code != ERR_NONE)
		return r->compile.outcome.fault.msg;
	for (unsigned i = 0; i < r->ntests; i++)
		if (r->tests[i].outcome.fault.code != ERR_NONE)
			return r->tests[i].outcome.fault.msg;
	return "";
}

static void
put_texts(const struct answered *a, struct buf *out)
{
	const char *const texts[RECORD_TEXT_COUNT] = {
		[RECORD_ID] = a->job->id,
		[RECORD_REQUEST] = a->request_id,
		[RECORD_DIALECT] = a->dialect,
		[RECORD_LANGUAGE] = a->job->language,
		[RECORD_COMPILER] = a->compiler,
		[RECORD_PROFILE] = a->job->effective.name,
		[RECORD_KEY] = a->key,
		[RECORD_USER] = a->user,
		[RECORD_ADDRESS] = a->address,
		[RECORD_ERROR] = fault_of(a->result),
	};

	for (unsigned i = 0; i < RECORD_TEXT_COUNT; i++) {
		scope_buf clean = { 0 };
		record_text_clean(texts[i], text_max[i], &clean);
		uint32_t len = (uint32_t)clean.len;
		buf_add(out, &len, sizeof(len));
		buf_add(out, buf_cstr(&clean), clean.len + 1);
	}
}

int
record_encode(const struct answered *a, const struct record_wish *wish, uint64_t number,
    struct buf *out, struct err *e)
{
	const struct result *r = a->result;
	struct record_head head = { RECORD_MAGIC, RECORD_VERSION, number, 0 };
	struct record_job job = {
		.at = when_now(),
		.took_us = a->took_us,
		.queue_us = r->queue_us,
		.cpu_us = r->max_cpu_us,
		.memory_bytes = r->max_memory_bytes,
		.limits = a->job->effective.run,
		.status = (uint32_t)a->status,
		.verdict = r->verdict,
		.files = a->job->nfiles,
		.tests = r->ntests,
		.passed = r->passed,
		.compiled = r->compiled,
		.cached = r->cached,
		.wait_ms = wish->wait_ms,
	};
	size_t begin = out->len;

	if (r->ntests > RECORD_TESTS_MAX)
		return err_set(e, ERR_OVER_LIMIT, "%u tests in one record", r->ntests);
	if (hash_source(a->job, &job, e) == -1)
		return -1;
	buf_add(out, &head, sizeof(head));
	buf_add(out, &job, sizeof(job)); /* again at the end, with its counts */
	put_texts(a, out);
	if (r->compiled && put_run(&r->compile, NULL, out, e) == -1)
		return -1;
	for (unsigned i = 0; i < r->ntests; i++)
		if (put_run(&r->tests[i], test_of(a->job, i), out, e) == -1)
			return -1;
	if (r->compiled)
		put_events(&r->compile, -1, &job, out);
	for (unsigned i = 0; i < r->ntests; i++)
		put_events(&r->tests[i], (int)i, &job, out);
	put_attachments(a, wish, &job, out);
	head.len = out->len - begin;
	if (head.len > RECORD_MAX)
		return err_set(
		    e, ERR_OVER_LIMIT, "a record of %zu bytes", (size_t)head.len);
	memcpy(out->data + begin, &head, sizeof(head));
	memcpy(out->data + begin + sizeof(head), &job, sizeof(job));
	return 0;
}

/* --- and back --- */

struct reader {
	const char *at;
	size_t left;
};

static const void *
take(struct reader *r, size_t len)
{
	const char *at = r->at;

	if (len > r->left)
		return NULL;
	r->at += len;
	r->left -= len;
	return at;
}

static int
take_into(struct reader *r, void *out, size_t len)
{
	const void *at = take(r, len);

	if (at == NULL)
		return -1;
	memcpy(out, at, len);
	return 0;
}

/* len bytes of good text and their NUL. */
static const char *
take_text(struct reader *r, size_t len, size_t max)
{
	const char *s = len <= max ? take(r, len + 1) : NULL;

	return s != NULL && s[len] == '\0' && record_text_good(s, len, max) ? s : NULL;
}

static int
decode_texts(struct reader *r, struct record *out)
{
	for (unsigned i = 0; i < RECORD_TEXT_COUNT; i++) {
		uint32_t len;
		if (take_into(r, &len, sizeof(len)) == -1)
			return -1;
		out->text[i] = take_text(r, len, text_max[i]);
		if (out->text[i] == NULL)
			return -1;
	}
	/* The key of the table, and the one text that nothing else makes sure of. */
	return strspn(out->text[RECORD_ID], "0123456789abcdef-") == 36 ? 0 : -1;
}

/* So that no sum over the log overflows: 50 days in microseconds, 4 TiB. */
#define NUMBER_MAX (1ULL << 42)

static bool
in_range(const uint64_t *numbers, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (numbers[i] > NUMBER_MAX)
			return false;
	return true;
}

static int
check_job(const struct record_job *j)
{
	const uint64_t numbers[] = { j->took_us, j->queue_us, j->cpu_us, j->memory_bytes,
		j->source_bytes };

	if (j->at < 0 || !in_range(numbers, sizeof(numbers) / sizeof(numbers[0])))
		return -1;
	for (unsigned i = 0; limits_json[i] != NULL; i++)
		if (limits_get(&j->limits, i) > NUMBER_MAX)
			return -1;
	return j->status >= 100 && j->status <= 599 && j->verdict < VERDICT_MAX_ &&
		       j->tests <= RECORD_TESTS_MAX && j->passed <= j->tests &&
		       j->events <= RECORD_EVENTS_MAX && j->compiled <= 1 &&
		       j->cached <= 1 && j->files <= 10000 &&
		       j->attachments <= 2 * (j->tests + j->files)
		   ? 0
		   : -1;
}

static int
decode_run(struct reader *r, struct record_run *out)
{
	if (take_into(r, out, sizeof(*out)) == -1)
		return -1;
	const uint64_t numbers[] = { out->cpu_us, out->wall_us, out->queue_us,
		out->memory_bytes, out->input_bytes, out->stdout_bytes,
		out->stderr_bytes };
	return in_range(numbers, sizeof(numbers) / sizeof(numbers[0])) &&
		       out->verdict < VERDICT_MAX_ && out->fired <= FIRED_CANCEL &&
		       out->signal >= 0 && out->signal <= 128 && out->compared <= 1 &&
		       out->passed <= 1 && out->hidden <= 1
		   ? 0
		   : -1;
}

static int
decode_event(struct reader *r, const struct record_job *job, struct record_event *out)
{
	if (take_into(r, out, sizeof(*out)) == -1)
		return -1;
	size_t name = strnlen(out->name, sizeof(out->name));
	size_t detail = strnlen(out->detail, sizeof(out->detail));
	return out->kind < RECORD_EVENT_COUNT && out->test >= -1 &&
		       out->test < (int32_t)job->tests && out->call >= -1 &&
		       record_text_good(out->name, name, sizeof(out->name) - 1) &&
		       record_text_good(out->detail, detail, sizeof(out->detail) - 1)
		   ? 0
		   : -1;
}

static int
decode_attachment(
    struct reader *r, const struct record_job *job, struct record_attachment *out)
{
	if (take_into(r, &out->head, sizeof(out->head)) == -1)
		return -1;
	bool stream = out->head.kind == RECORD_STDOUT || out->head.kind == RECORD_STDERR;
	if (out->head.kind >= RECORD_ATTACHMENT_COUNT ||
	    out->head.index >= (stream ? job->tests : job->files))
		return -1;
	out->name = take_text(r, out->head.name_len, NAME_MAX_BYTES);
	out->data = take(r, out->head.len);
	return out->name != NULL && out->data != NULL ? 0 : -1;
}

/* No more of them than there are bytes for: a count alone costs no memory. */
static void *
room_for(const struct reader *r, size_t n, size_t in_message, size_t size)
{
	return n <= r->left / in_message ? calloc(n + 1, size) : NULL;
}

static int
decode_body(struct reader *r, struct record *out)
{
	struct record_job *job = &out->job;

	if (take_into(r, job, sizeof(*job)) == -1 || check_job(job) == -1 ||
	    decode_texts(r, out) == -1)
		return -1;
	if (job->compiled != 0 && decode_run(r, &out->compile) == -1)
		return -1;
	out->tests =
	    room_for(r, job->tests, sizeof(struct record_run), sizeof(*out->tests));
	for (unsigned i = 0; out->tests != NULL && i < job->tests; i++)
		if (decode_run(r, &out->tests[i]) == -1)
			return -1;
	out->events =
	    room_for(r, job->events, sizeof(struct record_event), sizeof(*out->events));
	for (unsigned i = 0; out->events != NULL && i < job->events; i++)
		if (decode_event(r, job, &out->events[i]) == -1)
			return -1;
	out->attachments = room_for(r, job->attachments,
	    sizeof(struct record_attachment_head), sizeof(*out->attachments));
	for (unsigned i = 0; out->attachments != NULL && i < job->attachments; i++)
		if (decode_attachment(r, job, &out->attachments[i]) == -1)
			return -1;
	return out->tests != NULL && out->events != NULL && out->attachments != NULL &&
		       r->left == 0
		   ? 0
		   : -1;
}

int
record_decode(const void *data, size_t len, struct record *out, struct err *e)
{
	struct reader r = { .at = data, .left = len };

	*out = (struct record){ 0 };
	if (len > RECORD_MAX || take_into(&r, &out->head, sizeof(out->head)) == -1 ||
	    out->head.magic != RECORD_MAGIC || out->head.version != RECORD_VERSION ||
	    out->head.len != len || decode_body(&r, out) == -1) {
		record_free(out);
		return err_set(e, ERR_PROTO, "not a record: %zu bytes", len);
	}
	return 0;
}

void
record_free(struct record *r)
{
	free(r->tests);
	free(r->events);
	free(r->attachments);
	*r = (struct record){ 0 };
}
