/*
 * java - which type a Java source wants its file to be named after, and so which one is
 * started: the first public one at the top; if there is none, the one called `usual`,
 * or else the first with a main method.  And the package that it is in.
 *
 * A scanner, not a parser: comments, literals and annotations are passed over, braces
 * counted.  Whoever misleads it gets a file of another name, which javac refuses, or one
 * that java does not find.
 */
#ifndef LANG_JAVA_H
#define LANG_JAVA_H

#include <stdbool.h>
#include <stddef.h>

#define JAVA_NAME_MAX 100

struct java_source {
	char type[JAVA_NAME_MAX + 1]; /* "": none, or its name is not plain ASCII */
	char folder[JAVA_NAME_MAX +
		    1]; /* "org/example/" of its package; "": it has none */
};

/* False: nothing is known.  The source is empty, has Unicode escapes outside of literals
 * and comments, or a package whose name is not plain ASCII. */
bool java_look(const char *text, size_t len, const char *usual, struct java_source *out);

#endif
