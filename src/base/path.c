#include "base/path.h"

#include <string.h>

#define NAME_CHARS                                                                       \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+-"

int
path_check_name(const char *name, size_t len, struct err *e)
{
	unsigned depth = 0;

	if (len == 0 || len > PATH_NAME_MAX)
		return err_set(e, ERR_BAD_INPUT, "a file name has 1 to %d bytes", PATH_NAME_MAX);
	if (memchr(name, '\0', len) != NULL)
		return err_set(e, ERR_BAD_INPUT, "a file name has no NUL");
	for (const char *s = name;; s++) {
		size_t n = strspn(s, NAME_CHARS);

		if (n == 0 || *s == '.' || *s == '-' || ++depth > PATH_DEPTH)
			return err_set(e, ERR_BAD_INPUT,
			    "a file name is relative and plain: letters, digits, . _ + - and /");
		s += n;
		if (*s == '\0')
			return 0;
		if (*s != '/')
			return err_set(e, ERR_BAD_INPUT,
			    "a file name is relative and plain: letters, digits, . _ + - and /");
	}
}
