/*
 * domain - the Landlock domain of a launcher: a second wall behind mounts and filter.
 *
 * Entered once per launcher and inherited by its boxes: a box pays nothing for it but the
 * kernel's look at the paths it opens.  A kernel without Landlock is no reason not to
 * judge, unless root's configuration says so.
 *
 * A box of a compile may write to its /work and to the devices, nowhere else.  The /work
 * of a test is mounted later and often, and Landlock finds a mount by the directory above
 * its mount point, never by its own: so a test may write wherever its mounts let it,
 * which is /work, but nowhere make anything but plain files and directories.
 */
#ifndef SANDBOX_DOMAIN_H
#define SANDBOX_DOMAIN_H

#include "base/err.h"

enum domain_mode { DOMAIN_OFF, DOMAIN_AUTO, DOMAIN_REQUIRED };
/* FREEZE: COMPILE, and to read the host's /proc, where one finds his own mappings. */
enum domain_view { DOMAIN_TEST, DOMAIN_COMPILE, DOMAIN_FREEZE };

/* "off", "auto", "required"; -1: none of them. */
int domain_mode_of(const char *name);

/* proc: the host's /proc, where a launcher writes its children's oom_score_adj. */
int domain_enter(enum domain_mode mode, enum domain_view view, int proc, struct err *e);

#endif
