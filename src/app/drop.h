/* drop - from root to the service's own user, for good. */
#ifndef APP_DROP_H
#define APP_DROP_H

#include "base/err.h"

/*
 * As root: becomes `user` (its group, no further groups), gains nothing by exec any more
 * and is closed to ptrace(2).  As anybody else it only does the last two.  Fails for an
 * unknown user and for one that is root under another name.
 */
int drop_privileges(const char *user, struct err *e);

#endif
