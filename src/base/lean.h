/*
 * lean - memory that a process has and does not need goes back to the kernel.
 *
 * For processes of one thread that stay for long and are mostly idle; both cost less than
 * a millisecond.
 */
#ifndef BASE_LEAN_H
#define BASE_LEAN_H

#define LEAN_REST_MS 1000 /* with nothing to do for so long it is time to */

/* What was freed, and the stack below its caller: the largest request there was would
 * count for ever. */
void lean_rest(void);

/* Pages that hold nothing but zeros, as libraries leave them that clear large tables.
 * They read as before.  Without /proc it does nothing. */
void lean_drop_zeros(void);

#endif
