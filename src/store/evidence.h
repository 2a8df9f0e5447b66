/*
 * evidence - the sources that are kept with a record of the audit trail, because of what
 * they did.  The record has their hash: of a lone one its own, of several that of the
 * list that sha256sum(1) makes of them.
 */
#ifndef STORE_EVIDENCE_H
#define STORE_EVIDENCE_H

#include "base/buf.h"
#include "store/db.h"
#include "store/record.h"

/* Towards that hash, file by file. */
struct evidence {
	struct buf list; /* owned */
	struct sha256 last;
	unsigned n;
};
int evidence_add(
    struct evidence *v, const char *name, const void *data, size_t len, struct err *e);
/* In hex; "" of none. */
int evidence_hash(const struct evidence *v, char out[SHA256_HEX], struct err *e);

/* All that a job brought: its hash, and into the file with record n. */
int evidence_hash_job(const struct record *r, char out[SHA256_HEX], struct err *e);
int evidence_keep(struct db *d, int64_t n, const struct record *r, struct err *e);

/* What is kept with record n, in its order. */
typedef int evidence_visit(
    void *ctx, const char *name, const void *data, size_t len, struct err *e);
int evidence_list(
    struct db *d, int64_t n, evidence_visit *visit, void *ctx, struct err *e);

#endif
