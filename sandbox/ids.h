/*
 * ids - do the slots' user and group ids belong to nobody else on this machine?
 *
 * And which ids does the machine lend to an account, for namespaces that it makes?
 *
 * Whoever has an id of a slot may signal its programs, and is counted together with them:
 * accounts (passwd(5), group(5)) and ranges lent to them (subuid(5), subgid(5)) must lie
 * elsewhere.  Only the files are read; accounts of a directory service have ids that an
 * administrator keeps apart from such ranges himself.
 */
#ifndef SANDBOX_IDS_H
#define SANDBOX_IDS_H

#include <stdbool.h>

#include "base/err.h"

/* Ids first … first + count - 1; etc: the directory of those files.  A file that is
 * missing names nobody.  lent: look into subuid and subgid, too, which in a namespace of
 * our own speak of other ids than ours.  Fails with who has which of them, and what to
 * do.
 */
int ids_check(const char *etc, unsigned first, unsigned count, bool lent, struct err *e);

struct ids_range {
	unsigned first, count;
};

/* The longest range that a file like subuid(5) lends to an account, by name or number. */
int ids_lent(const char *path, const char *name, unsigned uid, struct ids_range *out,
    struct err *e);

#endif
