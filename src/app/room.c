#include "app/room.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The limit in a file; 0: there is none. */
static uint64_t
read_limit(const char *path)
{
	char text[64] = "";
	FILE *in = fopen(path, "re");

	if (in == NULL)
		return 0;
	if (fgets(text, sizeof(text), in) == NULL)
		text[0] = '\0';
	fclose(in);
	return strtoull(text, NULL, 10); /* "max" is none */
}

/* What is below the groups of slots is a run's. */
static void
cut_slot(char *group)
{
	for (char *at = strstr(group, "/slot"); at != NULL; at = strstr(at + 1, "/slot"))
		if (isdigit((unsigned char)at[5])) {
			*at = '\0';
			return;
		}
}

void
room_narrow(struct room *r, const char *mount, const char *group, const char *file)
{
	char left[256], path[640];

	snprintf(left, sizeof(left), "%s", group);
	cut_slot(left);
	for (char *slash = left; slash != NULL;) {
		snprintf(path, sizeof(path), "%s%s/%s", mount, left, file);
		uint64_t limit = read_limit(path);
		if (limit != 0 && limit < r->bytes) {
			r->bytes = limit;
			snprintf(r->where, sizeof(r->where), "%.79s",
			    left[0] != '\0' && left[1] != '\0' ? left + 1 : "/");
		}
		slash = strrchr(left, '/');
		if (slash != NULL)
			*slash = '\0';
	}
}

/* A line of it: number:controllers:/path */
bool
room_group_of(const char *text, struct room_group *out)
{
	bool found = false;

	for (const char *line = text; *line != '\0'; line += *line == '\n') {
		char controllers[128] = "", path[256] = "", padded[140];

		if (sscanf(line, "%*u::%255s", path) == 1 && !found) {
			*out = (struct room_group){ .v2 = true };
			snprintf(out->path, sizeof(out->path), "%s", path);
			found = true;
		} else if (sscanf(line, "%*u:%127[^:]:%255s", controllers, path) == 2) {
			snprintf(padded, sizeof(padded), ",%s,", controllers);
			if (strstr(padded, ",memory,") != NULL) {
				*out = (struct room_group){ .v2 = false };
				snprintf(out->path, sizeof(out->path), "%s", path);
				return true;
			}
		}
		line += strcspn(line, "\n");
	}
	return found;
}
