/*
 * audit - the chain of records of who tried what: violations (incident.h), what
 * administrators did (action.h), starts and stops.  Read it is by trail.h.
 *
 * Every record's SHA-256 covers its canonical JSON line, in which the hash of the record
 * before it stands, so that a change or a deletion shows.  What retention removes is
 * signed off: the last hash removed stands in a record of kind "retention", and the chain
 * goes on from there.  Whoever can write the file could still make a whole new chain:
 * its head is therefore logged now and then, and trail_verify compares with such a line.
 */
#ifndef STORE_AUDIT_H
#define STORE_AUDIT_H

#include "base/buf.h"
#include "store/db.h"

extern const struct db_schema audit_schema;

/* Texts in the order of the canonical line; empty ones are left out of it. */
#define AUDIT_TEXTS(X)                                                                   \
	X(kind)                                                                          \
	X(key)                                                                           \
	X(user)                                                                          \
	X(address)                                                                       \
	X(language)                                                                      \
	X(job)                                                                           \
	X(request)                                                                       \
	X(source)                                                                        \
	X(call)                                                                          \
	X(by)                                                                            \
	X(detail)                                                                        \
	X(evidence)

struct audit_entry {
	int64_t n;      /* audit_append counts */
	int64_t at;     /* 0: now */
	int64_t number; /* of the system call; -1: none */
	int64_t test;   /* -1: none */
#define X(name) const char *name;
	/* source: hash of it, in hex; call: name of the system call; by: the person, as
	 * far as the system knows; evidence: hash of the files kept with the record, as
	 * that of a source; NULL is "" */
	AUDIT_TEXTS(X)
#undef X
	struct sha256 previous, hash;
};

/* In a transaction of the caller; fills n, at and the hashes. */
int audit_append(struct db *d, struct audit_entry *entry, struct err *e);
/* The same, in a transaction of its own. */
int audit_add(struct db *d, struct audit_entry *entry, struct err *e);

/* The canonical line; with its hash at the end as it is exported. */
void audit_line(const struct audit_entry *entry, bool with_hash, struct buf *out);

/* What it takes in the file, evidence included, about. */
int audit_bytes(struct db *d, uint64_t *bytes, struct err *e);

/* --- keeping --- */

/* Removes what is older, and signs off.  Returns how many; in a transaction of its own.
 */
int audit_prune(struct db *d, int64_t before, struct err *e);
/* The same with the older half, whatever its age. */
int audit_halve(struct db *d, struct err *e);

/* --- the ends of the chain --- */

/* Number and hash of the last record; 0 and zeros: there was none yet. */
int audit_head(struct db *d, int64_t *n, struct sha256 *hash, struct err *e);
/* The same of the last one that retention removed. */
int audit_anchor(struct db *d, int64_t *n, struct sha256 *hash, struct err *e);
/* What the record of a retention says: the anchor, signed off. */
void audit_sign_off(int64_t n, const struct sha256 *hash, char out[120]);

/* What entry->hash must be. */
int audit_hash(const struct audit_entry *entry, struct sha256 *out, struct err *e);

#endif
