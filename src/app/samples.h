/*
 * samples - what GET /metrics said, read back: for `judgebox top`.
 *
 * Names come without "judgebox_".  The text is a service's, perhaps another's: what is
 * not printable ASCII, or does not end as OpenMetrics ends, is refused as a whole.
 */
#ifndef APP_SAMPLES_H
#define APP_SAMPLES_H

#include <stdbool.h>

#include "base/buf.h"

struct sample {
	const char *name, *labels; /* labels: a="x",b="y", or empty */
	double value;
};

struct samples {
	char *text; /* owned, and all that list points to */
	struct sample *list;
	unsigned n;
};

int samples_read(const struct buf *body, struct samples *out, struct err *e);
void samples_free(struct samples *s);

/* Of all with this name, and with label="value" if label is not NULL; 0: there are none.
 */
double samples_sum(
    const struct samples *s, const char *name, const char *label, const char *value);

/* The value of a label in a sample's labels; false: it has none, or a longer one. */
bool samples_label(const struct sample *s, const char *label, char *out, size_t size);

/* Of the histogram `name`, all its series together, less what was there before (NULL:
 * nothing): the bound below which the share q of it lies, between two bounds in
 * proportion.  -1: nothing was observed; the last bound if q lies above it. */
double samples_quantile(
    const struct samples *now, const struct samples *before, const char *name, double q);

#endif
