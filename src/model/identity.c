#include "model/identity.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"

const char *const scope_names[] = { "run", "metrics", "audit", "admin", NULL };

static const struct {
	const char *name;
	uint64_t seconds;
} periods[] = {
	{ "s", 1 },
	{ "min", 60 },
	{ "h", 3600 },
	{ "day", 86400 },
};
#define PERIODS (sizeof(periods) / sizeof(periods[0]))

int
rate_parse(const char *text, struct rate *out, struct err *e)
{
	const char *slash = strchr(text, '/');
	char number[24];
	uint64_t n = 0;

	if (slash == NULL || (size_t)(slash - text) >= sizeof(number))
		return err_set(e, ERR_BAD_INPUT,
		    "'%.40s' is not like 60/min (s, min, h, day)", text);
	snprintf(number, sizeof(number), "%.*s", (int)(slash - text), text);
	if (num_parse(number, NUM_PLAIN, &n, e) == -1)
		return -1;
	if (n < 1 || n > RATE_MAX)
		return err_set(
		    e, ERR_BAD_INPUT, "'%.40s' is outside 1..%d", text, RATE_MAX);
	for (size_t i = 0; i < PERIODS; i++)
		if (strcmp(periods[i].name, slash + 1) == 0) {
			out->count = n;
			out->period_s = periods[i].seconds;
			return 0;
		}
	return err_set(
	    e, ERR_BAD_INPUT, "'%.40s' is not a rate by s, min, h or day", text);
}

void
rate_text(const struct rate *r, char *out, unsigned long size)
{
	for (size_t i = 0; i < PERIODS; i++)
		if (periods[i].seconds == r->period_s && r->count > 0) {
			snprintf(out, size, "%" PRIu64 "/%s", r->count, periods[i].name);
			return;
		}
	snprintf(out, size, "%s", "-");
}

static unsigned
scope_named(const char *name, size_t len)
{
	for (unsigned i = 0; scope_names[i] != NULL; i++)
		if (strlen(scope_names[i]) == len &&
		    strncmp(scope_names[i], name, len) == 0)
			return 1u << i;
	return 0;
}

int
scopes_parse(const char *text, unsigned *out, struct err *e)
{
	unsigned all = 0;

	for (const char *at = text;; at++) {
		size_t n = strcspn(at, ",");
		unsigned one = scope_named(at, n);

		if (one == 0)
			return err_set(e, ERR_BAD_INPUT,
			    "'%.*s' is no scope: run, metrics, audit, admin",
			    (int)(n < 40 ? n : 40), at);
		all |= one;
		at += n;
		if (*at == '\0')
			break;
	}
	*out = all;
	return 0;
}

void
scopes_text(unsigned scopes, char *out, unsigned long size)
{
	size_t used = 0;

	out[0] = '\0';
	for (unsigned i = 0; scope_names[i] != NULL; i++)
		if ((scopes >> i & 1) != 0 && used < size)
			used += (size_t)snprintf(out + used, size - used, "%s%s",
			    used > 0 ? "," : "", scope_names[i]);
}

static bool
is_hex(const char *s, size_t len)
{
	return strspn(s, "0123456789abcdef") >= len;
}

bool
token_parse(const char *text, struct token *out)
{
	const char *id = text + strlen(TOKEN_PREFIX);
	const char *secret = id + TOKEN_ID_HEX + 1;

	if (strlen(text) != TOKEN_TEXT_SIZE - 1 ||
	    strncmp(text, TOKEN_PREFIX, strlen(TOKEN_PREFIX)) != 0 ||
	    !is_hex(id, TOKEN_ID_HEX) || secret[-1] != '_' ||
	    !is_hex(secret, TOKEN_SECRET))
		return false;
	snprintf(out->id, sizeof(out->id), "%.*s", TOKEN_ID_HEX, id);
	snprintf(out->secret, sizeof(out->secret), "%.*s", TOKEN_SECRET, secret);
	return true;
}

bool
key_name_good(const char *name)
{
	static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789._-";
	size_t n = strlen(name);

	return n > 0 && n < KEY_NAME_MAX && strspn(name, good) == n && name[0] != '-';
}

bool
allowance_is_free(const struct allowance *a)
{
	return a->rate.count == 0 && a->jobs == 0 && a->cpu_ms == 0;
}
