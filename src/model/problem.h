/*
 * problem - why a request was refused, in the words of API.md's error table.
 * Plain data; src/api turns it into JSON, and is the only room that knows the status.
 */
#ifndef MODEL_PROBLEM_H
#define MODEL_PROBLEM_H

#include <stdint.h>

#include "base/err.h"

#define PROBLEMS(X)                                                                      \
	X(BAD_JSON, 400, "bad_json")                                                     \
	X(BAD_FIELD, 400, "bad_field")                                                   \
	X(MISSING_FIELD, 400, "missing_field")                                           \
	X(UNSUPPORTED_LANGUAGE, 400, "unsupported_language")                             \
	X(LIMIT_TOO_HIGH, 400, "limit_too_high")                                         \
	X(TOO_MANY_TESTS, 400, "too_many_tests")                                         \
	X(UNKNOWN_PROFILE, 400, "unknown_profile")                                       \
	X(BAD_FILE_NAME, 400, "bad_file_name")                                           \
	X(KEY_REQUIRED, 401, "key_required")                                             \
	X(BAD_KEY, 401, "bad_key")                                                       \
	X(NOT_ALLOWED, 403, "not_allowed")                                               \
	X(FLAGGED, 403, "flagged")                                                       \
	X(NOT_FOUND, 404, "not_found")                                                   \
	X(METHOD_NOT_ALLOWED, 405, "method_not_allowed")                                 \
	X(BODY_TOO_LARGE, 413, "body_too_large")                                         \
	X(SOURCE_TOO_LARGE, 413, "source_too_large")                                     \
	X(NOT_JSON, 415, "not_json")                                                     \
	X(QUOTA_EXCEEDED, 429, "quota_exceeded")                                         \
	X(KEYS_UNAVAILABLE, 503, "keys_unavailable")                                     \
	X(QUOTAS_UNAVAILABLE, 503, "quotas_unavailable")                                 \
	X(OVERLOADED, 503, "overloaded")                                                 \
	X(DRAINING, 503, "draining")                                                     \
	X(SANDBOX_UNAVAILABLE, 503, "sandbox_unavailable")                               \
	X(LOG_UNAVAILABLE, 503, "log_unavailable")                                       \
	X(INTERNAL, 500, "internal")

#define X(sym, status, id) PROBLEM_##sym,
enum problem_code { PROBLEM_NONE, PROBLEMS(X) PROBLEM_MAX_ };
#undef X

struct problem {
	enum problem_code code;
	char text[240]; /* one sentence for a person */
	char path[96];  /* "tests[3].limits.cpuMs", empty if no field is to blame */
	const char
	    *quota; /* which one is used up, static; NULL: it is not about quotas */
	uint32_t retry_after_s; /* 0: no Retry-After header */
};

/* Returns -1, so that refusing is one line. path may be NULL. */
int problem_set(struct problem *p, enum problem_code code, const char *path,
    const char *fmt, ...) ERR_PRINTF(4, 5);

int problem_status(enum problem_code code);
const char *problem_id(enum problem_code code);

#endif
