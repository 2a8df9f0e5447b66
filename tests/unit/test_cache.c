/* Artifacts that come back: the same, whole, bounded, and never a forged one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "sandbox/cache.h"

struct place {
	char dir[64], store[80];
	struct cache *c;
};

static void
place_open(struct place *p, uint64_t bytes)
{
	struct err e = { 0 };

	strcpy(p->dir, "/tmp/judgebox-test-XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	snprintf(p->store, sizeof(p->store), "%s/artifacts", p->dir);
	assert_int_equal(cache_open(p->store, bytes, &p->c, &e), 0);
}

static void
reopen(struct place *p, uint64_t bytes)
{
	struct err e = { 0 };

	cache_close(p->c);
	assert_int_equal(cache_open(p->store, bytes, &p->c, &e), 0);
}

/* Calls `each` on every entry; returns how many there were. */
static unsigned
entries(const struct place *p, void (*each)(const char *path))
{
	DIR *d = opendir(p->store);
	unsigned n = 0;

	assert_non_null(d);
	for (struct dirent *de = readdir(d); de != NULL; de = readdir(d)) {
		char path[400];

		if (de->d_name[0] == '.')
			continue;
		n++;
		snprintf(path, sizeof(path), "%s/%s", p->store, de->d_name);
		if (each != NULL)
			each(path);
	}
	closedir(d);
	return n;
}

static void
remove_file(const char *path)
{
	unlink(path);
}

static void
place_close(struct place *p)
{
	cache_close(p->c);
	entries(p, remove_file);
	rmdir(p->store);
	rmdir(p->dir);
}

static struct digest
key_of(const char *text)
{
	struct err e = { 0 };
	struct digest d;
	struct digest_maker *m = digest_begin(&e);

	assert_non_null(m);
	assert_int_equal(digest_part(m, text, strlen(text), &e), 0);
	assert_int_equal(digest_end(m, &d, &e), 0);
	return d;
}

static void
put(struct place *p, const char *key, const char *data, size_t len, bool is_tree)
{
	struct err e = { 0 };
	struct digest k = key_of(key);
	int fd = fd_memfd("t", data, len, &e);

	assert_true(fd >= 0);
	cache_put(p->c, &k, fd, is_tree);
	close(fd);
}

/* -1: not there; else its length, its bytes compared with `want`. */
static long
get(struct place *p, const char *key, const char *want, bool *is_tree)
{
	struct err e = { 0 };
	struct digest k = key_of(key);
	uint64_t size;
	char data[256] = "";
	int fd = cache_get(p->c, &k, is_tree);

	if (fd == -1)
		return -1;
	assert_int_equal(fd_check_sealed(fd, 8 << 20, &size, &e), 0);
	if (want != NULL) {
		assert_int_equal(fd_pread_all(fd, data, strlen(want), 0, &e), 0);
		assert_memory_equal(data, want, strlen(want));
	}
	close(fd);
	return (long)size;
}

static void
what_was_put_comes_back_after_a_restart_too(void **state)
{
	struct place p;
	bool tree = false;

	(void)state;
	place_open(&p, 1 << 20);
	assert_int_equal(get(&p, "a", NULL, &tree), -1);
	put(&p, "a", "program", 7, false);
	put(&p, "b", "classes", 7, true);
	assert_int_equal(get(&p, "a", "program", &tree), 7);
	assert_false(tree);
	reopen(&p, 1 << 20);
	assert_int_equal(get(&p, "a", "program", &tree), 7);
	assert_int_equal(get(&p, "b", "classes", &tree), 7);
	assert_true(tree);
	assert_int_equal(get(&p, "c", NULL, &tree), -1);
	place_close(&p);
}

static void
flip_last_byte(const char *path)
{
	char c;

	chmod(path, 0600);
	int fd = open(path, O_RDWR | O_CLOEXEC);
	off_t end = lseek(fd, -1, SEEK_END);
	assert_int_equal(read(fd, &c, 1), 1);
	c ^= 1;
	assert_int_equal(pwrite(fd, &c, 1, end), 1);
	close(fd);
}

static void
cut_short(const char *path)
{
	chmod(path, 0600);
	assert_int_equal(truncate(path, 40), 0);
}

static void
make_foreign(const char *path)
{
	assert_int_equal(chown(path, 12345, 12345), 0);
}

/* I-39 */
static void
a_changed_entry_is_removed_not_used(void **state)
{
	void (*const harm[])(
	    const char *path) = { flip_last_byte, cut_short, make_foreign };

	(void)state;
	for (size_t i = 0; i < sizeof(harm) / sizeof(harm[0]); i++) {
		struct place p;
		bool tree;

		place_open(&p, 1 << 20);
		put(&p, "a", "program", 7, false);
		reopen(&p, 1 << 20); /* memory forgets */
		assert_int_equal(entries(&p, harm[i]), 1);
		assert_int_equal(get(&p, "a", NULL, &tree), -1);
		assert_int_equal(entries(&p, NULL), 0);
		place_close(&p);
	}
}

