/*
 * ids - do the slots' user and group ids belong to nobody else on this machine?
 *
 * Whoever has an id of a slot may signal its programs, and is counted together with them:
 * accounts (passwd(5), group(5)) and ranges lent to them (subuid(5), subgid(5)) must lie
 * elsewhere.  Only the files are read; accounts of a directory service have ids that an
 * administrator keeps apart from such ranges himself.
 */
#ifndef SANDBOX_IDS_H
#define SANDBOX_IDS_H

#include "base/err.h"

/* Ids first … first + count - 1; etc: the directory of those files.  A file that is
 * missing names nobody.  Fails with who has which of them, and what to do. */
int ids_check(const char *etc, unsigned first, unsigned count, struct err *e);

#endif
