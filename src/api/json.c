#include "api/json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/api.h"
#include "api/scan.h"
#include "base/utf8.h"

static const char *
skip_blanks(const char *s)
{
	return s + strspn(s, " \t");
}

/* application/json, alone or with charset=utf-8: any other charset would be misread. */
static bool
is_json_type(const char *type)
{
	static const char want[] = "application/json";
	const char *s = skip_blanks(type);

	if (strncasecmp(s, want, sizeof(want) - 1) != 0)
		return false;
	s = skip_blanks(s + sizeof(want) - 1);
	if (*s == '\0')
		return true;
	if (*s != ';')
		return false;
	s = skip_blanks(s + 1);
	if (*s == '\0')
		return true;
	if (strncasecmp(s, "charset=", 8) != 0)
		return false;
	s += 8;
	size_t n = strcspn(s, " \t;");
	bool utf8 = (n == 5 && strncasecmp(s, "utf-8", n) == 0) ||
		    (n == 7 && strncasecmp(s, "\"utf-8\"", n) == 0);
	return utf8 && *skip_blanks(s + n) == '\0';
}

/* Longer than any number in json-c's range, or as long as the longest. */
#define LARGE_DIGITS 20

/* To the end of the range, where it lies beyond. */
static void
cut_number(char *s, size_t len)
{
	const bool negative = *s == '-';

	errno = 0;
	if (negative)
		strtoll(s, NULL, 10);
	else
		strtoull(s, NULL, 10);
	if (errno != ERANGE)
		return;
	memset(s, ' ', len);
	memcpy(
	    s, negative ? "-9223372036854775808" : "18446744073709551615", LARGE_DIGITS);
}

static char *
skip_string(char *s)
{
	for (s++; *s != '\0' && *s != '"'; s++)
		s += *s == '\\' && s[1] != '\0';
	return *s != '\0' ? s + 1 : s;
}

static void
cut_numbers(char *s)
{
	while (*s != '\0') {
		if (*s == '"') {
			s = skip_string(s);
			continue;
		}
		size_t sign = *s == '-', whole = sign + strspn(s + sign, "0123456789"),
		       all = whole + strspn(s + whole, "0123456789.eE+-");

		if (all == whole && whole >= LARGE_DIGITS)
			cut_number(s, whole);
		s += all > 0 ? all : 1;
	}
}

static int
parse(struct buf *text, struct json_object **out, struct problem *p)
{
	/* max_body_bytes, 64 MiB at most, keeps len below INT_MAX. */
	const int len = (int)text->len;
	struct json_tokener *tok = json_tokener_new_ex(JSON_DEPTH_MAX + 2);
	if (tok == NULL)
		return problem_set(p, PROBLEM_INTERNAL, NULL, "out of memory");

	/* Strict refuses what follows the value, too. */
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	struct json_object *o = json_tokener_parse_ex(tok, buf_cstr(text), len);
	/* Others cut what they cannot hold, json-c 0.18 does not where it is strict. */
	if (json_tokener_get_error(tok) == json_tokener_error_parse_number) {
		cut_numbers(text->data);
		json_tokener_reset(tok);
		o = json_tokener_parse_ex(tok, text->data, len);
	}
	enum json_tokener_error why = json_tokener_get_error(tok);
	size_t end = json_tokener_get_parse_end(tok);
	json_tokener_free(tok);
	if (why == json_tokener_success && json_object_is_type(o, json_type_object)) {
		*out = o;
		return 0;
	}
	json_object_put(o);
	if (why == json_tokener_continue)
		return problem_set(p, PROBLEM_BAD_JSON, NULL, "the body ends too early");
	if (why != json_tokener_success)
		return problem_set(p, PROBLEM_BAD_JSON, NULL,
		    "the body is not JSON: %s, at byte %zu", json_tokener_error_desc(why),
		    end);
	return problem_set(p, PROBLEM_BAD_JSON, NULL, "the body must be a JSON object");
}

/*
 * json-c 0.18, which Debian 13 has, takes every byte above 0x7f in a string for a control
 * character where it is to be strict and char has a sign.
 */
static bool
strict_takes_utf8(void)
{
	static const char text[] = "[\"\xc3\xa9\"] ";
	struct json_tokener *tok = json_tokener_new();

	if (tok == NULL)
		return true; /* out of memory: parse() will say so */
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT);
	scope_json o = json_tokener_parse_ex(tok, text, sizeof(text) - 1);
	json_tokener_free(tok);
	return o != NULL;
}

void
json_to_ascii(const char *text, size_t len, struct buf *out)
{
	const unsigned char *s = (const unsigned char *)text;

	for (size_t at = 0, n; at < len; at += n) {
		uint32_t point;

		for (n = 0; at + n < len && s[at + n] < 0x80;)
			n++;
		buf_add(out, text + at, n);
		if (n > 0)
			continue;
		n = utf8_next(s + at, len - at, &point);
		if (n == 0)
			return; /* json_scan lets none of these pass */
		if (point < 0x10000)
			buf_fmt(out, "\\u%04x", point);
		else
			buf_fmt(out, "\\u%04x\\u%04x", 0xd7c0 + (point >> 10),
			    0xdc00 + (point & 0x3ff));
	}
}

int
json_read(const struct http_request *rq, uint64_t max_bytes, struct json_object **out,
    struct problem *p)
{
	scope_buf text = { 0 };
	struct err e;

	if (rq->body_too_large || rq->body.len > max_bytes)
		return problem_set(p, PROBLEM_BODY_TOO_LARGE, NULL,
		    "the body is larger than %" PRIu64 " bytes", max_bytes);
	if (!is_json_type(rq->content_type))
		return problem_set(p, PROBLEM_NOT_JSON, NULL,
		    "Content-Type must be application/json, in UTF-8");
	if (rq->body_short)
		return problem_set(p, PROBLEM_BAD_JSON, NULL,
		    "the body ended before its announced length, or none was announced");
	if (rq->body.len == 0)
		return problem_set(p, PROBLEM_BAD_JSON, NULL, "the body is empty");
	if (json_scan(rq->body.data, rq->body.len, &e) == -1)
		return problem_set(
		    p, PROBLEM_BAD_JSON, NULL, "the body is not JSON: %s", e.msg);
	if (strict_takes_utf8())
		buf_add(&text, rq->body.data, rq->body.len);
	else
		json_to_ascii(rq->body.data, rq->body.len, &text);
	buf_str(&text, " "); /* json-c waits for the end of a number or word */
	return parse(&text, out, p);
}

void
api_prepare(void)
{
	scope_json o = json_object_new_object();

	json_object_object_add(o, "seed", NULL);
}
