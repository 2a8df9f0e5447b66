/*
 * path - the one rule for file names that came from outside: relative, plain, beneath.
 *
 * At most PATH_NAME_MAX bytes, at most PATH_DEPTH components of [A-Za-z0-9._+$-] and
 * bytes above 127 each; no component is empty, begins with '-' or '.', so neither "..",
 * nor an option, nor a hidden start-up file can be spelled.
 */
#ifndef BASE_PATH_H
#define BASE_PATH_H

#include <stddef.h>

#include "base/err.h"

#define PATH_NAME_MAX 120 /* bytes, without the NUL */
#define PATH_DEPTH    8

/* len is the true length: a name with a NUL inside is refused. */
int path_check_name(const char *name, size_t len, struct err *e);

#endif
