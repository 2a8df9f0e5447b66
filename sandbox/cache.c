#include "sandbox/cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/scope.h"

#define MAGIC        0x3141424au /* "JBA1" */
#define MEMORY_ITEMS 64
#define MEMORY_BYTES (128ULL << 20)
#define ITEM_BYTES   (80ULL << 20) /* larger ones are not worth keeping */
#define READ_BYTES   (6ULL << 20)  /* reading and checking larger ones holds others up */
#define KEEP_PERCENT 90 /* of the bound, after a clean-up: not one per new artifact */

struct item {
	struct digest key;
	int fd; /* -1: free */
	bool is_tree;
	uint64_t size, used_us;
};

struct cache {
	int dir;
	uint64_t max_bytes, disk_bytes;
	struct item items[MEMORY_ITEMS];
	uint64_t memory_bytes;
};

/* In front of the artifact on disk. */
struct head {
	uint32_t magic, is_tree;
	uint64_t size;
	struct digest key, content;
};

/* --- memory --- */

static void
forget(struct cache *c, struct item *i)
{
	if (i->fd == -1)
		return;
	close(i->fd);
	i->fd = -1;
	c->memory_bytes -= i->size;
}

static struct item *
find(struct cache *c, const struct digest *key)
{
	for (unsigned i = 0; i < MEMORY_ITEMS; i++)
		if (c->items[i].fd != -1 &&
		    memcmp(&c->items[i].key, key, sizeof(*key)) == 0)
			return &c->items[i];
	return NULL;
}

static struct item *
oldest(struct cache *c, bool in_use)
{
	struct item *old = NULL;

	for (unsigned i = 0; i < MEMORY_ITEMS; i++) {
		struct item *it = &c->items[i];

		if (it->fd == -1 && !in_use)
			return it;
		if (it->fd != -1 && (old == NULL || it->used_us < old->used_us))
			old = it;
	}
	return old;
}

static void
remember(struct cache *c, const struct digest *key, int fd, bool is_tree, uint64_t size)
{
	int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (own == -1)
		return;
	while (c->memory_bytes + size > MEMORY_BYTES && oldest(c, true) != NULL)
		forget(c, oldest(c, true));
	struct item *it = oldest(c, false);
	forget(c, it);
	*it = (struct item){ *key, own, is_tree, size, clock_us() };
	c->memory_bytes += size;
}

/* --- disk --- */

struct file {
	char name[DIGEST_HEX];
	time_t used;
	uint64_t bytes;
};

static bool
is_key(const char *name)
{
	return strlen(name) == DIGEST_HEX - 1 &&
	       strspn(name, "0123456789abcdef") == DIGEST_HEX - 1;
}

static int
by_age(const void *a, const void *b)
{
	const struct file *x = a, *y = b;

	return (x->used > y->used) - (x->used < y->used);
}

