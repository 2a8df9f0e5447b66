/*
 * code - where a function's code can be changed.
 */
#ifndef SANDBOX_WARM_CODE_H
#define SANDBOX_WARM_CODE_H

#include <stddef.h>

/* Where there is room for `bytes` in the function of `size` at `at`: right there; or, if
 * it is only a jump within its library, and too short, where that goes to, as
 * CPython 3.13's Py_FinalizeEx() is.  NULL: nowhere. */
unsigned char *code_to_change(unsigned char *at, size_t size, size_t bytes);

#endif
