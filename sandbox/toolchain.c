#include "sandbox/toolchain.h"

#include <sys/stat.h>

static void
look_at_file(const char *path, struct toolchain *out, unsigned i)
{
	struct stat st;

	if (path == NULL || stat(path, &st) == -1)
		return;
	out->file[i].device = st.st_dev;
	out->file[i].inode = st.st_ino;
	out->file[i].size = (uint64_t)st.st_size;
	out->file[i].seconds = (uint64_t)st.st_mtim.tv_sec;
	out->file[i].nanoseconds = (uint64_t)st.st_mtim.tv_nsec;
}

void
toolchain_look(const struct language *l, struct toolchain *out)
{
	const char *const files[TOOLCHAIN_FILES] = { words_next(l->compile, NULL),
		"/var/lib/dpkg/status", "/usr/lib/sysimage/rpm/rpmdb.sqlite",
		"/var/lib/rpm/rpmdb.sqlite" };

	*out = (struct toolchain){ 0 };
	for (unsigned i = 0; i < TOOLCHAIN_FILES; i++)
		look_at_file(files[i], out, i);
}

void
toolchain_look_prepared(const struct language *l, struct toolchain *out)
{
	const struct words *of = &l->prepare->of;
	unsigned i = 0;

	if (of->count == 0) {
		toolchain_look(l, out);
		return;
	}
	*out = (struct toolchain){ 0 };
	for (const char *f = words_next(of, NULL); f != NULL; f = words_next(of, f))
		look_at_file(f, out, i++);
}