/* Every entry of the directory; returns how many, list is the caller's to free. */
static size_t
list_files(struct cache *c, struct file **list)
{
	int fd = openat(c->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	size_t n = 0, cap = 0;
	DIR *dir = fd == -1 ? NULL : fdopendir(fd);

	*list = NULL;
	c->disk_bytes = 0;
	if (dir == NULL)
		return 0;
	for (struct dirent *d = readdir(dir); d != NULL; d = readdir(dir)) {
		struct stat st;

		if (!is_key(d->d_name) ||
		    fstatat(c->dir, d->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
			continue;
		if (n == cap) {
			struct file *more =
			    reallocarray(*list, cap * 2 + 64, sizeof(**list));
			if (more == NULL)
				break;
			*list = more;
			cap = cap * 2 + 64;
		}
		(*list)[n] = (struct file){ .used = st.st_mtime,
			.bytes = (uint64_t)st.st_blocks * 512 };
		memcpy((*list)[n].name, d->d_name, DIGEST_HEX);
		c->disk_bytes += (*list)[n++].bytes;
	}
	closedir(dir);
	return n;
}

static void
make_room(struct cache *c, uint64_t more)
{
	scope_free struct file *list = NULL;

	if (c->disk_bytes + more <= c->max_bytes)
		return;
	size_t n = list_files(c, &list);
	uint64_t keep = c->max_bytes / 100 * KEEP_PERCENT;

	qsort(list, n, sizeof(*list), by_age);
	for (size_t i = 0; i < n && c->disk_bytes + more > keep; i++)
		if (unlinkat(c->dir, list[i].name, 0) == 0)
			c->disk_bytes -= list[i].bytes;
}

static int
store(struct cache *c, const struct head *h, int fd, struct err *e)
{
	char name[DIGEST_HEX], link[64];
	off_t at = 0;

	scope_fd out = openat(c->dir, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0400);
	if (out == -1)
		return err_sys(e, "cache: make a file");
	if (fd_write_all(out, h, sizeof(*h), e) == -1)
		return -1;
	while ((uint64_t)at < h->size)
		if (sendfile(out, fd, &at, h->size - (uint64_t)at) <= 0)
			return err_sys(e, "cache: write");
	digest_hex(&h->key, name);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", out);
	if (linkat(AT_FDCWD, link, c->dir, name, AT_SYMLINK_FOLLOW) == -1 &&
	    errno != EEXIST)
		return err_sys(e, "cache: name a file");
	c->disk_bytes += h->size + sizeof(*h);
	return 0;
}

static int
content_digest(int fd, uint64_t offset, uint64_t size, struct digest *out, struct err *e)
{
	struct digest_maker *m = digest_begin(e);

	if (m != NULL && digest_file(m, fd, offset, size, e) == -1) {
		digest_end(m, NULL, e);
		return -1;
	}
	return digest_end(m, out, e);
}

/* A sealed copy of an entry, its digest compared with what was written. */
static int
load(const struct cache *c, const struct digest *key, const char *name, struct head *h,
    struct err *e)
{
	struct digest content;
	struct stat st;

	scope_fd fd = openat(c->dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return err_sys(e, "open");
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode) || st.st_uid != 0 ||
	    fd_pread_all(fd, h, sizeof(*h), 0, e) == -1 || h->magic != MAGIC ||
	    h->size > READ_BYTES || (uint64_t)st.st_size != sizeof(*h) + h->size ||
	    memcmp(&h->key, key, sizeof(*key)) != 0)
		return err_set(e, ERR_BUG, "not an entry");
	scope_fd copy = fd_memfd_new("judgebox-artifact", e);
	if (copy == -1)
		return -1;
	off_t at = sizeof(*h);
	for (uint64_t left = h->size; left > 0;) {
		ssize_t n = sendfile(copy, fd, &at, left);
		if (n <= 0)
			return err_sys(e, "read");
		left -= (uint64_t)n;
	}
	scope_fd sealed = fd_seal(take_fd(&copy), e);
	if (sealed == -1 || content_digest(sealed, 0, h->size, &content, e) == -1)
		return -1;
	if (memcmp(&content, &h->content, sizeof(content)) != 0 && !JB_FAULT(CACHE_HASH))
		return err_set(e, ERR_BUG, "its content changed");
	futimens(fd, NULL); /* used now */
	return take_fd(&sealed);
}

/* --- both --- */

static void
make_directory(const char *dir)
{
	char above[512];
	const char *slash = strrchr(dir, '/');

	if (mkdir(dir, 0700) == 0 || errno != ENOENT || slash == NULL)
		return; /* open says what is wrong with it */
	snprintf(above, sizeof(above), "%.*s", (int)(slash - dir), dir);
	if (mkdir(above, 0755) == 0)
		mkdir(dir, 0700);
}

int
cache_open(const char *dir, uint64_t max_bytes, struct cache **out, struct err *e)
{
	scope_free struct file *list = NULL;
	struct stat st;

	struct cache *c = calloc(1, sizeof(*c));
	if (c == NULL)
		return err_sys(e, "calloc");
	c->dir = -1;
	c->max_bytes = max_bytes;
	for (unsigned i = 0; i < MEMORY_ITEMS; i++)
		c->items[i].fd = -1;
	*out = c;
	if (max_bytes == 0)
		return 0;
	make_directory(dir);
	c->dir = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (c->dir == -1 || fstat(c->dir, &st) == -1) {
		err_sys(e, "cache: open %s", dir);
		log_err(e, "nothing compiled is kept");
		*e = (struct err){ 0 };
		return 0;
	}
	if ((st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0) &&
	    !JB_FAULT(CACHE_DIR))
		return err_set(e, ERR_BAD_INPUT,
		    "cache: %s must belong to root and be writable by nobody else", dir);
	list_files(c, &list);
	make_room(c, 0);
	return 0;
}

void
cache_close(struct cache *c)
{
	if (c == NULL)
		return;
	for (unsigned i = 0; i < MEMORY_ITEMS; i++)
		forget(c, &c->items[i]);
	if (c->dir != -1)
		close(c->dir);
	free(c);
}

int
cache_get(struct cache *c, const struct digest *key, bool *is_tree)
{
	struct item *it = find(c, key);
	char name[DIGEST_HEX];
	struct head h;
	struct err e = { 0 };

	if (it != NULL) {
		it->used_us = clock_us();
		*is_tree = it->is_tree;
		return fcntl(it->fd, F_DUPFD_CLOEXEC, 0);
	}
	if (c->dir == -1)
		return -1;
	digest_hex(key, name);
	int fd = load(c, key, name, &h, &e);
	if (fd == -1) {
		if (e.sys != ENOENT) {
			log_err(&e, "cache entry %s is removed", name);
			unlinkat(c->dir, name, 0);
		}
		return -1;
	}
	*is_tree = h.is_tree != 0;
	remember(c, key, fd, *is_tree, h.size);
	return fd;
}

void
cache_put(struct cache *c, const struct digest *key, int fd, bool is_tree)
{
	struct head h = { .magic = MAGIC, .is_tree = is_tree, .key = *key };
	struct err e = { 0 };

	if (c->dir == -1 || find(c, key) != NULL ||
	    fd_check_sealed(fd, ITEM_BYTES, &h.size, &e) == -1)
		return;
	if (h.size > READ_BYTES && is_tree) /* copied for every job: others would wait */
		return;
	remember(c, key, fd, is_tree, h.size);
	if (h.size > READ_BYTES)
		return;
	if (content_digest(fd, 0, h.size, &h.content, &e) == -1) {
		log_err(&e, "cache");
		return;
	}
	make_room(c, h.size + sizeof(h));
	if (c->disk_bytes + h.size <= c->max_bytes && store(c, &h, fd, &e) == -1)
		log_err(&e, "an artifact is not kept");
}
