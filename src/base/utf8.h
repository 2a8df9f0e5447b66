/* utf8 - one code point at a time, strictly (RFC 3629: no surrogate, no overlong form).
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of the code point at s, 1 to 4, and the code point; 0 if there is none. */
unsigned utf8_next(const unsigned char *s, size_t len, uint32_t *point);

/* The same if a terminal only shows it; 0 for a control character, too, be it one of
 * ASCII, DEL or of U+0080 to U+009F, and for one that ends a line (U+2028, U+2029) or
 * turns its order around (U+202A to U+202E, U+2066 to U+2069). */
unsigned utf8_shown(const unsigned char *s, size_t len);

bool utf8_valid(const char *s, size_t len);

#endif
