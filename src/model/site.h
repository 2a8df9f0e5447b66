/*
 * site - what this installation allows: sizes, caps, profiles, origins.
 * Plain data; src/app/settings.c reads it from the configuration, the rooms between
 * borrow it as const.
 */
#ifndef MODEL_SITE_H
#define MODEL_SITE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/words.h"
#include "model/identity.h"
#include "model/limits.h"

#define SITE_PROFILES 32

struct site {
	uint64_t max_body_bytes;   /* of a request, before it is parsed: 1 MiB */
	uint64_t max_source_bytes; /* all files of a job: 102400 */
	uint64_t max_tests;        /* 256 */
	/* of one answer, as they are sent: inputs, and streams, which beyond it are cut */
	uint64_t max_answer_bytes;
	unsigned jobs_per_key;     /* of one key at the same time; 0: no bound */
	struct limits cap;         /* no request goes above; 0: no cap */
	struct limits compile_cap;
	struct profile profiles[SITE_PROFILES];
	unsigned nprofiles;        /* profiles[0] is "default" */
	struct access access;
	struct words cors_origins; /* allowed origins; "*" is any; empty: no CORS */
};

const struct profile *site_profile(const struct site *s, const char *name);

/* The built-in profiles with the numbers of the reference documents, and the caps. */
void site_defaults(struct site *s);

#endif
