/*
 * Any message of a worker to the recorder: refused with a reason, or a record of which
 * every text ends within the message and every number is in its range.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(int yes, const char *what)
{
	if (yes)
		return;
	fprintf(stderr, "%s\n", what);
	abort();
}

static void
check(const struct record *r, const char *begin, const char *end)
{
	for (unsigned i = 0; i < RECORD_TEXT_COUNT; i++)
		require(r->text[i] >= begin && r->text[i] + strlen(r->text[i]) < end,
		    "a text leaves its message");
	for (unsigned i = 0; i < r->job.tests; i++)
		require(r->tests[i].verdict < VERDICT_MAX_, "no such verdict");
	for (unsigned i = 0; i < r->job.events; i++) {
		const struct record_event *v = &r->events[i];
		require(v->kind < RECORD_EVENT_COUNT &&
			    strlen(v->name) < sizeof(v->name) &&
			    strlen(v->detail) < sizeof(v->detail),
		    "an event is not whole");
	}
	for (unsigned i = 0; i < r->job.attachments; i++) {
		const struct record_attachment *a = &r->attachments[i];
		require(a->data >= begin && a->head.len <= (size_t)(end - a->data) &&
			    a->name + strlen(a->name) < end,
		    "an attachment leaves its message");
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct record r;
	struct err e = { .code = ERR_NONE };
	scope_buf clean = { 0 };
	scope_buf text = { 0 };

	if (record_decode(data, size, &r, &e) == 0) {
		check(&r, (const char *)data, (const char *)data + size);
		record_free(&r);
	} else {
		require(
		    e.code == ERR_PROTO && e.msg[0] != '\0', "refused without a reason");
	}
	buf_add(&text, data, size);
	record_text_clean(buf_cstr(&text), 100, &clean);
	require(
	    record_text_good(clean.data, clean.len, 100), "cleaned text is not clean");
	return 0;
}
