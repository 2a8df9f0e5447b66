#include "base/lean.h"

#include <inttypes.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE        4096UL /* where it is more, the kernel refuses, and all stays */
#define STACK_BELOW (1024 * 1024UL) /* the kernel keeps 128 MB free below a stack */
#define REGION_MOST (64UL << 20)    /* larger ones are a sanitizer's */
#define STACK_KEPT  (4 * PAGE)      /* for what is called from here */

void
lean_rest(void)
{
	uintptr_t here = (uintptr_t)__builtin_frame_address(0) & ~(PAGE - 1);

	malloc_trim(0);
	/* of what is not mapped it says so, and drops the rest */
	madvise((void *)(here - STACK_BELOW), STACK_BELOW - STACK_KEPT, MADV_DONTNEED);
}

/* Whatever lies there, also between two allocations, which sanitizers forbid. */
__attribute__((no_sanitize("address"))) static bool
is_empty(const char *page)
{
	const uint64_t *words = (const uint64_t *)(const void *)page;

	for (size_t i = 0; i < PAGE / sizeof(*words); i++)
		if (words[i] != 0)
			return false;
	return true;
}

/* Only what is there: to look at a page that never was would make one. */
static void
drop_zeros_of(char *from, const char *to)
{
	for (char *at = from; at < to; at += PAGE) {
		unsigned char there = 0;

		if (mincore(at, PAGE, &there) == 0 && (there & 1) != 0 && is_empty(at))
			madvise(at, PAGE, MADV_DONTNEED);
	}
}

void
lean_drop_zeros(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512], mode[5];
	uint64_t from, to, offset, inode;

	while (maps != NULL && fgets(line, sizeof(line), maps) != NULL) {
		int name = 0;

		/* private memory of no file: there zeros are what comes back */
		if (sscanf(line,
			"%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %*s %" SCNu64 " %n",
			&from, &to, mode, &offset, &inode, &name) == 5 &&
		    strcmp(mode, "rw-p") == 0 && inode == 0 && to - from <= REGION_MOST &&
		    (line[name] == '\0' || strncmp(line + name, "[heap]", 6) == 0))
			drop_zeros_of(
			    (char *)(uintptr_t)from, (const char *)(uintptr_t)to);
	}
	if (maps != NULL)
		fclose(maps);
}
