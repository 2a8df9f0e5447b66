#include "sandbox/ids.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/fault.h"
#include "base/num.h"
#include "base/scope.h"

/* All four files are lines of fields between colons, the name first. */
static const struct source {
	const char *name;
	unsigned first; /* field of the id, from 0 */
	unsigned count; /* field of how many from there on; 0: that one id */
} sources[] = {
	{ "passwd", 2, 0 },
	{ "group", 2, 0 },
	{ "subuid", 1, 2 },
	{ "subgid", 1, 2 },
};

static bool
read_field(const char *line, unsigned field, uint64_t *out)
{
	char text[24];
	struct err e;

	for (; field > 0 && line != NULL; field--) {
		line = strchr(line, ':');
		line = line != NULL ? line + 1 : NULL;
	}
	if (line == NULL)
		return false;
	snprintf(text, sizeof(text), "%.*s", (int)strcspn(line, ":\n"), line);
	return num_parse(text, NUM_PLAIN, out, &e) == 0;
}

static int
check_line(const struct source *s, const char *line, unsigned number, unsigned first,
    unsigned count, struct err *e)
{
	uint64_t id, many = 1;

	if (!read_field(line, s->first, &id) ||
	    (s->count != 0 && !read_field(line, s->count, &many)))
		return 0; /* a comment, or a line that gives nobody an id */
	if (many == 0 || id >= (uint64_t)first + count ||
	    (id < first && many <= first - id))
		return 0;
	return err_set(e, ERR_SYS,
	    "ids %u to %u are the slots', and %s:%u gives some of them to '%.*s': "
	    "choose another uid_base",
	    first, first + count - 1, s->name, number,
	    (int)strcspn(line, ":\n") < 32 ? (int)strcspn(line, ":\n") : 32, line);
}

static int
check_file(const struct source *s, const char *etc, unsigned first, unsigned count,
    struct err *e)
{
	char path[512];
	scope_free char *line = NULL;
	size_t size = 0;
	unsigned number = 0;
	int r = 0;

	snprintf(path, sizeof(path), "%s/%s", etc, s->name);
	FILE *f = fopen(path, "re");
	if (f == NULL)
		return errno == ENOENT ? 0 : err_sys(e, "open %s", path);
	while (r == 0 && getline(&line, &size, f) != -1)
		r = check_line(s, line, ++number, first, count, e);
	if (r == 0 && ferror(f))
		r = err_sys(e, "read %s", path);
	fclose(f);
	return r;
}

int
ids_check(const char *etc, unsigned first, unsigned count, bool lent, struct err *e)
{
	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++)
		if ((lent || sources[i].count == 0) && !JB_FAULT(IDS_CHECK) &&
		    check_file(&sources[i], etc, first, count, e) == -1)
			return -1;
	return 0;
}

/* Is it "name:" or "uid:"? */
static bool
is_of(const char *line, const char *name, unsigned uid)
{
	size_t n = strcspn(line, ":");
	char number[16];

	snprintf(number, sizeof(number), "%u", uid);
	return (n == strlen(name) && strncmp(line, name, n) == 0) ||
	       (n == strlen(number) && strncmp(line, number, n) == 0);
}

int
ids_lent(const char *path, const char *name, unsigned uid, struct ids_range *out,
    struct err *e)
{
	struct ids_range best = { 0 };
	scope_free char *line = NULL;
	size_t size = 0;
	uint64_t first, count;

	FILE *f = fopen(path, "re");
	if (f == NULL)
		return err_sys(e, "open %s", path);
	while (getline(&line, &size, f) != -1)
		if (is_of(line, name, uid) && read_field(line, 1, &first) &&
		    read_field(line, 2, &count) && count > best.count &&
		    first <= UINT32_MAX && count <= UINT32_MAX - first)
			best = (struct ids_range){ (unsigned)first, (unsigned)count };
	fclose(f);
	if (best.count == 0)
		return err_set(e, ERR_SYS, "%s lends no ids to %s", path, name);
	*out = best;
	return 0;
}
