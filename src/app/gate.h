/*
 * gate - the files behind keys and quotas, as a process of the service has them open.
 *
 * The master makes what is missing, once it is the service's user; a worker opens both
 * before it serves, keeps them open to its end, and opens nothing later.  What cannot be
 * opened is logged and left out: src/api then refuses what needs it.
 */
#ifndef APP_GATE_H
#define APP_GATE_H

#include "api/api.h"

#define QUOTA_FILE "quota.map" /* beside KEYS_FILE */

struct gate {
	struct keys *keys;   /* owned */
	struct quota *quota; /* owned */
	bool broken;         /* one of them failed */
	uint64_t opened_us;
};

/* As root, before it becomes the service's user: makes the directory if there is none.
 * Where that fails, the rest will, and say so. */
void gate_make_room(const char *state, const char *user);

/* The master's part.  Says who will be served. */
void gate_prepare(const char *state, const struct access *access);

/* A worker's.  g->keys and g->quota are NULL where it failed. */
void gate_open(struct gate *g, const char *state);
void gate_close(struct gate *g);
struct api_gate gate_for_api(struct gate *g);

/* Time for another worker, which opens both anew.  Not more often than once a second
 * each, or every refusal would cost a process. */
bool gate_is_over(const struct gate *g);

#endif
