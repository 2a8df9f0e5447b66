/*
 * java - which type a Java source wants its file to be named after, and so which one is
 * started: the first public one at the top; if there is none, the one called `usual`,
 * or else the first with a main method.
 *
 * A scanner, not a parser: comments, literals and annotations are passed over, braces
 * counted.  Whoever misleads it gets a file of another name, which javac refuses.
 */
#ifndef LANG_JAVA_H
#define LANG_JAVA_H

#include <stdbool.h>
#include <stddef.h>

#define JAVA_NAME_MAX 100

/* False: no such type, or one whose name is not plain ASCII.  A source with Unicode
 * escapes outside of literals and comments has none. */
bool java_main_type(
    const char *text, size_t len, const char *usual, char out[JAVA_NAME_MAX + 1]);

#endif
