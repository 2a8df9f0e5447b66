/*
 * tenant - whom a job is run for, as far as its place in the queue goes.  Plain data;
 * src/api fills it from the key and the user of a request, src/box passes it on.
 *
 * Shares are by key, inside a key by user, inside a user by job.
 */
#ifndef MODEL_TENANT_H
#define MODEL_TENANT_H

#include <stdint.h>

struct tenant {
	uint64_t key;             /* 0: those without a key, who share one place */
	uint64_t user;            /* hash of the user inside the key; 0: none named */
	uint32_t slots_max;       /* at the same time; 0: no bound */
	uint32_t slots_reserved;  /* held for this key at this hour */
	uint32_t slots_held_back; /* held for other keys at this hour */
	uint32_t reserved;        /* 0 */
};

#endif
