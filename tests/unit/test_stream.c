/* A tap holds head and tail of any flood, and not a byte more than its limit. */
#include "unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "judge/stream.h"

/* Writes text in pieces of `piece` bytes and reads each as it comes. */
static void
pour(struct tap *t, const char *text, size_t len, size_t piece)
{
	struct err e = { 0 };
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	t->fd = ends[0];
	for (size_t at = 0; at < len; at += piece) {
		CHECK_OK(fd_write_all(
			     ends[1], text + at, piece < len - at ? piece : len - at, &e),
		    e);
		CHECK_OK(tap_read(t, SIZE_MAX, &e), e);
	}
	close(ends[1]);
	CHECK_OK(tap_read(t, SIZE_MAX, &e), e);
	assert_int_equal(t->fd, -1);
}

static void
head_and_tail_are_kept(void **state)
{
	static const struct {
		const char *what, *text;
		size_t limit;
		const char *kept;
		size_t head; /* 0: not cut */
	} cases[] = {
		{ "nothing", "", 10, "", 0 },
		{ "less", "abc", 10, "abc", 0 },
		{ "just enough", "0123456789", 10, "0123456789", 0 },
		{ "one more", "0123456789a", 10, "012346789a", 5 },
		{ "a lot more", "0123456789abcdefghijklmnopqrstuvwxyz", 10, "01234vwxyz",
		    5 },
		{ "odd limit", "0123456789", 5, "01789", 2 },
		{ "limit of one", "0123456789", 1, "9", 0 },
		{ "no half characters at the head", "aaaa\u00e9bbbbbcdefgh", 10,
		    "aaaadefgh", 4 },
		{ "nor at the tail", "aaaaabbbbbb\u00e9cdef", 10, "aaaaacdef", 5 },
		{ "bytes that are no characters stay", "\xff\xff\xff\xff\xff\xff\xff", 4,
		    "\xff\xff\xff\xff", 2 },
	};

	(void)state;
	for (unsigned i = 0; i < LENGTH(cases); i++)
		for (size_t piece = 1; piece < 40; piece++) {
			struct tap t;
			struct stream s;
			size_t len = strlen(cases[i].text);

			tap_open(&t, -1, cases[i].limit);
			pour(&t, cases[i].text, len, piece);
			CHECK_INT(cases[i].what, tap_over(&t), len > cases[i].limit);
			assert_true(t.cap <= 4096);
			tap_finish(&t, &s);
			CHECK_INT(cases[i].what, s.truncated, len > cases[i].limit);
			CHECK_INT(cases[i].what, s.total, len);
			CHECK_INT(cases[i].what, s.head, cases[i].head);
			CHECK_INT(cases[i].what, s.kept.len, strlen(cases[i].kept));
			if (s.kept.len > 0)
				assert_memory_equal(
				    s.kept.data, cases[i].kept, s.kept.len);
			free(s.kept.data);
		}
}

static void
memory_stays_within_the_limit(void **state)
{
	char noise[60000];
	struct tap t;

	(void)state;
	memset(noise, 'n', sizeof(noise));
	tap_open(&t, -1, 100000);
	for (unsigned i = 0; i < 50; i++)
		pour(&t, noise, sizeof(noise), sizeof(noise));
	CHECK_INT("total", t.total, 3000000);
	CHECK_INT("held", t.cap, 100000);
	tap_close(&t);
}

static void
a_turn_at_one_pipe_ends(void **state)
{
	char noise[60000] = { 0 };
	struct err e = { 0 };
	struct tap t;
	int ends[2];

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	fcntl(ends[1], F_SETPIPE_SZ, 1 << 20);
	for (unsigned i = 0; i < 5; i++)
		CHECK_OK(fd_write_all(ends[1], noise, sizeof(noise), &e), e);
	tap_open(&t, ends[0], 1 << 20);
	CHECK_OK(tap_read(&t, 100000, &e), e);
	assert_true(t.total >= 100000 && t.total < 200000);
	CHECK_OK(tap_read(&t, SIZE_MAX, &e), e);
	CHECK_INT("then the rest", t.total, 300000);
	tap_close(&t);
	close(ends[1]);
}

static void
a_stream_can_be_cut_later(void **state)
{
	struct stream s = { .total = 26 };

	(void)state;
	bytes_set(&s.kept, "abcdefghijklmnopqrstuvwxyz", 26);
	stream_cut(&s, 26);
	assert_false(s.truncated);
	stream_cut(&s, 8);
	assert_true(s.truncated && s.kept.len == 8 && s.head == 4 && s.total == 26);
	assert_memory_equal(s.kept.data, "abcdwxyz", 8);
	stream_drop(&s);
	assert_true(s.kept.len == 0 && s.head == 0 && s.total == 26);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(head_and_tail_are_kept),
		cmocka_unit_test(memory_stays_within_the_limit),
		cmocka_unit_test(a_turn_at_one_pipe_ends),
		cmocka_unit_test(a_stream_can_be_cut_later),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
