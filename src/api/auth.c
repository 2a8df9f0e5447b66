#include "api/auth.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/address.h"
#include "base/log.h"
#include "base/sha256.h"
#include "base/utf8.h"
#include "base/when.h"

bool
auth_bearer(const char *header, const char **key)
{
	size_t n = strcspn(header, " ");

	*key = NULL;
	if (n != strlen("Bearer") || strncasecmp(header, "Bearer", n) != 0)
		return false;
	*key = header + n + strspn(header + n, " ");
	return true;
}

/* With nginx's own auth_basic before us, that header is nginx's. */
static bool
is_web_servers(const struct api *api, const char *header)
{
	return api->site->access.trust_user_header &&
	       strncasecmp(header, "Basic ", 6) == 0;
}

/* *text: what was presented, NULL: nothing. */
static int
find_credential(const struct api *api, const struct http_request *rq, const char **text,
    struct problem *p)
{
	const char *header = rq->authorization;
	const char *one = NULL, *other = rq->api_key[0] != '\0' ? rq->api_key : NULL;

	if (header[0] != '\0' && !is_web_servers(api, header) &&
	    !auth_bearer(header, &one))
		return problem_set(p, PROBLEM_BAD_KEY, NULL,
		    "the Authorization header is not 'Bearer KEY'");
	if (one != NULL && other != NULL && strcmp(one, other) != 0)
		return problem_set(p, PROBLEM_BAD_FIELD, NULL,
		    "Authorization and X-API-Key name two different keys");
	*text = one != NULL ? one : other;
	return 0;
}

static int
store_failed(const struct api *api, const struct err *e, struct problem *p)
{
	log_err(e, "keys cannot be looked up");
	if (api->gate.broken != NULL)
		*api->gate.broken = true;
	return problem_set(p, PROBLEM_KEYS_UNAVAILABLE, NULL,
	    "keys cannot be looked up at the moment; nothing was run");
}

static int
check_network(const struct identity *who, const char *address, struct problem *p)
{
	const struct words *w = &who->networks;
	struct address from;
	struct network n;
	struct err why;

	if (w->count == 0)
		return 0;
	if (address_parse(address, &from, &why) == 0)
		for (const char *s = words_next(w, NULL); s != NULL; s = words_next(w, s))
			if (network_parse(s, &n, &why) == 0 && network_has(&n, &from))
				return 0;
	return problem_set(p, PROBLEM_NOT_ALLOWED, NULL,
	    "the key '%s' may not be used from this address", who->name);
}

static int
parse_token(const char *text, struct token *out, struct problem *p)
{
	if (token_parse(text, out))
		return 0;
	return problem_set(p, PROBLEM_BAD_KEY, NULL, "what was sent as a key is none");
}

static int
by_key(const struct api *api, const struct http_request *rq, const char *text,
    struct identity *who, struct problem *p)
{
	static const struct {
		enum key_state state;
		const char *text;
	} refusals[] = {
		{ KEY_UNKNOWN, "there is no such key" },
		{ KEY_REVOKED, "this key was revoked" },
		{ KEY_EXPIRED, "this key has expired" },
	};
	enum key_state state = KEY_UNKNOWN;
	struct token token;
	struct err e = { .code = ERR_GONE, .msg = "the file of keys is not open" };

	if (parse_token(text, &token, p) == -1)
		return -1;
	if (api->gate.keys == NULL ||
	    api->gate.find(api->gate.keys, &token, when_now(), who, &state, &e) == -1)
		return store_failed(api, &e, p);
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
		if (refusals[i].state == state) {
			*who = (struct identity){ .key = 0 };
			return problem_set(
			    p, PROBLEM_BAD_KEY, NULL, "%s", refusals[i].text);
		}
	return check_network(who, rq->address, p);
}

/*
 * Is it this machine that the client wants?  A browser on it also runs pages of others,
 * and who owns a name can let it point to 127.0.0.1: then the page may ask us and read
 * the answer, but it has to ask for that name.
 */
static bool
is_own_name(const struct access *a, const char *host)
{
	bool literal = host[0] == '[';
	size_t len = strcspn(host + literal, literal ? "]" : ":");
	const char *rest = host + literal + len;
	char name[sizeof(((struct http_request *)0)->host)];
	struct address own;
	struct err why;

	if (literal && *rest++ != ']')
		return false;
	if (*rest != '\0' &&
	    (*rest != ':' || rest[1 + strspn(rest + 1, "0123456789")] != '\0'))
		return false;
	snprintf(name, sizeof(name), "%.*s", (int)len, host + literal);
	if (address_parse(name, &own, &why) == 0)
		return address_is_loopback(&own);
	for (char *c = name; *c != '\0'; c++)
		*c = (char)(*c >= 'A' && *c <= 'Z' ? *c | 0x20 : *c);
	return strcmp(name, "localhost") == 0 || words_has(&a->local_hosts, name);
}

/* To the clients of a site without keys, so that its administrator reads it. */
static int
ask_for_key(const struct api *api, const char *why, struct problem *p)
{
	uint64_t keys = 1;
	struct err ignored;

	if (api->gate.keys != NULL)
		api->gate.count(api->gate.keys, when_now(), &keys, &ignored);
	if (keys > 0)
		return problem_set(p, PROBLEM_KEY_REQUIRED, NULL,
		    "a key is required: Authorization: Bearer KEY, or X-API-Key: KEY");
	return problem_set(p, PROBLEM_KEY_REQUIRED, NULL,
	    "this judgebox has no keys yet, so it serves its own machine only%s; its "
	    "administrator can change that: judgebox key add NAME",
	    why);
}

