/*
 * when - moments as people write them.  A moment is microseconds since 1970, UTC.
 */
#ifndef BASE_WHEN_H
#define BASE_WHEN_H

#include <stdint.h>

#include "base/err.h"

#define WHEN_TEXT 32 /* "2026-11-21T09:30:00.125Z" and room */

int64_t when_now(void);
void when_text(int64_t at, char out[WHEN_TEXT]);

/*
 * "2h", "7d", "90m": so long before now.  "2026-11-21", "2026-11-21T09:30",
 * "…:30:15", with "Z" or "+01:00" behind it, else in the local time zone.
 */
int when_parse(const char *text, int64_t now, int64_t *out, struct err *e);

#endif
