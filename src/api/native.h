/* native - the parts of the native dialect that others need too. */
#ifndef API_NATIVE_H
#define API_NATIVE_H

#include "api/dialect.h"

int native_encode(const struct judged *j, struct writer *w);
/* The shape of a refusal; also of those that belong to no dialect, as a 404. */
void native_refuse(const struct problem *p, const char *request_id, struct writer *w);
/* An object of limits, members as in limits_json; cpus only where there is a throttle. */
void native_write_limits(struct writer *w, const char *key, const struct limits *l);

field_taker native_take_language; /* struct job */
field_taker native_take_code;     /* struct job, which has no file yet */
/* Refuses a body without language, or without code where code_too. */
int native_need(struct reading *r, const struct value *body, bool code_too);

extern const char *const native_modes[]; /* by enum compare_mode; NULL ends it */

#endif
