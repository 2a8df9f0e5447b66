#include "sandbox/library.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/scope.h"
#include "sandbox/warm/frozen.h"

#define LIBRARY_BYTES (1 << 20)

int
library_read(const char *path, struct library *out, struct err *e)
{
	struct stat st;

	scope_fd fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1 || fstat(fd, &st) == -1)
		return err_sys(e, "warm_library: open %s", path);
	if (!S_ISREG(st.st_mode) || st.st_size > LIBRARY_BYTES)
		return err_set(
		    e, ERR_BAD_INPUT, "warm_library: %s is no library of ours", path);
	out->size = (size_t)st.st_size;
	out->data = malloc(out->size);
	if (out->data == NULL)
		return err_sys(e, "malloc");
	return fd_pread_all(fd, out->data, out->size, 0, e);
}

void
library_free(struct library *l)
{
	free(l->data);
	*l = (struct library){ 0 };
}

int
library_add(const struct library *l, struct bundle_writer *w, struct err *e)
{
	return bundle_add(w, FROZEN_LIBRARY, l->data, l->size, e);
}
