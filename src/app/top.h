/*
 * top - the picture of `judgebox top`: text from two readings of the metrics, and nothing
 * that knows a terminal.
 */
#ifndef APP_TOP_H
#define APP_TOP_H

#include "app/samples.h"

struct top {
	const char *url;
	const char *clock;            /* of this machine, for the corner */
	const char *away;             /* why the service does not answer; NULL: it does */
	const struct samples *now;    /* NULL: never seen */
	const struct samples *before; /* NULL: rates are of all time since its start */
	double seconds;               /* between the two */
	double epoch;                 /* seconds since it, now */
};

#define TOP_COLUMNS 80 /* no line is longer */

/* Lines that end in \n. */
void top_draw(const struct top *t, struct buf *out);

#endif
