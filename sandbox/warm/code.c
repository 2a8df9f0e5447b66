#include "sandbox/warm/code.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define JUMP       0xe9
#define JUMP_BYTES (1 + sizeof(int32_t))

/* endbr64, where indirect calls may arrive */
static const unsigned char mark[] = { 0xf3, 0x0f, 0x1e, 0xfa };

static bool
are_of_one_library(const void *a, const void *b)
{
	Dl_info of_a, of_b;

	return dladdr(a, &of_a) != 0 && dladdr(b, &of_b) != 0 &&
	       of_a.dli_fbase == of_b.dli_fbase;
}

unsigned char *
code_to_change(unsigned char *at, size_t size, size_t bytes)
{
	unsigned char *jump = at, *to;
	int32_t distance;

	if (size >= bytes)
		return at;
	if (size == sizeof(mark) + JUMP_BYTES && memcmp(at, mark, sizeof(mark)) == 0)
		jump += sizeof(mark);
	if (jump + JUMP_BYTES != at + size || jump[0] != JUMP)
		return NULL;
	memcpy(&distance, jump + 1, sizeof(distance));
	to = (unsigned char *)((intptr_t)at + (intptr_t)size + distance);
	return are_of_one_library(at, to) ? to : NULL;
}
