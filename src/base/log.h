/*
 * log - one structured line per event on stderr: "<6>judgebox-fcgi[12]: text key=value".
 *
 * The <N> prefix is the syslog priority that systemd-journald understands
 * (sd-daemon(3)); on a terminal it is left out.  Never log program text: ids, lengths
 * and hashes only.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

#include "base/err.h"

enum log_level {
	LOG_LEVEL_ERROR = 3,
	LOG_LEVEL_WARN = 4,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7
};

/* By its name in a configuration: error, warn, info, debug.  False: none is called so. */
bool log_level_named(const char *name, enum log_level *out);

void log_start(const char *program, enum log_level max);
void log_line(enum log_level level, const char *fmt, ...) ERR_PRINTF(2, 3);
/* "what: e->msg: strerror(e->sys)" */
void log_err(const struct err *e, const char *fmt, ...) ERR_PRINTF(2, 3);
/* A value for key=value that a stranger chose: letters, digits and ._@+:/,- as they are,
 * any other byte as %XX, "~" where it was cut; "-" if empty.  Returns out. */
#define LOG_WORD_BYTES 104
const char *log_word(const char *text, char out[LOG_WORD_BYTES]);
/* The whole sentence of an error, errno's text included, for a person. */
const char *err_text(const struct err *e, char *out, unsigned long size);

#define log_error(...) log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...)  log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
