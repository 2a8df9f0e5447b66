#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/utf8.h"

static struct {
	const char *program;
	enum log_level max;
	bool terminal;
} logger = { "judgebox", LOG_LEVEL_INFO, false };

bool
log_level_named(const char *name, enum log_level *out)
{
	static const struct {
		const char *name;
		enum log_level level;
	} levels[] = {
		{ "error", LOG_LEVEL_ERROR },
		{ "warn", LOG_LEVEL_WARN },
		{ "info", LOG_LEVEL_INFO },
		{ "debug", LOG_LEVEL_DEBUG },
	};

	for (unsigned i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		if (strcmp(levels[i].name, name) != 0)
			continue;
		*out = levels[i].level;
		return true;
	}
	return false;
}

void
log_start(const char *program, enum log_level max)
{
	logger.program = program;
	logger.max = max;
	logger.terminal = isatty(STDERR_FILENO) == 1;
}

/* One write(2) per line, so that lines of several processes never mix. */
static void ERR_PRINTF(2, 0)
    put(enum log_level level, const char *fmt, va_list ap, const char *tail)
{
	char line[1024];
	size_t n = 0;

	if (level > logger.max)
		return;
	if (!logger.terminal)
		n += (size_t)snprintf(line, sizeof(line), "<%d>", level);
	n += (size_t)snprintf(
	    line + n, sizeof(line) - n, "%s[%d]: ", logger.program, (int)getpid());
	int m = vsnprintf(line + n, sizeof(line) - n, fmt, ap);
	if (m > 0)
		n = strlen(line);
	n += (size_t)snprintf(line + n, sizeof(line) - n, "%s", tail);
	if (n >= sizeof(line) - 1)
		n = sizeof(line) - 2;
	for (size_t i = 0; i < n;) { /* a value must not forge a line of its own */
		unsigned shown = utf8_shown((const unsigned char *)line + i, n - i);

		if (shown == 0 && !JB_FAULT(LOG_LINES))
			line[i] = '?';
		i += shown > 0 ? shown : 1;
	}
	line[n] = '\n';
	if (write(STDERR_FILENO, line, n + 1) == -1)
		return; /* nobody listens: nothing better to do */
}

void
log_line(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put(level, fmt, ap, "");
	va_end(ap);
}

const char *
log_word(const char *text, char out[LOG_WORD_BYTES])
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789._@+:/,-";
	size_t n = 0;

	for (; *text != '\0' && n + 4 < LOG_WORD_BYTES; text++)
		if (strchr(plain, *text) != NULL)
			out[n++] = *text;
		else
			n += (size_t)snprintf(out + n, LOG_WORD_BYTES - n, "%%%02X",
			    (unsigned)(unsigned char)*text);
	if (*text != '\0')
		out[n++] = '~';
	if (n == 0)
		out[n++] = '-';
	out[n] = '\0';
	return out;
}

const char *
err_text(const struct err *e, char *out, unsigned long size)
{
	if (e->sys != 0)
		snprintf(out, size, "%s: %s", e->msg, strerror(e->sys));
	else
		snprintf(out, size, "%s", e->msg);
	return out;
}

void
log_err(const struct err *e, const char *fmt, ...)
{
	char text[400], tail[410];
	va_list ap;

	snprintf(tail, sizeof(tail), ": %s", err_text(e, text, sizeof(text)));
	va_start(ap, fmt);
	put(LOG_LEVEL_ERROR, fmt, ap, tail);
	va_end(ap);
}
