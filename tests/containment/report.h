/* report - how a containment program tells what it found: lines "OK name" or
 * "BREACH name detail", and "DONE" as proof that it came to its end.  "STATED name" is
 * something that README.md says is not closed. */
#ifndef REPORT_H
#define REPORT_H

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static inline void
report(int good, const char *name, const char *fmt, ...)
{
	va_list ap;

	printf("%s %s", good ? "OK" : "BREACH", name);
	if (!good) {
		putchar(' ');
		va_start(ap, fmt);
		vprintf(fmt, ap);
		va_end(ap);
	}
	putchar('\n');
	fflush(stdout);
}

/* A call that must have failed. */
#define refused(name, call)                                                              \
	do {                                                                             \
		errno = 0;                                                               \
		long r_ = (long)(call);                                                  \
		report(r_ == -1, name, "succeeded with %ld", r_);                        \
	} while (0)

static inline long
clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000L + t.tv_nsec / 1000000;
}

/* For pairs: the time in which this half was at work. */
static inline void
span(long since_ms)
{
	printf("SPAN %ld %ld\n", since_ms, clock_ms());
}

static inline int
done(void)
{
	puts("DONE");
	return 0;
}

#endif
