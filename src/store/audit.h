/*
 * audit - who tried what: violations, what administrators did, starts and stops.
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
#include "store/record.h"

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
/* What an administrator did, with the name of who did it: opens the log of the directory
 * `store`, adds the record, closes.  No log there: 0, and nothing happens. */
int audit_action(const char *store, const char *kind, const char *key, const char *user,
    const char *detail, struct err *e);

/* For those who become somebody else in between: who it was before. */
const char *audit_person(char out[80]);
int audit_action_by(const char *by, const char *store, const char *kind, const char *key,
    const char *user, const char *detail, struct err *e);

/* The canonical line; with its hash at the end as it is exported. */
void audit_line(const struct audit_entry *entry, bool with_hash, struct buf *out);

/* A hash over files, one by one: of a lone one its own, of several that of the list that
 * sha256sum(1) makes of them. */
struct audit_files {
	struct buf list; /* owned */
	struct sha256 last;
	unsigned n;
};
int audit_files_add(
    struct audit_files *f, const char *name, const void *data, size_t len, struct err *e);
/* In hex; "" of none. */
int audit_files_hash(const struct audit_files *f, char out[SHA256_HEX], struct err *e);

/* The events of a job, each a record; the sources as evidence where it brought them.  In
 * a transaction of the caller. */
int audit_job(struct db *d, const struct record *r, struct err *e);

/* What it takes in the file, about. */
int audit_bytes(struct db *d, uint64_t *bytes, struct err *e);

/* --- flags --- */

struct audit_flag_rule {
	unsigned violations; /* jobs in `window_us` that make a flag; 0: never */
	int64_t window_us, lasts_us;
};
/* Was the user's last job one too many?  Then adds the record, and returns 1. */
int audit_flag(struct db *d, const struct audit_flag_rule *rule, const char *key,
    const char *user, int64_t now, struct err *e);

/* Who is flagged now: the last word about each within lasts_us. */
typedef int audit_flag_visit(
    void *ctx, const char *key, const char *user, int64_t since, struct err *e);
int audit_flagged(struct db *d, int64_t lasts_us, int64_t now, audit_flag_visit *visit,
    void *ctx, struct err *e);

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
