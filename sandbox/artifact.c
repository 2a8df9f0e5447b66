#include "sandbox/artifact.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/fd.h"
#include "base/scope.h"
#include "sandbox/inner.h"
#include "sandbox/wire/bundle.h"

static int
open_beneath(int dir, const char *name, uint64_t flags, struct err *e)
{
	/* O_NONBLOCK: a fifo must not hold us; openat2 takes it with no O_PATH */
	struct open_how how = { .flags = flags | O_NOFOLLOW | O_CLOEXEC |
					 ((flags & O_PATH) != 0 ? 0 : O_NONBLOCK),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS |
			   RESOLVE_NO_XDEV };
	if (JB_FAULT(ARTIFACT_PATH)) {
		how.flags &= ~(uint64_t)O_NOFOLLOW;
		how.resolve = 0;
	}
	long fd = syscall(SYS_openat2, dir, name, &how, sizeof(how));

	if (fd == -1) {
		err_sys(e, "artifact '%.80s'", name);
		e->code = ERR_BAD_INPUT; /* the box left nothing there, or a trap */
		return -1;
	}
	return (int)fd;
}

static int
check_file(int fd, const char *name, uint64_t max_bytes, uint64_t *size, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return err_sys(e, "stat artifact '%.80s'", name);
	if (!JB_FAULT(ARTIFACT_KIND) &&
	    (!S_ISREG(st.st_mode) || st.st_nlink != 1 || st.st_uid != INNER_BOX_ID))
		return err_set(e, ERR_BAD_INPUT,
		    "artifact '%.80s' is not a plain file of the compiler's", name);
	if ((uint64_t)st.st_size > max_bytes && !JB_FAULT(ARTIFACT_SIZE))
		return err_set(e, ERR_BAD_INPUT,
		    "artifact '%.80s' has %lld bytes, %llu allowed", name,
		    (long long)st.st_size, (unsigned long long)max_bytes);
	*size = (uint64_t)st.st_size;
	return 0;
}

int
artifact_copy(int fd, uint64_t size, struct err *e)
{
	scope_fd copy = fd_memfd_new("judgebox-artifact", e);
	if (copy == -1)
		return -1;
	if (fd_write_from(copy, fd, 0, size, e) == -1)
		return err_wrap(e, "artifact");
	return take_fd(&copy);
}

/* --- a tree ----------------------------------------------------------------------------
 */

struct tree {
	struct bundle_writer out;
	uint64_t left; /* bytes still allowed */
};

static int add_tree(
    struct tree *t, int root, const char *below, unsigned depth, struct err *e);

static int
add_file(struct tree *t, int root, const char *path, const char *name, struct err *e)
{
	uint64_t size = 0;

	scope_fd fd = open_beneath(root, path, O_RDONLY, e);
	if (fd == -1 || check_file(fd, path, t->left, &size, e) == -1)
		return -1;
	scope_free char *data = malloc(size + 1);
	if (data == NULL)
		return err_sys(e, "artifact: malloc");
	if (fd_pread_all(fd, data, size, 0, e) == -1)
		return -1;
	if (bundle_add(&t->out, name, data, size, e) == -1) {
		e->code = ERR_BAD_INPUT;
		return err_wrap(e, "artifact '%.80s'", name);
	}
	t->left -= size;
	return 0;
}

/* below: the directory as the bundle will name it, "" or "a/b/". */
static int
add_name(struct tree *t, int root, const char *top, const char *below, const char *name,
    unsigned depth, struct err *e)
{
	char path[2 * PATH_NAME_MAX], inside[PATH_NAME_MAX + 2];
	struct stat st;

	if (snprintf(inside, sizeof(inside), "%s%s", below, name) > PATH_NAME_MAX ||
	    snprintf(path, sizeof(path), "%s%s", top, inside) >= (int)sizeof(path))
		return err_set(e, ERR_BAD_INPUT, "artifact: a path is too long");
	scope_fd fd = open_beneath(root, path, O_PATH, e);
	if (fd == -1)
		return -1;
	if (fstat(fd, &st) == -1)
		return err_sys(e, "stat artifact '%.80s'", path);
	if (!S_ISDIR(st.st_mode))
		return add_file(t, root, path, inside, e);
	strcat(inside, "/"); /* room was kept for it */
	return add_tree(t, root, inside, depth + 1, e);
}

#define TREE_TOP "out/"

static int
add_tree(struct tree *t, int root, const char *below, unsigned depth, struct err *e)
{
	char path[2 * PATH_NAME_MAX];
	int r = 0;

	if (depth > PATH_DEPTH)
		return err_set(e, ERR_BAD_INPUT, "artifact: folders too deep");
	snprintf(path, sizeof(path), TREE_TOP "%s", below);
	path[strlen(path) - 1] = '\0';
	int fd = open_beneath(root, path, O_RDONLY | O_DIRECTORY, e);
	if (fd == -1)
		return -1;
	DIR *dir = fdopendir(fd);
	if (dir == NULL) {
		close(fd);
		return err_sys(e, "artifact: fdopendir");
	}
	for (struct dirent *d = readdir(dir); d != NULL && r == 0; d = readdir(dir))
		if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
			r = add_name(t, root, TREE_TOP, below, d->d_name, depth, e);
	closedir(dir);
	return r;
}

static int
take_tree(int work, uint64_t max_bytes, struct err *e)
{
	struct tree t = { .left = max_bytes };
	int fd = -1;

	if (add_tree(&t, work, "", 0, e) == 0)
		fd = t.out.count > 0
			 ? bundle_write(&t.out, e)
			 : err_set(e, ERR_BAD_INPUT, "the compiler left no files");
	bundle_free(&t.out);
	return fd;
}

int
artifact_take(const char *name, uint64_t max_bytes, bool *is_tree, struct err *e)
{
	uint64_t size = 0;

	scope_fd work = open("/work", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (work == -1)
		return err_sys(e, "open /work");
	*is_tree = name[0] != '\0' && name[strlen(name) - 1] == '/';
	if (*is_tree)
		return take_tree(work, max_bytes, e);

	scope_fd fd = open_beneath(work, name, O_RDONLY, e);
	if (fd == -1 || check_file(fd, name, max_bytes, &size, e) == -1)
		return -1;
	return artifact_copy(fd, size, e);
}
