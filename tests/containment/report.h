/* report - how a containment program tells what it found: lines "OK name" or
 * "BREACH name detail", and "DONE" as proof that it came to its end. */
#ifndef REPORT_H
#define REPORT_H

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static inline int
done(void)
{
	puts("DONE");
	return 0;
}

#endif
