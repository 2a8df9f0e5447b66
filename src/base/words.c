#include "base/words.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int
add_bytes(struct words *w, const char *s, size_t size, struct err *e)
{
	if (w->count >= WORDS_MAX || size > sizeof(w->data) - w->len)
		return err_set(e, ERR_OVER_LIMIT,
		    "more than %d words or %d bytes of arguments", WORDS_MAX,
		    WORDS_BYTES);
	memcpy(w->data + w->len, s, size);
	w->len = (uint16_t)(w->len + size);
	w->count++;
	return 0;
}

int
words_add(struct words *w, const char *s, struct err *e)
{
	return add_bytes(w, s, strlen(s) + 1, e);
}

int
words_append(struct words *w, const struct words *more, struct err *e)
{
	for (const char *s = words_next(more, NULL); s != NULL; s = words_next(more, s))
		if (words_add(w, s, e) == -1)
			return -1;
	return 0;
}

int
words_fill(struct words *w, const char *token, const char *value, struct err *e)
{
	struct words out = { 0 };

	for (const char *s = words_next(w, NULL); s != NULL; s = words_next(w, s)) {
		const char *at = strstr(s, token);
		char full[1024];
		int n = at == NULL ? snprintf(full, sizeof(full), "%s", s)
				   : snprintf(full, sizeof(full), "%.*s%s%s",
					 (int)(at - s), s, value, at + strlen(token));

		if (n < 0 || (size_t)n >= sizeof(full))
			return err_set(e, ERR_OVER_LIMIT, "'%.40s…' is too long", s);
		if (words_add(&out, full, e) == -1)
			return -1;
	}
	*w = out;
	return 0;
}

const char *
words_next(const struct words *w, const char *at)
{
	if (w == NULL)
		return NULL;

	const char *next = at == NULL ? w->data : at + strlen(at) + 1;
	return next < w->data + w->len ? next : NULL;
}

const char *
words_first_present(const struct words *w)
{
	for (const char *at = words_next(w, NULL); at != NULL; at = words_next(w, at))
		if (access(at, F_OK) == 0)
			return at;
	return words_next(w, NULL);
}

bool
words_has(const struct words *w, const char *s)
{
	for (const char *at = words_next(w, NULL); at != NULL; at = words_next(w, at))
		if (strcmp(at, s) == 0)
			return true;
	return false;
}

int
words_check(const struct words *w, struct err *e)
{
	unsigned found = 0;

	if (w->len > sizeof(w->data) || w->count > WORDS_MAX)
		return err_set(e, ERR_PROTO, "words: %u in %u bytes", w->count, w->len);
	if (w->len > 0 && w->data[w->len - 1] != '\0')
		return err_set(e, ERR_PROTO, "words: the last is not terminated");
	for (unsigned i = 0; i < w->len; i++)
		found += w->data[i] == '\0';
	if (found != w->count)
		return err_set(
		    e, ERR_PROTO, "words: %u announced, %u found", w->count, found);
	return 0;
}

size_t
words_room(const struct words *w)
{
	size_t n = offsetof(struct words, data) + w->len;

	return (n + _Alignof(struct words) - 1) / _Alignof(struct words) *
	       _Alignof(struct words);
}

const struct words *
words_pack(const struct words *w, char **at)
{
	void *copy = *at;

	memcpy(copy, w, offsetof(struct words, data) + w->len);
	*at += words_room(w);
	return copy;
}

int
words_pointers(const struct words *w, const char **argv, unsigned max, struct err *e)
{
	unsigned n = 0;

	if (w->count >= max)
		return err_set(e, ERR_BUG, "room for %u words, %u given", max, w->count);
	for (const char *s = words_next(w, NULL); s != NULL; s = words_next(w, s))
		argv[n++] = s;
	argv[n] = NULL;
	return 0;
}
