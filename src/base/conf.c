#include "base/conf.h"

#include <ctype.h>
#include <inttypes.h>
#include <libconfig.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/num.h"

#define READ_BYTES     65536
#define MILLI_MAX      1000000 /* more has no meaning in thousandths */
#define NAME_LETTERS   "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_*"
#define NUMBER_LETTERS "0123456789abcdefABCDEFxX."

struct conf {
	config_t cfg;
	char path[256];
};

static int ERR_PRINTF(4, 5) fault(
    const struct conf *c, const config_setting_t *s, struct err *e, const char *fmt, ...)
{
	char text[160];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return err_set(e, ERR_BAD_INPUT, "%s:%d: %s", c->path,
	    s != NULL ? (int)config_setting_source_line(s) : 0, text);
}

/* --- numbers that libconfig would cut --- */

static const char *
skip_behind(const char *s, const char *end)
{
	const char *at = strstr(s, end);

	return at != NULL ? at + strlen(end) : s + strlen(s);
}

/* Behind a string, a comment or a name; s itself if none begins here. */
static const char *
skip_word(const char *s)
{
	if (*s == '#' || strncmp(s, "//", 2) == 0)
		return skip_behind(s, "\n");
	if (strncmp(s, "/*", 2) == 0)
		return skip_behind(s + 2, "*/");
	if (isalpha((unsigned char)*s))
		return s + strspn(s, NAME_LETTERS);
	if (*s != '"')
		return s;
	for (s++; *s != '\0' && *s != '"'; s++)
		s += *s == '\\' && s[1] != '\0';
	return *s != '\0' ? s + 1 : s;
}

static bool
is_cut(const char *s, size_t len)
{
	bool hex = s[0] == '0' && (s[1] == 'x' || s[1] == 'X');

	if (memchr(s, '.', len) != NULL || (!hex && strcspn(s, "eE") < len))
		return false; /* a fraction */
	return s[len] != 'L' && strtoull(s, NULL, hex ? 16 : 10) > INT32_MAX;
}

/* libconfig 1.5 takes a number for an int without a word: 4294967296 would be 0.  1.7
 * makes it longer, and calls one that is still too large a syntax error. */
static int
check_numbers(const char *path, const char *text, struct err *e)
{
	const char *s = text, *next;
	unsigned line = 1;

	for (; *s != '\0'; s = next) {
		size_t len = isdigit((unsigned char)*s) ? strspn(s, NUMBER_LETTERS) : 0;

		if (len > 0 && is_cut(s, len))
			return err_set(e, ERR_BAD_INPUT,
			    "%s:%u: %.*s is too large a number without an L behind it",
			    path, line, len < 40 ? (int)len : 40, s);
		next = len > 0 ? s + len : skip_word(s);
		if (next == s)
			next++;
		for (const char *c = s; c < next; c++)
			line += *c == '\n';
	}
	return 0;
}

static int
check_text(const char *path, struct err *e)
{
	scope_buf text = { 0 };
	FILE *f = fopen(path, "re");
	size_t n = 1;

	if (f == NULL)
		return err_sys(e, "read %s", path);
	while (n > 0) {
		n = fread(buf_room(&text, READ_BYTES), 1, READ_BYTES, f);
		text.len += n;
	}
	bool bad = ferror(f) != 0;
	if (fclose(f) != 0 || bad)
		return err_sys(e, "read %s", path);
	return check_numbers(path, buf_cstr(&text), e);
}

int
conf_open(const char *path, struct conf **out, struct err *e)
{
	struct conf *c = calloc(1, sizeof(*c));
	if (c == NULL)
		return err_sys(e, "calloc");

	snprintf(c->path, sizeof(c->path), "%s", path);
	config_init(&c->cfg);
	if (check_text(path, e) == -1) {
		conf_close(c);
		return -1;
	}
	if (config_read_file(&c->cfg, path) != CONFIG_TRUE) {
		if (config_error_type(&c->cfg) == CONFIG_ERR_FILE_IO)
			err_sys(e, "read %s", path);
		else
			err_set(e, ERR_BAD_INPUT, "%s:%d: %s", path,
			    config_error_line(&c->cfg), config_error_text(&c->cfg));
		conf_close(c);
		return -1;
	}
	*out = c;
	return 0;
}

void
conf_close(struct conf *c)
{
	if (c == NULL)
		return;
	config_destroy(&c->cfg);
	free(c);
}

static config_setting_t *
lookup(const struct conf *c, const char *path)
{
	return path == NULL ? config_root_setting(&c->cfg) : config_lookup(&c->cfg, path);
}

