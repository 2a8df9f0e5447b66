/*
 * Any sealed file as a bundle: refused with a reason, or every file in it has a good name
 * of its own and lies where it can be read.  (I-14)
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/scope.h"
#include "sandbox/wire/bundle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(int yes, const char *what)
{
	if (yes)
		return;
	fprintf(stderr, "%s\n", what);
	abort();
}

static void
check_entries(int fd, const struct bundle_entry *list, uint32_t count)
{
	struct err e;

	for (uint32_t i = 0; i < count; i++) {
		scope_free char *text = malloc(list[i].size + 1);

		require(text != NULL, "a size beyond the file's");
		require(path_check_name(list[i].name, strlen(list[i].name), &e) == 0,
		    "a bad name passed");
		require(fd_pread_all(fd, text, list[i].size, list[i].offset, &e) == 0,
		    "a file lies outside");
		for (uint32_t j = 0; j < i; j++)
			require(strcmp(list[i].name, list[j].name) != 0, "a name twice");
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bundle_entry *list = NULL;
	uint32_t count = 0;
	struct err e = { .code = ERR_NONE };

	scope_fd fd = fd_memfd("fuzz", data, size, &e);
	require(fd != -1, "fd_memfd");
	if (bundle_open(fd, &list, &count, &e) == 0)
		check_entries(fd, list, count);
	else
		require(e.code != ERR_NONE && e.msg[0] != '\0' && list == NULL,
		    "refused without a reason");
	free(list);
	return 0;
}
