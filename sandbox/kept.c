#include "sandbox/kept.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/scope.h"

#define SUM ".sum" /* of the digest; no file of a box's can have this name */

/* --- all files of a folder, always in the same order --- */

struct walk {
	struct digest_maker *m;
	uint64_t bytes;
	int (*add)(struct walk *w, int fd, const struct stat *st, struct err *e);
};

static int
is_ours(const struct dirent *d)
{
	return d->d_name[0] != '.'; /* nor SUM */
}

static int
by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int walk_folder(struct walk *w, int dir, unsigned depth, struct err *e);

static int
walk_name(struct walk *w, int dir, const char *name, unsigned depth, struct err *e)
{
	struct stat st;

	scope_fd fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1 || fstat(fd, &st) == -1)
		return err_sys(e, "open %s", name);
	if (digest_part(w->m, name, strlen(name), e) == -1)
		return -1;
	if (S_ISDIR(st.st_mode))
		return walk_folder(w, fd, depth + 1, e);
	w->bytes += (uint64_t)st.st_size;
	return w->add(w, fd, &st, e);
}

static int
walk_folder(struct walk *w, int dir, unsigned depth, struct err *e)
{
	struct dirent **names = NULL;
	int n, r = 0;

	if (depth > PATH_DEPTH)
		return err_set(e, ERR_BUG, "folders too deep");
	n = scandirat(dir, ".", &names, is_ours, by_name);
	if (n == -1)
		return err_sys(e, "read a folder");
	for (int i = 0; i < n; i++) {
		if (r == 0)
			r = walk_name(w, dir, names[i]->d_name, depth, e);
		free(names[i]);
	}
	free(names);
	/* "a" with "b" in it is not "a" beside "b" */
	return r == 0 ? digest_part(w->m, "", 0, e) : -1;
}

static int
walk_all(struct walk *w, int dir, struct digest *out, struct err *e)
{
	w->m = digest_begin(e);
	if (w->m != NULL && walk_folder(w, dir, 0, e) == -1) {
		digest_end(w->m, NULL, e);
		return -1;
	}
	return digest_end(w->m, out, e);
}

static int
open_folder(int dir, const char *name, struct err *e)
{
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd != -1 ? fd : err_sys(e, "open it");
}

static int
add_looks(struct walk *w, int fd, const struct stat *st, struct err *e)
{
	const uint64_t looks[] = { st->st_dev, st->st_ino, (uint64_t)st->st_size,
		(uint64_t)st->st_mtim.tv_sec, (uint64_t)st->st_mtim.tv_nsec,
		(uint64_t)st->st_ctim.tv_sec, (uint64_t)st->st_ctim.tv_nsec };

	(void)fd;
	return digest_part(w->m, looks, sizeof(looks), e);
}

int
kept_look(int dir, const char *name, struct kept_mark *out, struct err *e)
{
	struct walk w = { .add = add_looks };

	scope_fd fd = open_folder(dir, name, e);
	if (fd == -1 || walk_all(&w, fd, &out->digest, e) == -1)
		return -1;
	out->bytes = w.bytes;
	return 0;
}

static int
add_content(struct walk *w, int fd, const struct stat *st, struct err *e)
{
	if (!S_ISREG(st->st_mode) || st->st_uid != 0 || (st->st_mode & 0222) != 0)
		return err_set(e, ERR_BUG, "it is not a file of root's alone");
	return digest_file(w->m, fd, 0, (uint64_t)st->st_size, e);
}

static int
sum_of(int dir, char hex[DIGEST_HEX], struct err *e)
{
	struct walk w = { .add = add_content };
	struct digest d;

	if (walk_all(&w, dir, &d, e) == -1)
		return -1;
	digest_hex(&d, hex);
	return 0;
}

int
kept_check(int dir, const char *name, struct err *e)
{
	char sum[DIGEST_HEX] = "", is[DIGEST_HEX];

	scope_fd fd = open_folder(dir, name, e);
	if (fd == -1)
		return -1;
	scope_fd sum_fd = openat(fd, SUM, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (sum_fd == -1)
		return err_sys(e, "open its digest");
	if (fd_pread_all(sum_fd, sum, DIGEST_HEX - 1, 0, e) == -1 ||
	    sum_of(fd, is, e) == -1)
		return -1;
	if (strcmp(is, sum) != 0)
		return err_set(e, ERR_BUG, "its content changed");
	return 0;
}

/* --- making and removing --- */

void
kept_remove(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd != -1 ? fdopendir(fd) : NULL;

	for (struct dirent *de = d != NULL ? readdir(d) : NULL; de != NULL;
	     de = readdir(d)) {
		if (strcmp(de->d_name, ".") == 0 || strcmp(de->d_name, "..") == 0)
			continue;
		if (unlinkat(fd, de->d_name, 0) == -1)
			kept_remove(fd, de->d_name);
	}
	if (d != NULL)
		closedir(d);
	unlinkat(dir, name, AT_REMOVEDIR);
}

static int
make_parents(int dir, const char *file, struct err *e)
{
	char part[sizeof(((struct bundle_entry *)0)->name)];

	for (const char *s = strchr(file, '/'); s != NULL; s = strchr(s + 1, '/')) {
		snprintf(part, sizeof(part), "%.*s", (int)(s - file), file);
		if (mkdirat(dir, part, 0755) == -1 && errno != EEXIST)
			return err_sys(e, "mkdir %s", part);
	}
	return 0;
}

static int
copy_file(int dir, int from, const struct bundle_entry *file, struct err *e)
{
	static char block[65536];
	uint64_t at = 0;

	scope_fd to = openat(
	    dir, file->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0444);
	if (to == -1)
		return err_sys(e, "create %s", file->name);
	while (at < file->size) {
		size_t n = file->size - at < sizeof(block) ? (size_t)(file->size - at)
							   : sizeof(block);

		if (fd_pread_all(from, block, n, file->offset + at, e) == -1 ||
		    fd_write_all(to, block, n, e) == -1)
			return -1;
		at += n;
	}
	return 0;
}

int
kept_store(int dir, const char *name, int fd, const struct bundle_entry *files,
    uint32_t count, struct err *e)
{
	char new[DIGEST_HEX + 8], sum[DIGEST_HEX];

	umask(022);
	snprintf(new, sizeof(new), "%s.new", name);
	kept_remove(dir, new);
	if (mkdirat(dir, new, 0755) == -1)
		return err_sys(e, "mkdir");
	scope_fd folder = open_folder(dir, new, e);
	if (folder == -1)
		return -1;
	for (uint32_t i = 0; i < count; i++)
		if (make_parents(folder, files[i].name, e) == -1 ||
		    copy_file(folder, fd, &files[i], e) == -1)
			return -1;
	if (sum_of(folder, sum, e) == -1)
		return -1;
	scope_fd sum_fd =
	    openat(folder, SUM, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
	if (sum_fd == -1 || fd_write_all(sum_fd, sum, strlen(sum), e) == -1)
		return err_sys(e, "write its digest");
	kept_remove(dir, name);
	if (renameat(dir, new, dir, name) == -1)
		return err_sys(e, "rename");
	return 0;
}
