#include "sandbox/wire/bundle.h"

#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/scope.h"

int
bundle_add(struct bundle_writer *w, const char *name, const void *data, size_t len,
    struct err *e)
{
	struct bundle_entry en = { .offset = w->contents.len, .size = len };

	if (path_check_name(name, strlen(name), e) == -1)
		return -1;
	if (w->count >= BUNDLE_FILES || len > BUNDLE_BYTES - w->contents.len)
		return err_set(e, ERR_OVER_LIMIT, "more than %d files or %u bytes",
		    BUNDLE_FILES, BUNDLE_BYTES);
	memcpy(en.name, name, strlen(name) + 1);
	buf_add(&w->entries, &en, sizeof(en));
	buf_add(&w->contents, data, len);
	w->count++;
	return 0;
}

int
bundle_write(struct bundle_writer *w, struct err *e)
{
	struct bundle_head head = { BUNDLE_MAGIC, w->count };
	size_t start = sizeof(head) + w->entries.len;
	scope_buf all = { 0 };

	buf_add(&all, &head, sizeof(head));
	for (uint32_t i = 0; i < w->count; i++) {
		struct bundle_entry en;

		memcpy(&en, w->entries.data + i * sizeof(en), sizeof(en));
		en.offset += start;
		buf_add(&all, &en, sizeof(en));
	}
	buf_add(&all, w->contents.data, w->contents.len);
	scope_fd fd = fd_memfd_new("judgebox-bundle", e);
	if (fd == -1 || fd_write_all(fd, all.data, all.len, e) == -1)
		return -1;
	return take_fd(&fd);
}

int
bundle_seal(struct bundle_writer *w, struct err *e)
{
	int fd = bundle_write(w, e);

	return fd == -1 ? -1 : fd_seal(fd, e);
}

void
bundle_free(struct bundle_writer *w)
{
	buf_free(&w->entries);
	buf_free(&w->contents);
	w->count = 0;
}

int
bundle_join(const struct bundle_part *parts, uint32_t count, struct err *e)
{
	struct bundle_head head = { BUNDLE_MAGIC, count };
	uint64_t start = sizeof(head) + count * sizeof(struct bundle_entry), at = start;

	scope_free struct bundle_entry *list = calloc(count + 1, sizeof(*list));
	if (list == NULL)
		return err_sys(e, "bundle: calloc");
	for (uint32_t i = 0; i < count; i++) {
		list[i] = *parts[i].file;
		list[i].offset = at;
		at += list[i].size;
	}
	if (count > BUNDLE_FILES || at - start > BUNDLE_BYTES)
		return err_set(e, ERR_OVER_LIMIT, "more than %d files or %u bytes",
		    BUNDLE_FILES, BUNDLE_BYTES);
	scope_fd fd = fd_memfd_new("judgebox-bundle", e);
	if (fd == -1 || fd_write_all(fd, &head, sizeof(head), e) == -1 ||
	    fd_write_all(fd, list, count * sizeof(*list), e) == -1)
		return -1;
	for (uint32_t i = 0; i < count; i++)
		if (fd_write_from(fd, parts[i].bundle, parts[i].file->offset,
			parts[i].file->size, e) == -1)
			return -1;
	return fd_seal(take_fd(&fd), e);
}

static int
check_entry(const struct bundle_entry *en, uint64_t start, uint64_t end, struct err *e)
{
	const char *nul = memchr(en->name, '\0', sizeof(en->name));

	if (nul == NULL)
		return err_set(e, ERR_PROTO, "bundle: a name is not terminated");
	if (path_check_name(en->name, (size_t)(nul - en->name), e) == -1)
		return err_wrap(e, "bundle");
	if (en->offset < start || en->offset > end || en->size > end - en->offset)
		return err_set(e, ERR_PROTO, "bundle: '%s' lies outside", en->name);
	return 0;
}

/* A folder's files stand right behind the file of the same name: '/' sorts first. */
static int
by_name(const void *a, const void *b)
{
	const struct bundle_entry *const *x = a, *const *y = b;
	const char *s = (*x)->name, *t = (*y)->name;

	while (*s != '\0' && *s == *t) {
		s++;
		t++;
	}
	int cs = *s == '/' ? 1 : (unsigned char)*s,
	    ct = *t == '/' ? 1 : (unsigned char)*t;
	return cs - ct;
}

/* "a" twice, or "a" beside "a/b": the second would overwrite or not fit. */
static int
check_distinct(const struct bundle_entry *entries, uint32_t count, struct err *e)
{
	const struct bundle_entry *sorted[BUNDLE_FILES];

	for (uint32_t i = 0; i < count; i++)
		sorted[i] = &entries[i];
	qsort(sorted, count, sizeof(sorted[0]), by_name);
	for (uint32_t i = 1; i < count; i++) {
		const char *last = sorted[i - 1]->name, *name = sorted[i]->name;
		size_t n = strlen(last);

		if (strncmp(last, name, n) != 0 || (name[n] != '\0' && name[n] != '/'))
			continue;
		return err_set(e, ERR_PROTO, "bundle: '%s' %s", last,
		    name[n] == '\0' ? "appears twice" : "is a file and a folder");
	}
	return 0;
}

int
bundle_open(int fd, struct bundle_entry **entries, uint32_t *count, struct err *e)
{
	struct bundle_head head;
	uint64_t size;

	if (fd_check_sealed(fd, BUNDLE_BYTES + (1 << 20), &size, e) == -1 ||
	    fd_pread_all(fd, &head, sizeof(head), 0, e) == -1)
		return err_wrap(e, "bundle");
	if (head.magic != BUNDLE_MAGIC || head.count > BUNDLE_FILES)
		return err_set(e, ERR_PROTO, "bundle: bad head");

	size_t bytes = head.count * sizeof(struct bundle_entry);
	scope_free struct bundle_entry *list = calloc(head.count + 1, sizeof(*list));
	if (list == NULL)
		return err_sys(e, "bundle: calloc");
	if (fd_pread_all(fd, list, bytes, sizeof(head), e) == -1)
		return err_wrap(e, "bundle");
	uint64_t sum = 0; /* each below 64 MiB, so it cannot wrap */
	for (uint32_t i = 0; i < head.count; i++) {
		if (check_entry(&list[i], sizeof(head) + bytes, size, e) == -1)
			return -1;
		sum += list[i].size;
	}
	/* one block of contents as five hundred files would be 32 GiB written out */
	if (head.count > 0 && sum > size - sizeof(head) - bytes)
		return err_set(e, ERR_PROTO, "bundle: files overlap");
	if (check_distinct(list, head.count, e) == -1)
		return -1;
	*entries = take_ptr(&list);
	*count = head.count;
	return 0;
}