static int
read_number(const struct conf *c, const config_setting_t *s, const struct conf_key *k,
    uint64_t *out, struct err *e)
{
	struct err why = { 0 };
	long long n = -1;

	switch (config_setting_type(s)) {
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		n = config_setting_get_int64(s);
		if (config_setting_type(s) == CONFIG_TYPE_INT)
			n = config_setting_get_int(s);
		if (n < 0)
			return fault(c, s, e, "%s: must not be negative", k->name);
		*out = (uint64_t)n;
		if (k->kind == CONF_MILLI)
			*out = n > MILLI_MAX ? UINT64_MAX : *out * 1000;
		break;
	case CONFIG_TYPE_FLOAT:
		if (k->kind != CONF_MILLI)
			return fault(c, s, e, "%s: must be a whole number", k->name);
		if (config_setting_get_float(s) < 0)
			return fault(c, s, e, "%s: must not be negative", k->name);
		*out = config_setting_get_float(s) > MILLI_MAX
			   ? UINT64_MAX
			   : (uint64_t)(config_setting_get_float(s) * 1000 + 0.5);
		break;
	case CONFIG_TYPE_STRING:
		if (k->kind != CONF_BYTES && k->kind != CONF_MSEC)
			return fault(c, s, e, "%s: must be a number", k->name);
		if (num_parse(config_setting_get_string(s),
			k->kind == CONF_BYTES ? NUM_BYTES : NUM_MSEC, out, &why) == -1)
			return fault(c, s, e, "%s: %s", k->name, why.msg);
		break;
	default:
		return fault(c, s, e, "%s: must be a number", k->name);
	}
	if (k->kind == CONF_MILLI && (*out < k->min || *out > k->max))
		return fault(c, s, e, "%s: must be from %.15g to %.15g", k->name,
		    (double)k->min / 1000, (double)k->max / 1000);
	if (*out < k->min || *out > k->max)
		return fault(c, s, e, "%s: %" PRIu64 " is outside %" PRIu64 "..%" PRIu64,
		    k->name, *out, k->min, k->max);
	return 0;
}

static int
read_words(const struct conf *c, const config_setting_t *s, const struct conf_key *k,
    struct words *out, struct err *e)
{
	struct words w = { 0 };
	struct err why = { 0 };

	if (!config_setting_is_aggregate(s) || config_setting_is_group(s))
		return fault(c, s, e, "%s: must be a list of strings", k->name);
	for (int i = 0; i < config_setting_length(s); i++) {
		const char *word = config_setting_get_string_elem(s, i);
		if (word == NULL)
			return fault(c, s, e, "%s: must be a list of strings", k->name);
		if (words_add(&w, word, &why) == -1)
			return fault(c, s, e, "%s: %s", k->name, why.msg);
	}
	*out = w;
	return 0;
}

static int
read_value(const struct conf *c, const config_setting_t *s, const struct conf_key *k,
    char *at, struct err *e)
{
	uint64_t n;
	bool b;

	switch (k->kind) {
	case CONF_UINT:
	case CONF_BYTES:
	case CONF_MSEC:
	case CONF_MILLI:
		if (read_number(c, s, k, &n, e) == -1)
			return -1;
		memcpy(at, &n, sizeof(n));
		return 0;
	case CONF_BOOL:
		if (config_setting_type(s) != CONFIG_TYPE_BOOL)
			return fault(c, s, e, "%s: must be true or false", k->name);
		b = config_setting_get_bool(s) != 0;
		memcpy(at, &b, sizeof(b));
		return 0;
	case CONF_TEXT:
		if (config_setting_type(s) != CONFIG_TYPE_STRING)
			return fault(c, s, e, "%s: must be a string", k->name);
		if (strlen(config_setting_get_string(s)) >= k->size)
			return fault(
			    c, s, e, "%s: longer than %zu bytes", k->name, k->size - 1);
		snprintf(at, k->size, "%s", config_setting_get_string(s));
		return 0;
	case CONF_WORDS:
		return read_words(c, s, k, (struct words *)(void *)at, e);
	case CONF_GROUP:
		if (!config_setting_is_group(s))
			return fault(c, s, e, "%s: must be a group { … }", k->name);
		return 0;
	case CONF_SKIP:
		return 0;
	}
	return err_set(e, ERR_BUG, "conf kind %d", k->kind);
}

int
conf_read(const struct conf *c, const char *path, const struct conf_key *keys, void *obj,
    struct err *e)
{
	config_setting_t *group = lookup(c, path);

	if (group == NULL)
		return 0;
	if (!config_setting_is_group(group))
		return fault(c, group, e, "%s: must be a group { … }", path);
	for (int i = 0; i < config_setting_length(group); i++) {
		config_setting_t *s = config_setting_get_elem(group, (unsigned)i);
		const struct conf_key *k = keys;

		while (k->name != NULL && strcmp(k->name, config_setting_name(s)) != 0)
			k++;
		if (k->name == NULL)
			return fault(
			    c, s, e, "unknown key '%.60s'", config_setting_name(s));
		if (read_value(c, s, k, (char *)obj + k->offset, e) == -1)
			return -1;
	}
	return 0;
}

int
conf_names(const struct conf *c, const char *path, struct words *names, struct err *e)
{
	config_setting_t *group = lookup(c, path);

	*names = (struct words){ 0 };
	for (int i = 0; group != NULL && i < config_setting_length(group); i++) {
		const char *name =
		    config_setting_name(config_setting_get_elem(group, (unsigned)i));
		if (name != NULL && words_add(names, name, e) == -1)
			return -1;
	}
	return 0;
}

int
conf_fault(const struct conf *c, const char *path, struct err *e, const char *fmt, ...)
{
	char text[200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return fault(c, lookup(c, path), e, "%s", text);
}
