/*
 * lang - the public half of the language files: what a client may be told and what
 * admission needs.  How a language is run is the helper's business alone.
 *
 * A struct langs is read once (and again on SIGHUP) and then never changes; pointers
 * into it live as long as it does.
 */
#ifndef LANG_LANG_H
#define LANG_LANG_H

#include <stdbool.h>

#include "base/path.h"
#include "base/words.h"
#include "model/limits.h"

#define LANG_ID_MAX 32

/* The self-test of a language: programs, and what must come of them. */
struct lang_selftest {
	char hello[1024];         /* prints "hello" */
	char echo[2048];          /* copies standard input to standard output */
	char compile_error[1024]; /* must not compile; empty for interpreted languages */
	char runtime_error[1024]; /* ends with a status other than 0 */
	char time_limit[1024];    /* never ends */
	char threads[4096]; /* prints "threads" from a second thread; empty: has none */
};

struct lang {
	char id[LANG_ID_MAX];
	char name[64]; /* "C++ (g++)" */
	struct words aliases;
	struct words extensions; /* ".cpp", … of source files */
	char source[64];         /* default name of the main file */
	char named_by[16];       /* "java": after a type in it; "": always `source` */
	bool compiled;
	bool installed;      /* its programs are on this machine */
	struct limits floor; /* profile values below are raised to these; 0: none */
	struct limits compile_floor;
	struct words options; /* compile options a client may ask for */
	struct lang_selftest selftest;
};

struct langs;

/* Reads every *.conf of a directory.  Two languages with one id or alias: an error. */
int langs_load(const char *dir, struct langs **out, struct err *e);
void langs_free(struct langs *l);

unsigned langs_count(const struct langs *l);
const struct lang *langs_at(const struct langs *l, unsigned i); /* sorted by id */
/* By id or alias, lower case; NULL if unknown. */
const struct lang *langs_find(const struct langs *l, const char *name);

/* Names the main file, if its client did not, and puts it where the language looks for
 * it.
 */
void lang_main_file(const struct lang *l, const char *code, size_t len, bool named,
    char name[PATH_NAME_MAX + 1]);

#endif
