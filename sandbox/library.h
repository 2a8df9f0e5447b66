/*
 * library - judgebox-warm.so, read once: it is put beside the source into boxes that make
 * images and prepared files, which run nobody's program.
 */
#ifndef SANDBOX_LIBRARY_H
#define SANDBOX_LIBRARY_H

#include <stddef.h>

#include "base/err.h"
#include "sandbox/wire/bundle.h"

/* Zeroed memory is none. */
struct library {
	char *data; /* owned */
	size_t size;
};

int library_read(const char *path, struct library *out, struct err *e);
void library_free(struct library *l);
int library_add(const struct library *l, struct bundle_writer *w, struct err *e);

#endif
