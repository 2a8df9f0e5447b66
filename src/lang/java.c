#include "lang/java.h"

#include <stdio.h>
#include <string.h>

struct word {
	const char *at;
	size_t len; /* 0: no word, but the mark *at */
};

struct scan {
	const char *s, *end;
	struct word now, before;
	unsigned depth;   /* of braces, brackets and parentheses */
	bool is_public;   /* what is being declared at the top */
	struct word type; /* whose body this is */
	struct word with_main;
	bool has_usual, escapes;
	bool odd_package;
	char folder[JAVA_NAME_MAX + 1];
};

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '_' || c == '$' || (unsigned char)c >= 0x80;
}

static bool
starts(const struct scan *c, const char *text)
{
	size_t n = strlen(text);

	return (size_t)(c->end - c->s) >= n && memcmp(c->s, text, n) == 0;
}

/* Behind the next `text`, or at the end.  A backslash takes the character after it along
 * where there are escapes; a line ends what may not span two. */
static void
skip_past(struct scan *c, const char *text, bool escapes, bool one_line)
{
	for (; c->s < c->end; c->s++) {
		if (starts(c, text)) {
			c->s += strlen(text);
			return;
		}
		if (one_line && *c->s == '\n')
			return;
		if (escapes && *c->s == '\\' && c->end - c->s > 1)
			c->s++;
	}
}

static bool
skip_blanks(struct scan *c)
{
	const char *from = c->s;

	while (c->s < c->end && *c->s != '\0' && strchr(" \t\r\n\f", *c->s) != NULL)
		c->s++;
	return c->s > from;
}

/* Comments and literals; the longest beginning first. */
static bool
skip_dead(struct scan *c)
{
	static const struct {
		const char *begin, *end;
		bool escapes, one_line;
	} dead[] = {
		{ "//", "\n", false, false },
		{ "/*", "*/", false, false },
		{ "\"\"\"", "\"\"\"", true, false },
		{ "\"", "\"", true, true },
		{ "'", "'", true, true },
	};

	for (size_t i = 0; i < sizeof(dead) / sizeof(dead[0]); i++)
		if (starts(c, dead[i].begin)) {
			c->s += strlen(dead[i].begin);
			skip_past(c, dead[i].end, dead[i].escapes, dead[i].one_line);
			return true;
		}
	return false;
}

static bool
next(struct scan *c)
{
	c->before = c->now;
	while (skip_blanks(c) || skip_dead(c))
		;
	if (c->s >= c->end)
		return false;
	c->now = (struct word){ .at = c->s };
	while (c->s < c->end && is_letter(*c->s))
		c->s++;
	c->now.len = (size_t)(c->s - c->now.at);
	c->s += c->now.len == 0;
	return true;
}

static bool
is(const struct word *w, const char *text)
{
	return w->len == strlen(text) && memcmp(w->at, text, w->len) == 0;
}

static bool
is_mark(const struct word *w, char mark)
{
	return w->at != NULL && w->len == 0 && *w->at == mark;
}

static bool
put_name(const struct word *w, char out[JAVA_NAME_MAX + 1])
{
	if (w->len == 0 || w->len > JAVA_NAME_MAX || (*w->at >= '0' && *w->at <= '9'))
		return false;
	for (size_t i = 0; i < w->len; i++)
		if ((unsigned char)w->at[i] >= 0x80)
			return false;
	snprintf(out, JAVA_NAME_MAX + 1, "%.*s", (int)w->len, w->at);
	return true;
}

/* import a.record.B; */
static void
skip_statement(struct scan *c)
{
	while (!is_mark(&c->now, ';') && next(c))
		;
}

/* package a.b; */
static void
take_package(struct scan *c)
{
	char name[JAVA_NAME_MAX + 1];
	bool wants_name = true;

	while (next(c) && !is_mark(&c->now, ';')) {
		size_t used = strlen(c->folder);

		if (wants_name ? !put_name(&c->now, name) ||
				     used + c->now.len + 1 >= sizeof(c->folder)
			       : !is_mark(&c->now, '.'))
			c->odd_package = true;
		else if (wants_name) {
			memcpy(c->folder + used, c->now.at, c->now.len);
			c->folder[used + c->now.len] = '/';
		}
		wants_name = !wants_name;
	}
	c->odd_package |= wants_name;
}

static bool
declares_type(const struct word *w)
{
	static const char *const kinds[] = { "class", "interface", "enum", "record" };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (is(w, kinds[i]))
			return true;
	return false;
}

/* At the top of the file.  True: this is the public type. */
static bool
take_top(struct scan *c, const char *usual)
{
	bool annotation = is_mark(&c->before, '@');

	if (is(&c->now, "package"))
		take_package(c);
	else if (is(&c->now, "import"))
		skip_statement(c);
	else if (is(&c->now, "public") && !annotation)
		c->is_public = true;
	else if (is_mark(&c->now, ';'))
		c->is_public = false;
	else if (declares_type(&c->now) && (!annotation || is(&c->now, "interface")) &&
		 next(c) && c->now.len > 0) {
		c->type = c->now;
		c->has_usual |= is(&c->now, usual);
		return c->is_public;
	}
	return false;
}

static void
count_depth(struct scan *c)
{
	char mark = c->now.len == 0 ? *c->now.at : '\0';

	if (mark == '\\')
		c->escapes = true;
	else if (mark != '\0' && strchr("({[", mark) != NULL)
		c->depth++;
	else if (mark != '\0' && strchr(")}]", mark) != NULL && c->depth > 0 &&
		 --c->depth == 0 && mark == '}')
		c->is_public = false;
}

/* Where the name of a method stands, in the body of a type at the top. */
static void
look_for_main(struct scan *c)
{
	if (c->depth == 1 && is(&c->before, "void") && is(&c->now, "main") &&
	    c->with_main.len == 0)
		c->with_main = c->type;
}

bool
java_look(const char *text, size_t len, const char *usual, struct java_source *out)
{
	struct word found = { NULL, 0 };

	*out = (struct java_source){ 0 };
	if (len == 0)
		return false;
	struct scan c = { .s = text, .end = text + len };
	while (next(&c) && !c.escapes) {
		if (c.depth == 0 && found.len == 0 && take_top(&c, usual))
			found = c.type;
		look_for_main(&c);
		if (c.now.at != NULL)
			count_depth(&c);
	}
	if (c.escapes || c.odd_package)
		return false;
	if (found.len == 0 && !c.has_usual)
		found = c.with_main;
	if (!put_name(&found, out->type))
		out->type[0] = '\0';
	snprintf(out->folder, sizeof(out->folder), "%s", c.folder);
	return true;
}
