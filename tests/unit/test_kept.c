/* Folders of files that were made once: as they were, or not at all. */
#include "unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "sandbox/kept.h"

struct place {
	char path[32];
	int dir, from;
};

static const struct bundle_entry two[] = { { "a/b/one", 0, 3 }, { "a/two", 3, 5 } };

static void
store(struct place *p, const struct bundle_entry *files, unsigned n)
{
	struct err e = { 0 };

	CHECK_OK(kept_store(p->dir, "it", p->from, files, n, &e), e);
	CHECK_OK(kept_check(p->dir, "it", &e), e);
}

static void
place_open(struct place *p)
{
	struct err e = { 0 };

	if (getuid() != 0)
		skip(); /* they are root's, or they are not used */
	strcpy(p->path, "/tmp/judgebox-test-XXXXXX");
	assert_non_null(mkdtemp(p->path));
	p->dir = open(p->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	p->from = fd_memfd_new("judgebox-test", &e);
	assert_int_equal(write(p->from, "onetwo..", 8), 8);
	store(p, two, 2);
}

static void
place_close(struct place *p)
{
	kept_remove(p->dir, "it");
	close(p->from);
	close(p->dir);
	assert_int_equal(rmdir(p->path), 0); /* nothing else was left */
}

static void
files_come_back(void **state)
{
	struct kept_mark first, second;
	struct place p;
	struct err e = { 0 };
	char text[8] = "";
	struct stat st;

	(void)state;
	place_open(&p);
	int fd = openat(p.dir, "it/a/two", O_RDONLY | O_CLOEXEC);
	assert_int_equal(read(fd, text, sizeof(text)), 5);
	assert_string_equal(text, "two..");
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0444);
	close(fd);
	CHECK_OK(kept_look(p.dir, "it", &first, &e), e);
	assert_int_equal(first.bytes, 8);
	CHECK_OK(kept_look(p.dir, "it", &second, &e), e);
	assert_memory_equal(&first, &second, sizeof(first));

	store(&p, two, 1); /* in its place */
	assert_int_equal(faccessat(p.dir, "it/a/two", F_OK, 0), -1);
	CHECK_OK(kept_look(p.dir, "it", &second, &e), e);
	assert_int_equal(second.bytes, 3);
	assert_int_equal(kept_look(p.dir, "another", &second, &e), -1);
	assert_int_equal(kept_check(p.dir, "another", &e), -1);
	place_close(&p);
}

static void
put(const struct place *p, const char *name, const char *text)
{
	int fd = openat(p->dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0444);

	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void
change_a_byte(const struct place *p)
{
	put(p, "it/a/two", "twO");
}

static void
add_a_file(const struct place *p)
{
	put(p, "it/three", "");
}

static void
take_a_file(const struct place *p)
{
	assert_int_equal(unlinkat(p->dir, "it/a/two", 0), 0);
}

static void
move_a_file(const struct place *p)
{
	assert_int_equal(renameat(p->dir, "it/a/two", p->dir, "it/two"), 0);
}

static void
make_a_link(const struct place *p)
{
	assert_int_equal(unlinkat(p->dir, "it/a/two", 0), 0);
	assert_int_equal(symlinkat("/etc/passwd", p->dir, "it/a/two"), 0);
}

static void
make_a_pipe(const struct place *p)
{
	assert_int_equal(unlinkat(p->dir, "it/a/two", 0), 0);
	assert_int_equal(mkfifoat(p->dir, "it/a/two", 0444), 0);
}

static void
let_others_write(const struct place *p)
{
	assert_int_equal(fchmodat(p->dir, "it/a/two", 0666, 0), 0);
}

static void
give_it_away(const struct place *p)
{
	assert_int_equal(fchownat(p->dir, "it/a/two", 1, 1, 0), 0);
}

static void
take_the_digest(const struct place *p)
{
	assert_int_equal(unlinkat(p->dir, "it/.sum", 0), 0);
}

static void
whatever_changed_is_seen(void **state)
{
	static const struct {
		const char *name;
		void (*change)(const struct place *);
		bool looks_the_same; /* of no file */
	} cases[] = {
		{ "change a byte", change_a_byte, false },
		{ "add a file", add_a_file, false },
		{ "take a file", take_a_file, false },
		{ "move a file", move_a_file, false },
		{ "make a link", make_a_link, false },
		{ "make a pipe", make_a_pipe, false },
		{ "let others write", let_others_write, false },
		{ "give it away", give_it_away, false },
		{ "take the digest", take_the_digest, true },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct kept_mark before = { 0 }, after = { 0 };
		struct place p;
		struct err e = { 0 };

		place_open(&p);
		CHECK_OK(kept_look(p.dir, "it", &before, &e), e);
		cases[i].change(&p);
		CHECK_INT(cases[i].name, kept_check(p.dir, "it", &e), -1);
		bool same = kept_look(p.dir, "it", &after, &e) == 0 &&
			    memcmp(&before, &after, sizeof(before)) == 0;
		CHECK_INT(cases[i].name, same, cases[i].looks_the_same);
		place_close(&p);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_come_back),
		cmocka_unit_test(whatever_changed_is_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
