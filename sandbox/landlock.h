/*
 * landlock - a second wall behind mounts and filter: what a launcher, and so every box it
 * starts, may do to files, sockets and strangers (landlock(7)).
 *
 * Entered once per launcher and inherited by its boxes: a box pays nothing for it but the
 * kernel's look at the paths it opens.  Masked by what the kernel knows; a kernel without
 * Landlock is no reason not to judge, unless root's configuration says so.
 *
 * A box of a compile may write to its /work and to the devices, nowhere else.  The /work
 * of a test is mounted later and often, and Landlock finds a mount by the directory above
 * its mount point, never by its own: so a test may write wherever its mounts let it,
 * which is /work, but nowhere make anything but plain files and directories.
 */
#ifndef SANDBOX_LANDLOCK_H
#define SANDBOX_LANDLOCK_H

#include "base/err.h"

enum landlock_mode { LANDLOCK_OFF, LANDLOCK_AUTO, LANDLOCK_REQUIRED };
enum landlock_view { LANDLOCK_TEST, LANDLOCK_COMPILE };

/* "off", "auto", "required"; -1: none of them. */
int landlock_mode_of(const char *name);
/* The kernel's version of it; 0: it has none. */
int landlock_abi(void);

/* Enters the domain.  proc: the host's /proc, where a launcher writes its children's
 * oom_score_adj.  Needs no_new_privs. */
int landlock_enter(
    enum landlock_mode mode, enum landlock_view view, int proc, struct err *e);

#endif
