/* Orders to launchers: packed and unpacked they are the same, and nothing else passes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "sandbox/inner.h"

#define WORDS_HEAD offsetof(struct words, data)

static void
fill(struct words *w, unsigned count, unsigned len)
{
	struct err e = { 0 };
	char word[WORDS_BYTES];

	memset(word, 'x', len);
	word[len] = '\0';
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(words_add(w, word, &e), 0);
}

static const struct {
	unsigned argv, argv_len, env, env_len;
} cases[] = {
	{ 0, 0, 0, 0 },
	{ 1, 6, 8, 30 },
	{ 1, 7, 8, 30 }, /* what follows is not aligned */
	{ 100, 50, 3, 9 },
	{ 1, WORDS_BYTES - 1, 1, WORDS_BYTES - 1 },
	{ 0, 0, 1, WORDS_BYTES - 1 },
	{ 1, WORDS_BYTES - 1, 0, 0 },
};

static size_t
make(struct inner_run *m, size_t i)
{
	memset(m, 0, sizeof(*m));
	m->type = INNER_RUN;
	m->tag = 7;
	m->limits.cpu_us = 5;
	fill(&m->argv, cases[i].argv, cases[i].argv_len);
	fill(&m->env, cases[i].env, cases[i].env_len);
	return offsetof(struct inner_run, argv) + 2 * WORDS_HEAD + m->argv.len +
	       m->env.len;
}

static void
packed_and_unpacked_it_is_the_same(void **state)
{
	static struct inner_run was, there;
	struct err e = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		make(&was, i);
		size_t n = make(&there, i);
		assert_int_equal(inner_pack_run(&there), n);
		/* of what was there before, nothing counts */
		memset((char *)&there + n, 0xff, sizeof(there) - n);
		assert_int_equal(inner_unpack_run(&there, n, &e), 0);
		assert_memory_equal(
		    &there, &was, offsetof(struct inner_run, argv) + WORDS_HEAD);
		assert_memory_equal(there.argv.data, was.argv.data, was.argv.len);
		assert_memory_equal(&there.env, &was.env, WORDS_HEAD + was.env.len);
	}
}

static void
a_length_that_lies_is_refused(void **state)
{
	static struct inner_run m;
	struct err e = { 0 };
	size_t n = make(&m, 1);

	(void)state;
	for (size_t len = 0; len < n + 200; len++) {
		make(&m, 1);
		inner_pack_run(&m);
		if (len != n)
			assert_int_equal(inner_unpack_run(&m, len, &e), -1);
	}
	make(&m, 1);
	m.argv.len = WORDS_BYTES + 1;
	assert_int_equal(inner_unpack_run(&m, sizeof(m), &e), -1);
	make(&m, 1);
	inner_pack_run(&m);
	memset(m.argv.data + m.argv.len, 0xff, WORDS_HEAD);
	assert_int_equal(inner_unpack_run(&m, n, &e), -1);
	assert_int_equal(inner_unpack_run(&m, sizeof(m), &e), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packed_and_unpacked_it_is_the_same),
		cmocka_unit_test(a_length_that_lies_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
