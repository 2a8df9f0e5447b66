/*
 * left - is there anything whose end could be noticed, among the objects that are left?
 *
 * Finalizers: a type has tp_finalize or tp_del, so has every class with __del__.  Not
 * only for instances we look, but for such classes: some instances are out of sight.
 * Generators and coroutines have one, too.
 *
 * Streams have tp_finalize.  Known are io's own, with nothing hung onto them, that read
 * or are in memory, or are the standard ones; any other could write at its end.  All must
 * be such that they can be closed.
 *
 * Callbacks of weak references, but for the one that abstract base classes use.
 *
 * Warnings of what was not closed: they are ignored, unless somebody asked for them.
 *
 * Comparisons: where a module is emptied its keys may be compared, so all must be plain
 * strings.
 *
 * Other objects just give memory back.  To do that for nested ones may take more stack
 * than there is, which would be noticed: so there must not be too many.
 */
#ifndef SANDBOX_WARM_LEFT_H
#define SANDBOX_WARM_LEFT_H

#include "sandbox/warm/python.h"

/* All are for a thread that holds the interpreter's lock.  The first looks at one that
 * has not begun with its program: false means that it is not as those that are known, and
 * the others must not be asked. */
bool left_learn(const struct python *py);

/* Can sys.stdout and sys.stderr be flushed without anybody's own code? */
bool left_plain_streams(void);
bool left_nothing(void);

#endif
