/* Is CPython what we know?  Made-up ones, most of them not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sandbox/warm/code.h"
#include "sandbox/warm/python.h"

/* --- the collector --- */

#define LIST_OBJECT 64 /* where PyList_New() puts one, in memory of its own */
#define PLACE       128
#define WORDS       64

/* Where the generations begin, and how far behind that 3.11 and 3.13.5 have the rest. */
static const struct layout {
	size_t at, first, permanent;
} layouts[] = {
	{ PLACE, 72, 80 },
	{ PLACE + 4, 76, 84 },
};

static uint64_t memory[WORDS];

static char *
place(size_t at)
{
	return (char *)memory + at;
}

static void
put(size_t at, uint64_t value)
{
	memcpy(place(at), &value, sizeof(value));
}

static uint64_t
get(size_t at)
{
	uint64_t value;

	memcpy(&value, place(at), sizeof(value));
	return value;
}

static void
link_both(size_t a, size_t b)
{
	put(a, (uint64_t)place(b));
	put(b + 8, (uint64_t)place(a));
}

/* Empty but for the list that is made next, and that each of the collector's. */
static void
make_python(const struct layout *l)
{
	const int threshold = 700;

	memset(memory, 0, sizeof(memory));
	for (size_t g = l->at; g < l->at + 72; g += 24) {
		link_both(g, g);
		memcpy(place(g + 16), &threshold, sizeof(threshold));
	}
	link_both(l->at, LIST_OBJECT);
	link_both(LIST_OBJECT, l->at);
	put(l->at + l->first, (uint64_t)place(l->at));
	link_both(l->at + l->permanent, l->at + l->permanent);
}

static struct object *
new_list(intptr_t size)
{
	assert_int_equal(size, 0);
	return (struct object *)(void *)place(LIST_OBJECT + sizeof(struct gc_head));
}

static struct object *
no_list(intptr_t size)
{
	(void)size;
	return NULL;
}

static void
drop(void *object)
{
	assert_ptr_equal(object, new_list(0));
}

static const struct python made_up = { .PyList_New = new_list, .Py_DecRef = drop };

static void
collectors_are_found(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++) {
		struct collector c;

		make_python(&layouts[i]);
		assert_true(python_collector(&made_up, &c));
		assert_ptr_equal(c.generation, place(layouts[i].at));
		assert_ptr_equal(
		    c.permanent, place(layouts[i].at + layouts[i].permanent));
	}
}

static void
no_list_no_collector(void **state)
{
	const struct python py = { .PyList_New = no_list, .Py_DecRef = drop };
	struct collector c;

	(void)state;
	assert_false(python_collector(&py, &c));
}

/* Each word that is looked at, one after the other, is another. */
static void
others_are_left_alone(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++) {
		const struct layout *l = &layouts[i];
		const size_t looked_at[] = { l->at, l->at + 8, l->at + 24, l->at + 32,
			l->at + 48, l->at + 56, l->at + l->first, l->at + l->permanent,
			l->at + l->permanent + 8, LIST_OBJECT };
		const size_t thresholds[] = { l->at + 16, l->at + 40, l->at + 64 };

		for (unsigned w = 0; w < sizeof(looked_at) / sizeof(looked_at[0]); w++) {
			struct collector c;

			make_python(l);
			put(looked_at[w], (uint64_t)place(0));
			assert_false(python_collector(&made_up, &c));
			make_python(l);
			put(looked_at[w], get(looked_at[w]) + 8);
			assert_false(python_collector(&made_up, &c));
		}
		for (unsigned t = 0; t < 3; t++) {
			struct collector c;

			make_python(l);
			memset(place(thresholds[t]), 0, 4);
			assert_false(python_collector(&made_up, &c));
			memset(place(thresholds[t]), 0xff, 4);
			assert_false(python_collector(&made_up, &c));
		}
	}
}

/* --- code --- */

#define ROOM 12

static unsigned char code[64] = { 0xf3, 0x0f, 0x1e, 0xfa, 0xe9 };

static void
jump_from(size_t at, int32_t distance)
{
	code[at] = 0xe9;
	memcpy(code + at + 1, &distance, sizeof(distance));
}

static void
long_functions_are_changed_where_they_are(void **state)
{
	(void)state;
	jump_from(4, 16);
	assert_ptr_equal(code_to_change(code, ROOM, ROOM), code);
	assert_ptr_equal(code_to_change(code, sizeof(code), ROOM), code);
}

static void
jumps_are_followed(void **state)
{
	(void)state;
	jump_from(4, 16);
	assert_ptr_equal(code_to_change(code, 9, ROOM), code + 25);
	assert_ptr_equal(code_to_change(code + 4, 5, ROOM), code + 25);
	jump_from(4, -9);
	assert_ptr_equal(code_to_change(code, 9, ROOM), code);
}

static void
other_short_functions_are_not(void **state)
{
	(void)state;
	jump_from(4, 16);
	assert_null(code_to_change(code, 8, ROOM));
	assert_null(code_to_change(code, 10, ROOM));
	assert_null(code_to_change(code + 4, 4, ROOM));
	assert_null(code_to_change(code, 5, ROOM));
	assert_null(code_to_change(code, 0, ROOM));
	code[4] = 0xe8; /* a call */
	assert_null(code_to_change(code, 9, ROOM));
	assert_null(code_to_change(code + 4, 5, ROOM));
	jump_from(4, 16);
	code[3] = 0xfb; /* endbr32 */
	assert_null(code_to_change(code, 9, ROOM));
	code[3] = 0xfa;
}

/* Nothing of ours is as far from itself. */
static void
jumps_out_of_the_library_are_not_followed(void **state)
{
	(void)state;
	jump_from(4, 1 << 30);
	assert_null(code_to_change(code, 9, ROOM));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(collectors_are_found),
		cmocka_unit_test(no_list_no_collector),
		cmocka_unit_test(others_are_left_alone),
		cmocka_unit_test(long_functions_are_changed_where_they_are),
		cmocka_unit_test(jumps_are_followed),
		cmocka_unit_test(other_short_functions_are_not),
		cmocka_unit_test(jumps_out_of_the_library_are_not_followed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