static void
move_to_b(const char *path)
{
	char to[400], hex[DIGEST_HEX];
	struct digest b = key_of("b");

	digest_hex(&b, hex);
	snprintf(to, sizeof(to), "%.*s/%s", (int)(strrchr(path, '/') - path), path, hex);
	assert_int_equal(rename(path, to), 0);
}

static void
an_entry_under_another_name_is_refused(void **state)
{
	struct place p;
	bool tree;

	(void)state;
	place_open(&p, 1 << 20);
	put(&p, "a", "program", 7, false);
	reopen(&p, 1 << 20);
	entries(&p, move_to_b);
	assert_int_equal(get(&p, "b", NULL, &tree), -1);
	place_close(&p);
}

static void
age(const char *path)
{
	struct timespec t[2] = { { 1000, 0 }, { 1000, 0 } };

	utimensat(AT_FDCWD, path, t, 0);
}

static void
the_bound_holds_and_the_oldest_goes(void **state)
{
	static char big[40000];
	struct place p;
	bool tree;

	(void)state;
	place_open(&p, 100000);
	put(&p, "a", big, sizeof(big), false);
	entries(&p, age);
	put(&p, "b", big, sizeof(big), false);
	put(&p, "c", big, sizeof(big), false);
	reopen(&p, 100000);
	assert_int_equal(get(&p, "a", NULL, &tree), -1);
	assert_int_equal(get(&p, "c", NULL, &tree), (long)sizeof(big));
	assert_true(entries(&p, NULL) <= 2);
	place_close(&p);
}

/* Reading one back from the disk, others would wait for it. */
static void
large_ones_stay_in_memory_or_nowhere(void **state)
{
	static char large[7 << 20];
	struct place p;
	bool tree;

	(void)state;
	place_open(&p, 1 << 30);
	put(&p, "program", large, sizeof(large), false);
	put(&p, "tree", large, sizeof(large), true);
	put(&p, "smaller tree", large, 5 << 20, true);
	assert_int_equal(get(&p, "program", NULL, &tree), (long)sizeof(large));
	assert_int_equal(get(&p, "tree", NULL, &tree), -1);
	assert_int_equal(get(&p, "smaller tree", NULL, &tree), 5 << 20);
	reopen(&p, 1 << 30);
	assert_int_equal(get(&p, "program", NULL, &tree), -1);
	assert_int_equal(get(&p, "smaller tree", NULL, &tree), 5 << 20);
	place_close(&p);
}

static void
a_cache_of_no_size_keeps_nothing(void **state)
{
	struct err e = { 0 };
	struct digest k = key_of("a");
	struct cache *c = NULL;
	bool tree;

	(void)state;
	assert_int_equal(cache_open("/nonexistent/cache", 0, &c, &e), 0);
	int fd = fd_memfd("t", "x", 1, &e);
	cache_put(c, &k, fd, false);
	assert_int_equal(cache_get(c, &k, &tree), -1);
	close(fd);
	cache_close(c);
}

/* I-39 */
static void
a_directory_others_may_write_is_refused(void **state)
{
	char dir[] = "/tmp/judgebox-test-XXXXXX";
	struct err e = { 0 };
	struct cache *c = NULL;

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chmod(dir, 0777), 0);
	assert_int_equal(cache_open(dir, 1 << 20, &c, &e), -1);
	assert_non_null(
	    strstr(e.msg, "must belong to root and be writable by nobody else"));
	cache_close(c);
	rmdir(dir);
}

/* I-38 */
static void
parts_do_not_run_together(void **state)
{
	struct err e = { 0 };
	struct digest a, b;
	struct digest_maker *m = digest_begin(&e);

	(void)state;
	digest_part(m, "ab", 2, &e);
	digest_part(m, "c", 1, &e);
	assert_int_equal(digest_end(m, &a, &e), 0);
	m = digest_begin(&e);
	digest_part(m, "a", 1, &e);
	digest_part(m, "bc", 2, &e);
	assert_int_equal(digest_end(m, &b, &e), 0);
	assert_memory_not_equal(&a, &b, sizeof(a));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_put_comes_back_after_a_restart_too),
		cmocka_unit_test(a_changed_entry_is_removed_not_used),
		cmocka_unit_test(an_entry_under_another_name_is_refused),
		cmocka_unit_test(the_bound_holds_and_the_oldest_goes),
		cmocka_unit_test(large_ones_stay_in_memory_or_nowhere),
		cmocka_unit_test(a_cache_of_no_size_keeps_nothing),
		cmocka_unit_test(a_directory_others_may_write_is_refused),
		cmocka_unit_test(parts_do_not_run_together),
	};

	if (geteuid() != 0) {
		puts("SKIP: the cache belongs to root: run the tests as root");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
