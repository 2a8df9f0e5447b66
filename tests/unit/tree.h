/*
 * tree - a test's directory goes, with all that is in it.
 */
#ifndef TESTS_UNIT_TREE_H
#define TESTS_UNIT_TREE_H

#include <errno.h>
#include <ftw.h>
#include <stdio.h>

static inline int
tree_remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st, (void)type, (void)at;
	return remove(path) == 0 || errno == ENOENT
		   ? 0
		   : -1; /* another may have been first */
}

/* Does not follow links, nor leave the file system.  0, or -1 if something stays. */
static inline int
tree_remove(const char *dir)
{
	return nftw(dir, tree_remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

#endif
