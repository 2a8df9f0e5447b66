/* Compiled with --enable-fault-injection alone. */
#include "base/fault.h"

#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name, *what, *file;
} walls[FAULT_MAX_] = {
#define X(id, name, what, file) [FAULT_##id] = { name, what, file },
	FAULT_WALLS(X)
#undef X
};

/* Is `name` one of the words of a list that commas separate? */
static bool
lists(const char *list, const char *name)
{
	size_t n = strlen(name);

	for (const char *at = list; at != NULL && *at != '\0';) {
		size_t len = strcspn(at, ",");

		if (len == n && strncmp(at, name, n) == 0)
			return true;
		at += len + (at[len] == ',');
	}
	return false;
}

bool
fault_is_down(enum fault_wall wall)
{
	const char *list = getenv(FAULT_VARIABLE);

	return list != NULL && lists(list, walls[wall].name);
}

static bool
is_wall(const char *name, size_t len)
{
	for (unsigned i = 0; i < FAULT_MAX_; i++)
		if (strlen(walls[i].name) == len &&
		    strncmp(walls[i].name, name, len) == 0)
			return true;
	return false;
}

int
fault_check(struct err *e)
{
	const char *list = getenv(FAULT_VARIABLE);

	if (list == NULL)
		return 0;
	if (strlen(list) >= FAULT_NAMES_MAX - sizeof(FAULT_VARIABLE))
		return err_set(e, ERR_BAD_INPUT, FAULT_VARIABLE ": too long");
	for (const char *at = list; *at != '\0';) {
		size_t len = strcspn(at, ",");

		if (!is_wall(at, len))
			return err_set(e, ERR_BAD_INPUT,
			    FAULT_VARIABLE ": '%.*s' is no wall (--walls)", (int)len, at);
		at += len + (at[len] == ',');
	}
	return 0;
}

void
fault_variable(char out[FAULT_NAMES_MAX])
{
	const char *list = getenv(FAULT_VARIABLE);

	out[0] = '\0';
	if (list != NULL)
		snprintf(out, FAULT_NAMES_MAX, FAULT_VARIABLE "=%s", list);
}

void
fault_list(FILE *to)
{
	for (unsigned i = 0; i < FAULT_MAX_; i++)
		fprintf(
		    to, "%-15s %-13s %s\n", walls[i].name, walls[i].file, walls[i].what);
}
