/*
 * inquiry - a question about the audit trail, and the page that answers it.  Plain data
 * of fixed size: a worker sends the one and gets the other.
 */
#ifndef MODEL_INQUIRY_H
#define MODEL_INQUIRY_H

#include "base/sha256.h"
#include "model/identity.h"

#define INQUIRY_LIMIT_MAX 200
#define INQUIRY_KIND_MAX  32 /* with the NUL */

struct inquiry {
	struct token token;   /* whose asks: whoever answers looks it up himself */
	int64_t after;        /* number of the last record that is known */
	int64_t since, until; /* microseconds since 1970; until 0: no end */
	uint64_t limit;       /* 1 to INQUIRY_LIMIT_MAX */
	char key[KEY_NAME_MAX], user[USER_NAME_MAX], kind[INQUIRY_KIND_MAX]; /* "": any */
};

/* Its records follow, each a line. */
struct inquiry_page {
	int64_t next;         /* to go on behind */
	int64_t head, anchor; /* the last record; the last one that retention removed */
	struct sha256 head_hash, anchor_hash;
	uint32_t records;
	uint32_t more; /* 1: there are records behind `next` */
};

#endif
