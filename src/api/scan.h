/*
 * scan - what json-c lets pass, found in one pass over the text before json-c sees it:
 * bytes that are not UTF-8, NUL, a lone surrogate, "NaN", "1.", a member given twice
 * (json-c keeps the last), and sizes that would cost memory.
 *
 * The pass is linear whatever the text is.  What it lets through is not yet JSON:
 * commas, colons and brackets are json-c's to judge.
 */
#ifndef API_SCAN_H
#define API_SCAN_H

#include <stddef.h>

#include "base/err.h"

/* The deepest member of any dialect, tests[0].limits.cpuMs, is a value at depth 4. */
#define JSON_DEPTH_MAX 8
/* No object of any dialect has more than 20 members. */
#define JSON_MEMBERS_MAX 64
/* json-c spends 300 to 800 bytes on an empty array or object: 1 MiB of "[]," would
 * become 200 MiB.  A test takes at most 3 of them, and no site allows more than 10,000
 * tests. */
#define JSON_CONTAINERS_MAX 32768

/* Fails with ERR_BAD_INPUT and a sentence for the client. */
int json_scan(const char *text, size_t len, struct err *e);

#endif
