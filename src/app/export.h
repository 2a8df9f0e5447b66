/*
 * export - jobs of the run log for other programs: as JSON lines, or as CSV, a line for
 * each job or for each of its tests.
 */
#ifndef APP_EXPORT_H
#define APP_EXPORT_H

#include "app/cli_store.h"

/* Those that were picked, in the format that was. */
int export_jobs(struct db *d, const struct cli_pick *p, struct err *e);
/* One, as a JSON line.  Returns 0: there is none of this id or request. */
int export_one(struct db *d, const char *id, struct err *e);

#endif
