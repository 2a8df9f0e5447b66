/*
 * text - bytes that may be UTF-8, looked at without copying: white space, lines, cuts.
 * Nothing here trusts the text: it is what a program wrote.
 */
#ifndef JUDGE_TEXT_H
#define JUDGE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "model/job.h"

struct text {
	const char *at;
	const char *end;
};

static inline struct text
text_of(const struct bytes *b)
{
	const char *at = b->data != NULL ? b->data : "";

	return (struct text){ at, at + b->len };
}

static inline size_t
text_len(struct text t)
{
	return (size_t)(t.end - t.at);
}

/* Same bytes? */
bool text_same(struct text a, struct text b);
/* isspace(3) of the C locale: blank \t \n \v \f \r. */
bool text_is_space(char c);

/* As JavaScript's String.prototype.trim: WhiteSpace and LineTerminator of ECMA-262. */
struct text text_trim(struct text t);
/* Blanks of the C locale at the end alone, newlines among them. */
struct text text_rtrim(struct text t);

/* Takes the next line, without its newline; false when there is none.  A text that ends
 * with a newline has no empty line after it. */
bool text_line(struct text *rest, struct text *line);
/* Takes the next word between blanks; false when there is none. */
bool text_token(struct text *rest, struct text *token);

/* The whole length if it is at most max, else the largest one below at which no UTF-8
 * character is cut in two. */
size_t text_cut(struct text t, size_t max);
/* How many bytes at the start belong to a character that began before it (0 to 3). */
size_t text_torn(struct text t);

#endif
