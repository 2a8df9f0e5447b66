/*
 * end - a shorter end for a program that leaves nothing to be done.
 *
 * Before it ends, CPython takes itself apart: for a short program that is half of what it
 * costs.  What of it can be noticed is what it makes run: finalizers, callbacks, the
 * closing of what somebody writes to.  Whether there is any of these can be seen from the
 * objects that there are.  If there is none, only the standard streams are flushed; in
 * any doubt the interpreter does what it always does.
 */
#ifndef SANDBOX_WARM_END_H
#define SANDBOX_WARM_END_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define END_PATCH_BYTES 12

/* What the image has at another place than the process: a jump to us, where CPython's
 * Py_FinalizeEx() begins. */
struct end_patch {
	uint64_t at; /* 0: nowhere */
	unsigned char code[END_PATCH_BYTES];
};

/* To be called by a thread that holds the interpreter's lock, just before an image of it
 * is taken.  Where anything is not as it is known to be, every program ends as ever. */
void end_prepare(struct end_patch *p);

#endif
