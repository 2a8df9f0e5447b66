/*
 * language - how each language is compiled and run: the private half of the language
 * files.  A client names a language by its id; every word of a command comes from here.
 */
#ifndef SANDBOX_LANGUAGE_H
#define SANDBOX_LANGUAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/words.h"
#include "sandbox/digest.h"
#include "sandbox/seccomp.h"

#define LANGUAGES_MAX 128

/* Files that make a compiler faster and change nothing else; see prepared.h. */
struct language_prepare {
	struct words files;   /* pairs: a name, the source it is made from */
	struct words command; /* makes one, and calls it LANGUAGE_MADE or _TREE */
	bool loads;           /* it asks for {library} */
	char unless[128];     /* a file: where it is, nothing is prepared; "": always */
	struct words of;      /* files it is made of; none: the whole toolchain */
	struct words words;   /* what {prepared} stands for; {dir} is where it lies */
	struct words sets;    /* compile options, "": none; each set has its own */
	struct words beside;  /* options that make no difference */
	bool quiet; /* only a compile that says nothing is the same with and without */
};
#define LANGUAGE_OF_MAX    4
#define LANGUAGE_MADE      "made"
#define LANGUAGE_MADE_TREE "out/"

struct language {
	unsigned index; /* below LANGUAGES_MAX, its own */
	char id[32];
	char source[64];
	char artifact[64]; /* "main", "out/", or empty: interpreted */
	/* owned, but packed: only to be read; NULL is empty, too */
	const struct words *extensions, *compile, *run, *version, *env, *paths, *options;
	const struct words *prefer; /* pairs: a file, what {prefer} is if it is there */
	struct language_prepare *prepare; /* owned; NULL: nothing */
	uint64_t heap_reserve;            /* bytes */
	bool warm;          /* its run command may start from a frozen image */
	struct digest file; /* of the language file, every byte of it */
	enum seccomp_class class, compile_class;
};

struct languages;

int languages_load(const char *dir, struct languages **out, struct err *e);
void languages_free(struct languages *l);
const struct language *languages_find(const struct languages *l, const char *id);
/* Extra read-only paths of all languages together. */
int languages_paths(const struct languages *l, struct words *paths, struct err *e);
unsigned languages_count(const struct languages *l);
const struct language *languages_at(const struct languages *l, unsigned i);

bool language_is_compiled(const struct language *l);
bool language_is_source(const struct language *l, const char *file);

/* "name/": what is made is a tree. */
bool language_prepares_tree(const char *file);
/* Which of the sets these options choose; -1: none. */
int language_prepared_set(const struct language *l, const struct words *options);
/* Adds to *out what {prepared} stands for with one file, which lies in dir. */
int language_prepared_words(
    const struct language *l, const char *dir, struct words *out, struct err *e);

/* The whole environment of a box. */
int language_environment(const struct language *l, struct words *out, struct err *e);

#endif