static int
without_key(const struct api *api, const struct http_request *rq, enum auth needed,
    struct identity *who, struct problem *p)
{
	const struct access *a = &api->site->access;
	bool proxied = rq->proxied[0] != '\0', known, near, local;
	struct address from;
	struct err why;

	known = address_parse(rq->address, &from, &why) == 0;
	near = known && !proxied && address_is_loopback(&from);
	local = near && is_own_name(a, rq->host);
	if (a->anonymous == ANONYMOUS_LOOPBACK && local) {
		*who = (struct identity){ .anonymous = true,
			.trusted = true,
			.scopes = SCOPE_RUN | SCOPE_METRICS };
		return 0;
	}
	/* the machine's own monitoring reads figures, whoever may run programs */
	if (needed == AUTH_METRICS && local) {
		*who = (struct identity){ .anonymous = true, .scopes = SCOPE_METRICS };
		return 0;
	}
	if (a->anonymous != ANONYMOUS_ADDRESS || !known)
		return ask_for_key(api,
		    proxied ? ", and this came through a proxy"
		    : near  ? ", and this was sent to another name than localhost"
			    : "",
		    p);
	*who = a->stranger;
	who->anonymous = true;
	who->scopes = SCOPE_RUN;
	return 0;
}

int
auth_check(const struct api *api, const struct http_request *rq, enum auth needed,
    struct identity *who, struct problem *p)
{
	static const struct {
		unsigned scope;
		const char *name;
	} scopes[] = {
		[AUTH_OPEN] = { 0, "" },
		[AUTH_ANY] = { 0, "" },
		[AUTH_RUN] = { SCOPE_RUN, "run" },
		[AUTH_METRICS] = { SCOPE_METRICS, "metrics" },
		[AUTH_AUDIT] = { SCOPE_AUDIT, "audit" },
		[AUTH_ADMIN] = { SCOPE_ADMIN, "admin" },
	};
	const char *text = NULL;

	if (needed == AUTH_OPEN)
		return 0;
	if (find_credential(api, rq, &text, p) == -1)
		return -1;
	if ((text != NULL ? by_key(api, rq, text, who, p)
			  : without_key(api, rq, needed, who, p)) == -1)
		return -1;
	if ((who->scopes & scopes[needed].scope) == scopes[needed].scope)
		return 0;
	if (who->anonymous)
		return problem_set(p, PROBLEM_KEY_REQUIRED, NULL,
		    "a key with the scope '%s' is required", scopes[needed].name);
	return problem_set(p, PROBLEM_NOT_ALLOWED, NULL,
	    "the key '%s' has not the scope '%s'", who->name, scopes[needed].name);
}

int
auth_token(const struct api *api, const struct http_request *rq, struct token *out,
    struct problem *p)
{
	const char *text = NULL;

	if (find_credential(api, rq, &text, p) == -1)
		return -1;
	return parse_token(text != NULL ? text : "", out, p);
}

/* --- users --- */

/* Names go into logs and onto terminals: nothing that moves a cursor or ends a line. */
static bool
is_clean(const char *name)
{
	const unsigned char *s = (const unsigned char *)name;
	size_t len = strlen(name);

	for (size_t i = 0, n; i < len; i += n)
		if ((n = utf8_shown(s + i, len - i)) == 0)
			return false;
	return len < USER_NAME_MAX;
}

int
auth_user_number(const char *name, uint64_t *out, struct err *e)
{
	struct sha256 hash;

	if (sha256_of(name, strlen(name), &hash, e) == -1)
		return -1;
	memcpy(out, hash.byte, sizeof(*out));
	*out += *out == 0;
	return 0;
}

static int
hash_user(struct identity *who, struct problem *p)
{
	struct err e;

	if (who->user[0] != '\0' &&
	    auth_user_number(who->user, &who->user_hash, &e) == -1)
		return problem_set(p, PROBLEM_INTERNAL, NULL, "%s", e.msg);
	return 0;
}

static int
choose_user(const struct api *api, const struct http_request *rq, const char *named,
    struct identity *who, struct problem *p)
{
	const char *told = api->site->access.trust_user_header ? rq->user : "";
	struct address from;
	struct err why;

	if (!is_clean(told))
		return problem_set(p, PROBLEM_BAD_FIELD, NULL,
		    "the web server's name of the user is too long, or no text");
	if (!is_clean(named))
		return problem_set(p, PROBLEM_BAD_FIELD, "user",
		    "user: must not hold control characters");
	if (told[0] != '\0' && named[0] != '\0' && strcmp(told, named) != 0)
		return problem_set(p, PROBLEM_NOT_ALLOWED, "user",
		    "user: not the one that the web server knows");
	if (told[0] != '\0' || !who->anonymous || who->trusted)
		snprintf(who->user, sizeof(who->user), "%.128s",
		    told[0] != '\0' ? told : named);
	else if (address_parse(rq->address, &from, &why) == 0)
		address_owner(&from, who->user, sizeof(who->user));
	return 0;
}

int
auth_user(const struct api *api, const struct http_request *rq, const char *named,
    struct identity *who, struct problem *p)
{
	if (choose_user(api, rq, named, who, p) == -1)
		return -1;
	return hash_user(who, p);
}
