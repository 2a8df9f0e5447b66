/*
 * kernel - what judgebox cannot do without, asked of the kernel itself: version numbers
 * say nothing where a distribution carries features back, or a container takes calls
 * away.
 */
#ifndef BASE_KERNEL_H
#define BASE_KERNEL_H

#include "base/err.h"

/* The oldest Linux that has all of it. */
#define KERNEL_NEEDED_MAJOR 5
#define KERNEL_NEEDED_MINOR 12
#define KERNEL_NEEDED       "Linux 5.12"

#define KERNEL_MISSING_MAX 160

/* Names of the system calls that are missing, separated by ", ", with the version that
 * brought each.  Returns how many they are. */
unsigned kernel_missing(char out[KERNEL_MISSING_MAX]);

/* ERR_SYS, and all that is missing, in one sentence. */
int kernel_check(struct err *e);

#endif
