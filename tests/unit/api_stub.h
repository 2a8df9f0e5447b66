/*
 * api_stub - src/api with a judge that runs nothing: three languages, and scenes, which
 * are results given in advance.  For the tests and the fuzzer of this room.
 */
#ifndef TESTS_API_STUB_H
#define TESTS_API_STUB_H

#include "api/api.h"

struct stub {
	struct api api;
	struct site site;
	volatile sig_atomic_t draining;
	struct http_request rq;
	struct http_response rs;
};

/* What the stub's judge does with the next job. */
extern struct stub_judge {
	const char *scene;                /* name of a row of scenes[]; NULL: "ok" */
	struct problem refuse;            /* code set: run fails with it */
	bool gone;                        /* run finds the client gone */
	bool helper_away;                 /* ready says no */
	void (*look)(const struct job *); /* at an admitted job; may be NULL */
	unsigned runs;
	struct tenant tenant; /* of the last run */
} stub_judge;

void stub_start(struct stub *s);
void stub_end(struct stub *s); /* frees request and answer */

/* One request; the answer is in s->rs, its body terminated. Returns api_handle's value.
 */
bool stub_ask(
    struct stub *s, const char *method, const char *path, const char *body, size_t len);

#endif
