#include "base/path.h"

#include <string.h>

#define NAME_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+-$"

/* Letters of any language are letters: bytes of UTF-8 pass. */
static size_t
span(const char *s)
{
	size_t n = 0;

	while (s[n] != '\0' &&
	       ((unsigned char)s[n] >= 0x80 || strchr(NAME_CHARS, s[n]) != NULL))
		n++;
	return n;
}

int
path_check_name(const char *name, size_t len, struct err *e)
{
	unsigned depth = 0;

	if (len == 0 || len > PATH_NAME_MAX)
		return err_set(
		    e, ERR_BAD_INPUT, "a file name has 1 to %d bytes", PATH_NAME_MAX);
	if (memchr(name, '\0', len) != NULL)
		return err_set(e, ERR_BAD_INPUT, "a file name has no NUL");
	for (const char *s = name;; s++) {
		size_t n = span(s);

		if (n == 0 || *s == '.' || *s == '-' || ++depth > PATH_DEPTH)
			return err_set(e, ERR_BAD_INPUT,
			    "a file name is relative and plain: letters, digits, . _ + - "
			    "$ and /");
		s += n;
		if (*s == '\0')
			return 0;
		if (*s != '/')
			return err_set(e, ERR_BAD_INPUT,
			    "a file name is relative and plain: letters, digits, . _ + - "
			    "$ and /");
	}
}
