#include "app/bound.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/address.h"
#include "base/num.h"
#include "base/when.h"
#include "lang/lang.h"

enum kind { NUMBER, BYTES, SECONDS, RATE, LANGUAGES, PROFILE, SCOPES, NETWORKS, MOMENT };

static const struct bound {
	const char *name;
	enum kind kind;
	size_t offset;
	uint64_t max;
} bounds[] = {
#define ROW(name, kind, member, max)                                                     \
	{                                                                                \
		name, kind, offsetof(struct identity, member), max                       \
	}
	ROW("rate", RATE, own.rate, 0),
	ROW("burst", NUMBER, own.rate.burst, 100000),
	ROW("jobs", NUMBER, own.jobs, 4096),
	ROW("cpu-seconds", SECONDS, own.cpu_ms, 86400000),
	ROW("user-rate", RATE, each_user.rate, 0),
	ROW("user-burst", NUMBER, each_user.rate.burst, 100000),
	ROW("user-jobs", NUMBER, each_user.jobs, 4096),
	ROW("user-cpu-seconds", SECONDS, each_user.cpu_ms, 86400000),
	ROW("slots", NUMBER, slots, 1024),
	ROW("max-memory", BYTES, max_memory, 64ULL << 30),
	ROW("max-tests", NUMBER, max_tests, 10000),
	ROW("max-source", BYTES, max_source, 16 << 20),
	ROW("user-max-tests", NUMBER, user_max_tests, 10000),
	ROW("user-max-source", BYTES, user_max_source, 16 << 20),
	ROW("languages", LANGUAGES, languages, 0),
	ROW("profile", PROFILE, profile, 0),
	ROW("scope", SCOPES, scopes, 0),
	ROW("from", NETWORKS, networks, 0),
	ROW("expires", MOMENT, expires, 0),
#undef ROW
};
_Static_assert(sizeof(bounds) / sizeof(bounds[0]) == BOUNDS, "as many as bound.h says");

const char *
bound_name(unsigned i)
{
	return bounds[i].name;
}

static int
take_number(const struct bound *b, const char *text, uint64_t *out, struct err *e)
{
	char number[40];
	uint64_t n = 0;

	/* "3600/day": there is no other period */
	snprintf(number, sizeof(number), "%.39s", text);
	if (b->kind == SECONDS && strlen(number) > 4 &&
	    strcmp(number + strlen(number) - 4, "/day") == 0)
		number[strlen(number) - 4] = '\0';
	if (num_parse(number, b->kind == BYTES ? NUM_BYTES : NUM_PLAIN, &n, e) == -1)
		return -1;
	if (n > b->max)
		return err_set(
		    e, ERR_OVER_LIMIT, "%" PRIu64 " is above %" PRIu64, n, b->max);
	*out = b->kind == SECONDS ? n * 1000 : n;
	return 0;
}

static int
take_rate(const char *text, struct rate *out, struct err *e)
{
	if (strcmp(text, "any") != 0 && strcmp(text, "0") != 0)
		return rate_parse(text, out, e);
	out->count = out->period_s = 0;
	return 0;
}

/* Each word of a list, checked and brought into the form that is compared later. */
typedef int word_check(
    const struct desk *d, const char *word, const char **good, struct err *e);

static int
check_language(const struct desk *d, const char *word, const char **good, struct err *e)
{
	const struct lang *l = d->langs != NULL ? langs_find(d->langs, word) : NULL;

	if (l == NULL)
		return err_set(e, ERR_BAD_INPUT, "no language is called '%.40s'", word);
	*good = l->id;
	return 0;
}

static int
check_network(const struct desk *d, const char *word, const char **good, struct err *e)
{
	struct network n;

	(void)d;
	*good = word;
	return network_parse(word, &n, e);
}

static int
take_list(const struct desk *d, const char *text, const char *all, word_check *check,
    struct words *out, struct err *e)
{
	struct words list = { .count = 0 };
	const char *good = NULL;
	char word[64];

	for (const char *at = text; strcmp(text, all) != 0; at++) {
		size_t n = strcspn(at, ",");

		snprintf(word, sizeof(word), "%.*s", (int)(n < 63 ? n : 63), at);
		if (check(d, word, &good, e) == -1)
			return -1;
		if (!words_has(&list, good) && words_add(&list, good, e) == -1)
			return -1;
		at += n;
		if (*at == '\0')
			break;
	}
	*out = list;
	return 0;
}

static int
take_profile(const struct desk *d, const char *name, char *out, struct err *e)
{
	if (site_profile(&d->settings.site, name) == NULL)
		return err_set(e, ERR_BAD_INPUT, "no profile is called '%.40s'", name);
	snprintf(out, PROFILE_NAME_MAX, "%s", strcmp(name, "default") == 0 ? "" : name);
	return 0;
}

static int
take_moment(const char *text, int64_t *out, struct err *e)
{
	int64_t now = when_now(), at = 0;

	if (strcmp(text, "never") != 0 && desk_when(text, now, &at, e) == -1)
		return -1;
	if (at != 0 && at <= now)
		return err_set(e, ERR_BAD_INPUT, "'%.40s' is in the past", text);
	*out = at;
	return 0;
}

int
bound_take(const struct desk *d, unsigned i, const char *text, struct identity *id,
    struct err *e)
{
	const struct bound *b = &bounds[i];
	void *at = (char *)id + b->offset;

	switch (b->kind) {
	case RATE:
		return take_rate(text, at, e);
	case LANGUAGES:
		return take_list(d, text, "all", check_language, at, e);
	case NETWORKS:
		return take_list(d, text, "any", check_network, at, e);
	case PROFILE:
		return take_profile(d, text, at, e);
	case SCOPES:
		return scopes_parse(text, at, e);
	case MOMENT:
		return take_moment(text, at, e);
	default:
		return take_number(b, text, at, e);
	}
}

static void
list_text(const struct words *w, const char *all, struct buf *out)
{
	if (w->count == 0)
		buf_str(out, all);
	for (const char *s = words_next(w, NULL); s != NULL; s = words_next(w, s))
		buf_fmt(out, "%s%s", s == words_next(w, NULL) ? "" : ",", s);
}

void
bound_moment_text(int64_t at, struct buf *out)
{
	char when[WHEN_TEXT];

	if (at == 0) {
		buf_str(out, "never");
		return;
	}
	when_text(at, when);
	buf_str(out, when);
}

void
bound_text(unsigned i, const struct identity *id, struct buf *out)
{
	const struct bound *b = &bounds[i];
	const void *at = (const char *)id + b->offset;
	char text[80];
	uint64_t n = 0;

	switch (b->kind) {
	case RATE:
		rate_text(at, text, sizeof(text));
		buf_str(out, strcmp(text, "-") == 0 ? "any" : text);
		break;
	case LANGUAGES:
		list_text(at, "all", out);
		break;
	case NETWORKS:
		list_text(at, "any", out);
		break;
	case PROFILE:
		buf_str(out, *(const char *)at != '\0' ? at : "default");
		break;
	case SCOPES:
		scopes_text(id->scopes, text, sizeof(text));
		buf_str(out, text);
		break;
	case MOMENT:
		bound_moment_text(id->expires, out);
		break;
	default:
		memcpy(&n, at, sizeof(n));
		buf_fmt(out, "%" PRIu64, b->kind == SECONDS ? n / 1000 : n);
	}
}
