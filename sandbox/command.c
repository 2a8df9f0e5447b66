#include "sandbox/command.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/path.h"

static int
add_sources(const struct language *l, const struct command_call *call, struct words *out,
    struct err *e)
{
	for (uint32_t i = 0; i < call->nfiles; i++)
		if ((i == 0 || language_is_source(l, call->files[i].name)) &&
		    words_add(out, call->files[i].name, e) == -1)
			return -1;
	return 0;
}

/* The word of the first file that is on this machine; none is as good. */
static int
add_preferred(const struct language *l, struct words *out, struct err *e)
{
	const char *file = words_next(l->prefer, NULL);

	while (file != NULL) {
		const char *word = words_next(l->prefer, file);

		if (word == NULL)
			break;
		if (access(file, F_OK) == 0)
			return words_add(out, word, e);
		file = words_next(l->prefer, word);
	}
	return 0;
}

static void
stem_of(const char *file, char *out, size_t size)
{
	const char *slash = strrchr(file, '/');
	const char *dot = strrchr(slash != NULL ? slash : file, '.');

	snprintf(
	    out, size, "%.*s", dot != NULL ? (int)(dot - file) : (int)strlen(file), file);
}

static uint64_t
heap_mb(const struct language *l, const struct wire_limits *limits)
{
	uint64_t quarter = limits->memory_bytes / 4;
	uint64_t rest = limits->memory_bytes > l->heap_reserve
			    ? limits->memory_bytes - l->heap_reserve
			    : 0;

	return (rest > quarter ? rest : quarter) >> 20;
}

/* The value of a token inside a word; returns its length with braces, 0: not a token. */
static size_t
token(const struct language *l, const struct command_call *call, const char *at,
    char *value, size_t size)
{
	static const char *const names[] = { "{source}", "{stem}", "{memory_mb}",
		"{heap_mb}", "{stack_kb}" };
	unsigned i = 0;

	while (i < 5 && strncmp(at, names[i], strlen(names[i])) != 0)
		i++;
	if (i == 5)
		return 0;
	if (i == 0)
		snprintf(value, size, "%s", call->nfiles > 0 ? call->files[0].name : "");
	else if (i == 1)
		stem_of(call->nfiles > 0 ? call->files[0].name : "", value, size);
	else
		snprintf(value, size, "%" PRIu64,
		    i == 2   ? call->limits->memory_bytes >> 20
		    : i == 3 ? heap_mb(l, call->limits)
			     : call->limits->stack_bytes >> 10);
	return strlen(names[i]);
}

static int
add_word(const struct language *l, const struct command_call *call, const char *word,
    struct words *out, struct err *e)
{
	char full[1024];
	size_t n = 0;

	if (strchr(word, '{') == NULL)
		return words_add(out, word, e);
	for (const char *s = word; *s != '\0';) {
		char value[PATH_NAME_MAX + 8] = { *s };
		size_t len = *s == '{' ? token(l, call, s, value, sizeof(value)) : 0;
		size_t put = len > 0 ? strlen(value) : 1;

		if (n + put >= sizeof(full))
			return err_set(
			    e, ERR_BAD_INPUT, "a word of the command is too long");
		memcpy(full + n, value, put);
		n += put;
		s += len > 0 ? len : 1;
	}
	full[n] = '\0';
	return words_add(out, full, e);
}

int
command_fill(const struct language *l, const struct words *command,
    const struct command_call *call, struct words *out, struct err *e)
{
	struct words w = { 0 };
	int r = 0;

	for (const char *s = words_next(command, NULL); s != NULL && r == 0;
	     s = words_next(command, s)) {
		if (strcmp(s, "{sources}") == 0)
			r = add_sources(l, call, &w, e);
		else if (strcmp(s, "{prefer}") == 0)
			r = add_preferred(l, &w, e);
		else if (strcmp(s, "{prepared}") == 0)
			r = call->prepared != NULL ? words_append(&w, call->prepared, e)
						   : 0;
		else if (strcmp(s, "{options}") == 0)
			r = call->options != NULL ? words_append(&w, call->options, e)
						  : 0;
		else
			r = add_word(l, call, s, &w, e);
	}
	if (r == 0)
		*out = w;
	return r;
}
