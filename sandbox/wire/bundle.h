/*
 * bundle - several files in one sealed memory file: the sources of a job, or the files
 * of an artifact that is a tree.
 *
 * Layout: struct bundle_head, `count` entries, contents.  The offset of an entry counts
 * from the start of the file.  A reader trusts nothing: bundle_open checks seals, sizes,
 * names (base/path.h), order and that no name appears twice.
 */
#ifndef SANDBOX_WIRE_BUNDLE_H
#define SANDBOX_WIRE_BUNDLE_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/path.h"

#define BUNDLE_MAGIC 0x314c4244u /* "DBL1" */
#define BUNDLE_FILES 512
#define BUNDLE_BYTES (64u << 20)

struct bundle_head {
	uint32_t magic, count;
};

struct bundle_entry {
	char name[PATH_NAME_MAX + 8]; /* terminated */
	uint64_t offset, size;
};

/* Writing: add all entries, then seal.  Contents are copied. */
struct bundle_writer {
	struct buf entries, contents;
	uint32_t count;
};
int bundle_add(struct bundle_writer *w, const char *name, const void *data, size_t len,
    struct err *e);
int bundle_write(
    struct bundle_writer *w, struct err *e); /* returns a memfd, not sealed */
int bundle_seal(
    struct bundle_writer *w, struct err *e); /* the same, sealed; needs /proc */
void bundle_free(struct bundle_writer *w);

/* A sealed one of files that lie in others. */
struct bundle_part {
	int bundle;
	const struct bundle_entry *file;
};
int bundle_join(const struct bundle_part *parts, uint32_t count, struct err *e);

/* Reading.  entries is allocated; free it.  An empty bundle has count 0. */
int bundle_open(int fd, struct bundle_entry **entries, uint32_t *count, struct err *e);

#endif
