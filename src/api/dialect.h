/*
 * dialect - one way to ask for a run and to be told what came of it.  A dialect is an
 * adapter between its JSON and struct job / struct result; it knows nothing of HTTP but
 * the status it answers with, and nothing of how a job is run.
 */
#ifndef API_DIALECT_H
#define API_DIALECT_H

#include "api/fields.h"
#include "api/write.h"
#include "model/result.h"

/* What there is to say once a job was judged.  All borrowed. */
struct judged {
	const struct job *job;
	const struct result *result;
	const struct warnings *warnings;
};

struct dialect {
	const char *name;    /* in the log */
	const char *profile; /* where neither key nor request names one; NULL: default */
	int (*decode)(struct reading *r, const struct value *body);
	int (*encode)(const struct judged *j, struct writer *w); /* returns the status */
	void (*refuse)(const struct problem *p, const char *request_id, struct writer *w);
};

extern const struct dialect dialect_native, dialect_proctorx, dialect_editor,
    dialect_execute, dialect_test;

#endif
