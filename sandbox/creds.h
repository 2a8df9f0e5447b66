/*
 * creds - who a slot's processes are: capabilities, securebits, no_new_privs.
 *
 * All of it happens inside the slot's user namespace; "root" there is nobody outside.
 */
#ifndef SANDBOX_CREDS_H
#define SANDBOX_CREDS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define CREDS_CAP(n) (1ULL << (n))

/* Empties the bounding, ambient and inheritable sets, locks securebits, keeps only
 * `keep` permitted and effective, forbids new privileges, and reads it all back. */
int creds_reduce(uint64_t keep, struct err *e);

/* For a child that shares its parent's memory: raw system calls, returns 0 or -errno.
 * Becomes uid and gid for good and verifies that nothing is left to come back with. */
long creds_become(unsigned uid, unsigned gid);

#endif
