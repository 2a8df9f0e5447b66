/*
 * identity - who asks, and what he may.  Plain data, no pointers: src/api fills it from
 * the key of a request (or from the site, for those without one), the rooms below read
 * it.
 *
 * A number of 0 in what follows is "no bound of its own": the site's hold all the same.
 */
#ifndef MODEL_IDENTITY_H
#define MODEL_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/words.h"
#include "model/limits.h"

enum scope { SCOPE_RUN = 1, SCOPE_METRICS = 2, SCOPE_AUDIT = 4, SCOPE_ADMIN = 8 };

/* Names in the order of the bits; NULL ends. */
extern const char *const scope_names[];

#define KEY_NAME_MAX    64  /* with the NUL: letters, digits and . _ - */
#define USER_NAME_MAX   129 /* with the NUL */
#define TOKEN_ID_HEX    16  /* of the public part of a token */
#define TOKEN_SECRET    64  /* hex digits of 256 random bits */
#define TOKEN_PREFIX    "jb_"
#define TOKEN_TEXT_SIZE (3 + TOKEN_ID_HEX + 1 + TOKEN_SECRET + 1)

/* count requests in period_s seconds on the average, burst at once. */
struct rate {
	uint64_t count; /* 0: no bound */
	uint64_t period_s;
	uint64_t burst; /* 0: count */
};

/* What may be used up, by a key or by one user of it. */
struct allowance {
	struct rate rate;
	uint64_t jobs;   /* at a time, those that wait for a slot included */
	uint64_t cpu_ms; /* of a day, compilers included */
};

struct identity {
	bool anonymous;
	bool trusted; /* anonymous, but of this machine: its user is believed */
	uint64_t key; /* 0: anonymous */
	char name[KEY_NAME_MAX];  /* of the key; "": anonymous */
	char user[USER_NAME_MAX]; /* "": none named.  No control characters */
	uint64_t user_hash;       /* inside the key; 0: none named */
	unsigned scopes;
	struct allowance own, each_user;
	uint64_t max_memory; /* bytes, of a test */
	uint64_t max_tests;
	uint64_t max_source;                      /* bytes */
	uint64_t user_max_tests, user_max_source; /* of a request that names a user */
	uint64_t slots;                 /* at the same time; further work waits */
	char profile[PROFILE_NAME_MAX]; /* where a request names none; "": "default" */
	struct words languages;         /* ids; empty: all */
	struct words networks;          /* where it may come from; empty: anywhere */
	int64_t expires;                /* microseconds since 1970; 0: never */
	bool revoked;
};

/* Who is served without a key. */
enum anonymous_mode {
	ANONYMOUS_LOOPBACK, /* clients on this machine */
	ANONYMOUS_OFF,
	ANONYMOUS_ADDRESS, /* anybody, each address a user with limits of its own */
};

/* What became of a token that was presented. */
enum key_state { KEY_UNKNOWN, KEY_GOOD, KEY_REVOKED, KEY_EXPIRED };

/* Whom the site lets in without a key, and whose word it takes for a user. */
struct access {
	enum anonymous_mode anonymous;
	bool trust_user_header;
	struct words local_hosts; /* names of this machine beside localhost */
	struct identity stranger; /* with ANONYMOUS_ADDRESS; each_user: of one address */
};

/* A token as it was presented, in its two parts. */
struct token {
	char id[TOKEN_ID_HEX + 1];
	char secret[TOKEN_SECRET + 1];
};

#define RATE_MAX 1000000 /* of count and burst */

/* "60/min": s, min, h or day.  Keeps the burst. */
int rate_parse(const char *text, struct rate *out, struct err *e);
void rate_text(const struct rate *r, char *out, unsigned long size);
/* "run,metrics" to bits and back. */
int scopes_parse(const char *text, unsigned *out, struct err *e);
void scopes_text(unsigned scopes, char *out, unsigned long size);
/* "jb_…_…"; false: it is none. */
bool token_parse(const char *text, struct token *out);
bool key_name_good(const char *name);

/* No bound anywhere: then nothing has to be counted. */
bool allowance_is_free(const struct allowance *a);

#endif
