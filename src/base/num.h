/*
 * num - strict numbers from text: digits, then at most one unit.  No sign, no blank,
 * no octal, no saturation.
 */
#ifndef BASE_NUM_H
#define BASE_NUM_H

#include <stdint.h>

#include "base/err.h"

enum num_unit {
	NUM_PLAIN, /* "64" */
	NUM_BYTES, /* "256M": K, M, G are powers of 1024 */
	NUM_MSEC,  /* "250ms", "3s", "2m", "1h", "30d"; a bare number is milliseconds */
};

/* Fails with ERR_BAD_INPUT; *out is then untouched. */
int num_parse(const char *text, enum num_unit unit, uint64_t *out, struct err *e);

#endif
