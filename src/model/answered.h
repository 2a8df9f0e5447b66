/*
 * answered - a job that was judged, and what else the run log keeps of it.  Plain data;
 * everything is borrowed for the length of a call.
 */
#ifndef MODEL_ANSWERED_H
#define MODEL_ANSWERED_H

#include "model/result.h"

struct answered {
	const struct job *job;
	const struct result *result;
	int status;             /* of the answer */
	uint64_t took_us;       /* from its request's arrival */
	const char *request_id; /* texts may be NULL: not known */
	const char *dialect;
	const char *compiler; /* version of the language's programs */
	const char *key;      /* name of the key it came with */
	const char *user;
	const char *address; /* of the client */
};

#endif
