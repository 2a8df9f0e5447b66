/* Who is let in, as whom, and what it costs him. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "api/auth.h"
#include "api_stub.h"
#include "base/log.h"
#include "judge/quota.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define SECRET   "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define KEY(id)  "jb_00000000000000" id "_" SECRET

static const char job[] = "{\"language\":\"python\",\"code\":\"1\",\"tests\":[{},{}]}";

/* --- keys that are not in a file --- */

struct keys {
	struct identity cs101;
	bool fails;
	uint64_t count;
	int64_t reserved[2];
};

static int
find(struct keys *k, const struct token *t, int64_t now, struct identity *out,
    enum key_state *state, struct err *e)
{
	static const struct {
		const char *id;
		enum key_state state;
	} rows[] = {
		{ "0000000000000001", KEY_GOOD },
		{ "0000000000000002", KEY_REVOKED },
		{ "0000000000000003", KEY_EXPIRED },
	};

	assert_true(now > 0);
	if (k->fails)
		return err_set(e, ERR_PROTO, "keys.db is damaged");
	*state = KEY_UNKNOWN;
	for (size_t i = 0; i < COUNT(rows); i++)
		if (strcmp(rows[i].id, t->id) == 0 && strcmp(t->secret, SECRET) == 0) {
			*out = k->cs101;
			*state = rows[i].state;
		}
	return 0;
}

static int
reserved(struct keys *k, uint64_t key, int64_t now, uint32_t *own, uint32_t *others,
    struct err *e)
{
	assert_true(now > 0);
	if (k->fails)
		return err_set(e, ERR_PROTO, "keys.db is damaged");
	*own = key == 7 ? (uint32_t)k->reserved[0] : 0;
	*others = (uint32_t)k->reserved[1];
	return 0;
}

static int
count(struct keys *k, int64_t now, uint64_t *out, struct err *e)
{
	(void)now;
	if (k->fails)
		return err_set(e, ERR_PROTO, "keys.db is damaged");
	*out = k->count;
	return 0;
}

static int
list(struct keys *k, int (*visit)(void *ctx, const struct identity *key, struct err *e),
    void *ctx, struct err *e)
{
	struct identity ended = { .key = 8, .name = "CS99", .expires = 1 };
	struct identity revoked = { .key = 9, .name = "CS98", .revoked = true };

	if (k->fails)
		return err_set(e, ERR_PROTO, "keys.db is damaged");
	return visit(ctx, &k->cs101, e) == -1 || visit(ctx, &ended, e) == -1 ||
		       visit(ctx, &revoked, e) == -1
		   ? -1
		   : 0;
}

struct bed {
	struct stub s;
	struct keys keys;
	bool broken;
	char dir[64], path[96];
};

static int
bed_setup(void **state)
{
	struct bed *b = calloc(1, sizeof(*b));
	struct err e = { 0 };

	stub_start(&b->s);
	log_start("test", 0);
	b->keys = (struct keys){ .count = 1,
		.cs101 = { .key = 7, .name = "CS101", .scopes = SCOPE_RUN } };
	snprintf(b->dir, sizeof(b->dir), "/tmp/judgebox-auth-XXXXXX");
	assert_non_null(mkdtemp(b->dir));
	snprintf(b->path, sizeof(b->path), "%s/quota.map", b->dir);
	b->s.api.gate = (struct api_gate){ .keys = &b->keys,
		.find = find,
		.reserved = reserved,
		.count = count,
		.list = list,
		.broken = &b->broken };
	assert_int_equal(quota_open(b->path, NULL, &b->s.api.gate.quota, &e), 0);
	*state = b;
	return 0;
}

static int
bed_teardown(void **state)
{
	struct bed *b = *state;

	quota_close(b->s.api.gate.quota);
	unlink(b->path);
	rmdir(b->dir);
	stub_end(&b->s);
	free(b);
	return 0;
}

#define SET(member, text) snprintf((member), sizeof(member), "%s", (text))

static void
ask(struct bed *b, const char *path)
{
	static const char *const gets[] = { "/api/quota", "/metrics", "/api/audit",
		"/api/status" };
	bool get = false;

	for (size_t i = 0; i < COUNT(gets); i++)
		get |= strcmp(path, gets[i]) == 0;

	assert_true(stub_ask(&b->s, get ? "GET" : "POST", path, job, sizeof(job) - 1));
}

static void
ask_with(struct bed *b, const char *body)
{
	assert_true(stub_ask(&b->s, "POST", "/api/run", body, strlen(body)));
}

static int
status(struct bed *b)
{
	ask(b, "/api/run");
	return b->s.rs.status;
}

static const char *
header(struct bed *b, const char *name)
{
	static char value[160];
	char start[64];

	snprintf(start, sizeof(start), "%s: ", name);
	const char *at = strstr(b->s.rs.headers.data, start);
	if (at == NULL)
		return "";
	at += strlen(start);
	snprintf(value, sizeof(value), "%.*s", (int)strcspn(at, "\r"), at);
	return value;
}

static const char remote[] = "192.0.2.9";

/* --- credentials --- */

static void
credentials(void **state)
{
	static const struct {
		const char *authorization, *api_key;
		int status;
		const char *code, *says;
	} cases[] = {
		{ "Bearer " KEY("01"), "", 200, "", "" },
		{ "bearer   " KEY("01"), "", 200, "", "" },
		{ "", KEY("01"), 200, "", "" },
		{ "Bearer " KEY("01"), KEY("01"), 200, "", "" },
		{ "Bearer " KEY("01"), KEY("02"), 400, "bad_field",
		    "two different keys" },
		{ "Bearer " KEY("01"), "x", 400, "bad_field", "two different keys" },
		{ "", "", 401, "key_required", "a key is required" },
		{ "Bearer", "", 401, "bad_key", "is none" },
		{ "Bearer ", "", 401, "bad_key", "is none" },
		{ KEY("01"), "", 401, "bad_key", "is not 'Bearer KEY'" },
		{ "Basic YTpi", "", 401, "bad_key", "is not 'Bearer KEY'" },
		{ "Basic YTpi", KEY("01"), 401, "bad_key", "is not 'Bearer KEY'" },
		{ "BearerX " KEY("01"), "", 401, "bad_key", "is not 'Bearer KEY'" },
		{ "Bearer " KEY("01") "0", "", 401, "bad_key", "is none" },
		{ "Bearer " KEY("01") " ", "", 401, "bad_key", "is none" },
		{ "Bearer " KEY("01") ", " KEY("01"), "", 401, "bad_key", "is none" },
		{ "Bearer " KEY("1"), "", 401, "bad_key", "is none" },
		{ "", "jb_", 401, "bad_key", "is none" },
		{ "Bearer " KEY("02"), "", 401, "bad_key", "was revoked" },
		{ "Bearer " KEY("03"), "", 401, "bad_key", "has expired" },
		{ "Bearer " KEY("09"), "", 401, "bad_key", "no such key" },
	};
	struct bed *b = *state;

	SET(b->s.rq.address, remote);
	for (size_t i = 0; i < COUNT(cases); i++) {
		char code[64];

		SET(b->s.rq.authorization, cases[i].authorization);
		SET(b->s.rq.api_key, cases[i].api_key);
		if (status(b) != cases[i].status)
			fail_msg("%zu: %d %s", i, b->s.rs.status, b->s.rs.body.data);
		snprintf(code, sizeof(code), "\"code\":\"%s\"", cases[i].code);
		if (cases[i].status != 200)
			assert_non_null(strstr(b->s.rs.body.data, code));
		if (strstr(b->s.rs.body.data, cases[i].says) == NULL)
			fail_msg("%zu: %s", i, b->s.rs.body.data);
		assert_null(strstr(b->s.rs.body.data, "0123456789abcdef"));
		assert_null(strstr(b->s.rs.headers.data, "0123456789abcdef"));
		assert_string_equal(header(b, "WWW-Authenticate"),
		    cases[i].status != 401 ? ""
		    : strcmp(cases[i].code, "bad_key") == 0
			? "Bearer realm=\"judgebox\", error=\"invalid_token\""
			: "Bearer realm=\"judgebox\"");
	}
}

/* A wrong key is wrong on this machine, too. */
static void
wrong_is_not_none(void **state)
{
	struct bed *b = *state;

	assert_int_equal(status(b), 200);
	SET(b->s.rq.api_key, KEY("09"));
	assert_int_equal(status(b), 401);
	SET(b->s.rq.api_key, "");
	SET(b->s.rq.authorization, "nonsense");
	assert_int_equal(status(b), 401);
}

static void
keyless_by_place(void **state)
{
	static const struct {
		enum anonymous_mode mode;
		const char *address, *proxied;
		int run, metrics;
	} cases[] = {
		{ ANONYMOUS_LOOPBACK, "127.0.0.1", "", 200, 200 },
		{ ANONYMOUS_LOOPBACK, "::1", "", 200, 200 },
		{ ANONYMOUS_LOOPBACK, "::ffff:127.0.0.1", "", 200, 200 },
		{ ANONYMOUS_LOOPBACK, "127.0.0.1", "1", 401, 401 },
		{ ANONYMOUS_LOOPBACK, "192.0.2.9", "", 401, 401 },
		{ ANONYMOUS_LOOPBACK, "unix:", "", 401, 401 },
		{ ANONYMOUS_LOOPBACK, "", "", 401, 401 },
		{ ANONYMOUS_OFF, "127.0.0.1", "", 401, 200 },
		{ ANONYMOUS_OFF, "127.0.0.1", "1", 401, 401 },
		{ ANONYMOUS_OFF, "192.0.2.9", "", 401, 401 },
		{ ANONYMOUS_ADDRESS, "127.0.0.1", "", 200, 200 },
		{ ANONYMOUS_ADDRESS, "127.0.0.1", "1", 200, 401 },
		{ ANONYMOUS_ADDRESS, "192.0.2.9", "", 200, 401 },
		{ ANONYMOUS_ADDRESS, "", "", 401, 401 },
		{ ANONYMOUS_ADDRESS, "unix:", "", 401, 401 },
	};
	struct bed *b = *state;

	for (size_t i = 0; i < COUNT(cases); i++) {
		b->s.site.access.anonymous = cases[i].mode;
		SET(b->s.rq.address, cases[i].address);
		SET(b->s.rq.proxied, cases[i].proxied);
		if (status(b) != cases[i].run)
			fail_msg("run %zu: %d", i, b->s.rs.status);
		ask(b, "/metrics");
		if (b->s.rs.status != cases[i].metrics)
			fail_msg("metrics %zu: %d", i, b->s.rs.status);
		ask(b, "/api/quota"); /* for those who may run something */
		assert_int_equal(b->s.rs.status, cases[i].run);
		stub_ask(&b->s, "GET", "/healthz", "", 0);
		assert_int_equal(b->s.rs.status, 200);
		stub_ask(&b->s, "GET", "/api/languages", "", 0);
		assert_int_equal(b->s.rs.status, 200);
	}
}

/* A page whose name its owner lets point to 127.0.0.1 asks for that name. */
static void
a_name_that_is_not_ours(void **state)
{
	static const struct {
		const char *host;
		bool local;
	} cases[] = {
		{ "localhost", true },
		{ "LocalHost:80", true },
		{ "127.0.0.1", true },
		{ "127.0.0.1:8080", true },
		{ "127.8.9.1", true },
		{ "[::1]", true },
		{ "[::1]:8080", true },
		{ "judge.home.arpa:8080", true },
		{ "JUDGE.home.arpa", true },
		{ "", false },
		{ ":80", false },
		{ "rebind.example", false },
		{ "rebind.example:8080", false },
		{ "localhost.rebind.example", false },
		{ "127.0.0.1.rebind.example", false },
		{ "localhost:80.rebind.example", false },
		{ "localhost:80:80", false },
		{ "[::1].rebind.example", false },
		{ "[::1", false },
		{ "::1", false },
		{ "192.0.2.1", false },
		{ "127.1", false },
		{ "localhost.", false },
		{ "home.arpa", false },
	};
	struct bed *b = *state;
	struct err e;

	words_add(&b->s.site.access.local_hosts, "judge.home.arpa", &e);
	b->keys.count = 0;
	for (size_t i = 0; i < COUNT(cases); i++) {
		SET(b->s.rq.host, cases[i].host);
		if (status(b) != (cases[i].local ? 200 : 401))
			fail_msg("%s: %d", cases[i].host, b->s.rs.status);
		if (!cases[i].local && strstr(b->s.rs.body.data, "another name") == NULL)
			fail_msg("%s", b->s.rs.body.data);
		ask(b, "/metrics");
		assert_int_equal(b->s.rs.status, cases[i].local ? 200 : 401);
	}
	SET(b->s.rq.api_key, KEY("01")); /* that one has whoever may come */
	assert_int_equal(status(b), 200);
}

static void
first_words_to_the_administrator(void **state)
{
	struct bed *b = *state;

	SET(b->s.rq.address, remote);
	b->keys.count = 0;
	assert_int_equal(status(b), 401);
	assert_non_null(strstr(b->s.rs.body.data, "judgebox key add NAME"));
	SET(b->s.rq.address, "127.0.0.1");
	SET(b->s.rq.proxied, "1");
	assert_int_equal(status(b), 401);
	assert_non_null(strstr(b->s.rs.body.data, "came through a proxy"));
	b->keys.count = 1;
	assert_int_equal(status(b), 401);
	assert_null(strstr(b->s.rs.body.data, "administrator"));
}

static void
scopes_and_networks(void **state)
{
	struct bed *b = *state;
	struct err e;

	SET(b->s.rq.address, remote);
	SET(b->s.rq.api_key, KEY("01"));
	ask(b, "/metrics");
	assert_int_equal(b->s.rs.status, 403);
	assert_non_null(strstr(b->s.rs.body.data, "has not the scope 'metrics'"));
	b->keys.cs101.scopes = SCOPE_METRICS;
	ask(b, "/metrics");
	assert_int_equal(b->s.rs.status, 200);
	assert_int_equal(status(b), 403);
	ask(b, "/api/quota");
	assert_int_equal(b->s.rs.status, 200);

	b->keys.cs101.scopes = SCOPE_RUN;
	words_add(&b->keys.cs101.networks, "198.51.100.0/24", &e);
	assert_int_equal(status(b), 403);
	assert_non_null(strstr(b->s.rs.body.data, "not be used from this address"));
	words_add(&b->keys.cs101.networks, "192.0.2.0/24", &e);
	assert_int_equal(status(b), 200);
	SET(b->s.rq.address, "unix:");
	assert_int_equal(status(b), 403);
}

/* None includes another, and being on this machine opens neither of these. */
static void
scopes_open_their_own_route(void **state)
{
	static const struct {
		const char *path;
		unsigned scope;
		int status; /* with it */
	} rows[] = {
		{ "/metrics", SCOPE_METRICS, 200 },
		{ "/api/audit", SCOPE_AUDIT, 404 }, /* there is no log */
		{ "/api/status", SCOPE_ADMIN, 200 },
	};
	static const char *const places[] = { remote, "127.0.0.1", "::1" };
	struct bed *b = *state;

	for (size_t i = 0; i < COUNT(rows); i++)
		for (size_t k = 0; k < COUNT(places); k++) {
			bool open = rows[i].scope == SCOPE_METRICS && k > 0;

			SET(b->s.rq.address, places[k]);
			SET(b->s.rq.api_key, "");
			ask(b, rows[i].path);
			assert_int_equal(b->s.rs.status, open ? 200 : 401);
			SET(b->s.rq.api_key, KEY("01"));
			for (unsigned s = 1; s <= SCOPE_ADMIN; s *= 2) {
				b->keys.cs101.scopes = s;
				ask(b, rows[i].path);
				assert_int_equal(b->s.rs.status,
				    s == rows[i].scope ? rows[i].status : 403);
			}
			b->keys.cs101.scopes = SCOPE_RUN | SCOPE_AUDIT | SCOPE_ADMIN;
			ask(b, rows[i].path);
			assert_int_equal(b->s.rs.status,
			    rows[i].scope == SCOPE_METRICS ? 403 : rows[i].status);
			SET(b->s.rq.api_key, KEY("03"));
			ask(b, rows[i].path);
			assert_int_equal(b->s.rs.status, 401); /* expired */
		}
}

static struct inquiry asked;

static int
ask_log(void *ctx, const struct inquiry *q, struct inquiry_page *page, struct buf *lines,
    struct problem *p)
{
	(void)p;
	asked = *q;
	*page = (struct inquiry_page){
		.next = 9, .head = 12, .anchor = 3, .records = 2, .more = 1
	};
	page->head_hash.byte[0] = 0xab;
	buf_str(lines, ctx);
	return 0;
}

#define ZEROS "00000000000000000000000000000000000000000000000000000000000000"

static void
the_trail_is_told_as_it_stands(void **state)
{
	static char two[] = "{\"n\":8,\"user\":\"a\\\"b\"}\n{\"n\":9}\n";
	static char none[] = "";
	struct bed *b = *state;

	b->keys.cs101.scopes = SCOPE_AUDIT;
	SET(b->s.rq.api_key, KEY("01"));
	b->s.api.log.ask = ask_log;
	b->s.api.log.ctx = two;
	SET(b->s.rq.query, "after=7&limit=2&user=a%22b&kind=user_flagged&key=CS101");
	ask(b, "/api/audit");
	assert_string_equal(b->s.rs.body.data,
	    "{\"records\":[{\"n\":8,\"user\":\"a\\\"b\"}\n,{\"n\":9}\n],"
	    "\"next\":9,\"more\":true,"
	    "\"head\":{\"n\":12,\"hash\":\"ab" ZEROS "\"},"
	    "\"anchor\":{\"n\":3,\"hash\":\"00" ZEROS "\"}}");
	assert_int_equal(asked.after, 7);
	assert_int_equal(asked.limit, 2);
	assert_string_equal(asked.user, "a\"b");
	assert_string_equal(asked.kind, "user_flagged");
	assert_string_equal(asked.key, "CS101");
	assert_string_equal(asked.token.id, "0000000000000001");
	assert_string_equal(asked.token.secret, SECRET);

	b->s.api.log.ctx = none;
	SET(b->s.rq.query, "");
	ask(b, "/api/audit");
	assert_non_null(strstr(b->s.rs.body.data, "{\"records\":[],\"next\":9"));
	assert_int_equal(asked.limit, 100);
	assert_int_equal(asked.after, 0);
	assert_string_equal(asked.user, "");

	SET(b->s.rq.query, "limit=201");
	ask(b, "/api/audit");
	assert_int_equal(b->s.rs.status, 400);
	assert_non_null(strstr(b->s.rs.body.data, "\"path\":\"limit\""));
}

static void
the_state_is_told(void **state)
{
	struct bed *b = *state;
	struct quota_claim claim = { .key = 7, .own = { .jobs = 4 }, .cpu_ms = 5000 };
	struct quota_state s;
	struct problem p;

	b->keys.cs101.scopes = SCOPE_ADMIN;
	b->keys.cs101.own = (struct allowance){ .jobs = 4 };
	SET(b->s.rq.api_key, KEY("01"));
	ask(b, "/api/status");
	assert_int_equal(b->s.rs.status, 200);
	const char *const parts[] = { "{\"version\":\"" PACKAGE_VERSION "\",",
		"\"slots\":{\"configured\":", "\"spare\":0},", "\"queue\":{\"jobs\":0,",
		"\"oldestSeconds\":0,", "\"log\":{\"state\":\"off\",",
		"\"keysInUse\":[],",
		"\"keys\":{\"readable\":true,\"all\":3,\"expired\":1,\"revoked\":1}}" };
	for (size_t i = 0; i < COUNT(parts); i++)
		if (strstr(b->s.rs.body.data, parts[i]) == NULL)
			fail_msg("no %s in %s", parts[i], b->s.rs.body.data);

	assert_int_equal(quota_take(b->s.api.gate.quota, &claim, &s, &p), 0);
	ask(b, "/api/status");
	assert_non_null(strstr(b->s.rs.body.data,
	    "\"keysInUse\":[{\"key\":\"CS101\",\"jobs\":1,\"jobsLimit\":4,"
	    "\"cpuMs\":0,\"cpuHeldMs\":5000}],"));
	quota_give_back(b->s.api.gate.quota, &claim);
}

static void
a_broken_store_closes_the_door(void **state)
{
	struct bed *b = *state;

	SET(b->s.rq.api_key, KEY("01"));
	b->keys.fails = true;
	assert_int_equal(status(b), 503);
	assert_non_null(strstr(b->s.rs.body.data, "keys_unavailable"));
	assert_string_equal(header(b, "Retry-After"), "2");
	assert_true(b->broken);
	b->s.api.gate.keys = NULL;
	b->broken = false;
	assert_int_equal(status(b), 503);
	assert_true(b->broken);
	SET(b->s.rq.api_key, "");
	assert_int_equal(status(b), 200);
}

/* --- bounds --- */

static struct job seen;

static void
look(const struct job *j)
{
	seen = *j;
}

static void
bounds_of_a_key(void **state)
{
	struct bed *b = *state;
	struct err e;

	SET(b->s.rq.api_key, KEY("01"));
	stub_judge.look = look;
	words_add(&b->keys.cs101.languages, "cpp", &e);
	assert_int_equal(status(b), 403);
	assert_non_null(strstr(b->s.rs.body.data, "\"path\":\"language\""));
	words_add(&b->keys.cs101.languages, "python", &e);
	assert_int_equal(status(b), 200);
	assert_string_equal(seen.profile, "default");
	SET(b->keys.cs101.profile, "editor");
	assert_int_equal(status(b), 200);
	assert_string_equal(seen.profile, "editor");
	ask(b, "/run");
	assert_string_equal(seen.profile, "editor");
	b->keys.cs101.max_tests = 1;
	assert_int_equal(status(b), 400);
	assert_non_null(strstr(b->s.rs.body.data, "too_many_tests"));
	b->keys.cs101.max_tests = 2;
	b->keys.cs101.max_memory = 64 << 20;
	assert_int_equal(status(b), 200);
	assert_int_equal(seen.effective.run.memory_bytes, 64 << 20);
	assert_int_equal(b->s.site.profiles[0].run.memory_bytes, 256 << 20);
	ask_with(b, "{\"language\":\"python\",\"code\":\"1\",\"memoryMb\":99999999}");
	assert_int_equal(b->s.rs.status, 400);
	assert_non_null(strstr(b->s.rs.body.data, "at most 64 allowed"));
}

static void
the_queue_is_told(void **state)
{
	struct bed *b = *state;

	SET(b->s.rq.api_key, KEY("01"));
	b->keys.cs101.slots = 3;
	b->keys.reserved[0] = 2;
	b->keys.reserved[1] = 1;
	assert_int_equal(status(b), 200);
	assert_int_equal(stub_judge.tenant.key, 7);
	assert_int_equal(stub_judge.tenant.slots_max, 3);
	assert_int_equal(stub_judge.tenant.slots_reserved, 2);
	assert_int_equal(stub_judge.tenant.slots_held_back, 1);
	assert_int_equal(stub_judge.tenant.user, 0);
	ask_with(b, "{\"language\":\"python\",\"code\":\"1\",\"user\":\"ann\"}");
	assert_true(stub_judge.tenant.user != 0);
	SET(b->s.rq.api_key, "");
	assert_int_equal(status(b), 200);
	assert_int_equal(stub_judge.tenant.key, 0);
	assert_int_equal(stub_judge.tenant.slots_held_back, 1);
	b->keys.fails = true; /* nobody knows what is reserved: that stops no run */
	assert_int_equal(status(b), 200);
	assert_int_equal(stub_judge.tenant.slots_held_back, 0);
	assert_true(b->broken);
}

/* --- users --- */

static const char *
user_after(struct bed *b, const char *named)
{
	static struct identity who;
	struct problem p;

	who = (struct identity){ .key = 0 };
	p = (struct problem){ .code = PROBLEM_NONE };
	if (auth_check(&b->s.api, &b->s.rq, AUTH_RUN, &who, &p) == -1 ||
	    auth_user(&b->s.api, &b->s.rq, named, &who, &p) == -1)
		return problem_id(p.code);
	assert_int_equal(who.user_hash != 0, who.user[0] != '\0');
	return who.user;
}

/* On a site that takes bodies in which it fits. */
static void
a_user_of_a_megabyte(void **state)
{
	struct bed *b = *state;
	static char body[(1 << 20) + 200], name[(1 << 20) + 1];

	memset(name, 'x', sizeof(name) - 1);
	b->s.site.max_body_bytes = 4 << 20;
	SET(b->s.rq.api_key, KEY("01"));
	int n = snprintf(body, sizeof(body),
	    "{\"language\":\"python\",\"code\":\"1\",\"user\":\"%s\"}", name);
	assert_in_range(n, 1 << 20, sizeof(body) - 1);
	ask_with(b, body);
	assert_int_equal(b->s.rs.status, 400);
	assert_non_null(strstr(b->s.rs.body.data, "\"path\":\"user\""));
	assert_true(b->s.rs.body.len < 1000); /* it is not sent back */
	assert_int_equal(stub_judge.runs, 0);
	struct trace trace = { .judged = false };
	b->s.api.trace = &trace;
	ask_with(b, body);
	assert_string_equal(trace.user, ""); /* nor logged */
	b->s.api.trace = NULL;
}

static void
users(void **state)
{
	struct bed *b = *state;
	char long_name[160];

	assert_string_equal(user_after(b, "ann"), "ann");
	assert_string_equal(user_after(b, ""), "");
	assert_string_equal(user_after(b, "a\nb"), "bad_field");
	assert_string_equal(user_after(b, "a\x7f"), "bad_field");
	assert_string_equal(user_after(b, "a\xc2\x9b"), "bad_field");
	/* what follows would be shown from right to left */
	assert_string_equal(user_after(b, "a\xe2\x80\xae"), "bad_field");
	assert_string_equal(user_after(b, "a\xe2\x81\xa6"), "bad_field");
	assert_string_equal(
	    user_after(b, "\xd7\x90\xe2\x80\x8f"), "\xd7\x90\xe2\x80\x8f");
	assert_string_equal(user_after(b, "J\xc3\xb6rg = \"x\""), "J\xc3\xb6rg = \"x\"");

	SET(b->s.rq.user, "bob"); /* not trusted: no effect */
	assert_string_equal(user_after(b, "ann"), "ann");
	b->s.site.access.trust_user_header = true;
	assert_string_equal(user_after(b, ""), "bob");
	assert_string_equal(user_after(b, "bob"), "bob");
	assert_string_equal(user_after(b, "ann"), "not_allowed");
	SET(b->s.rq.authorization, "Basic YTpi"); /* nginx's own */
	assert_string_equal(user_after(b, ""), "bob");
	SET(b->s.rq.user, "a\tb");
	assert_string_equal(user_after(b, ""), "bad_field");
	memset(long_name, 'x', sizeof(long_name));
	long_name[sizeof(long_name) - 1] = '\0';
	SET(b->s.rq.user, long_name);
	assert_string_equal(user_after(b, ""), "bad_field");
	long_name[128] = '\0';
	SET(b->s.rq.user, long_name);
	assert_string_equal(user_after(b, ""), long_name);

	SET(b->s.rq.user, "");
	SET(b->s.rq.authorization, "");
	b->s.site.access.anonymous = ANONYMOUS_ADDRESS;
	SET(b->s.rq.address, "2001:db8:1:2:3:4:5:6");
	assert_string_equal(user_after(b, "ann"), "2001:db8:1:2::/64");
}

/* --- quotas --- */

static void
rates_and_headers(void **state)
{
	struct bed *b = *state;

	SET(b->s.rq.api_key, KEY("01"));
	b->keys.cs101.own.rate = (struct rate){ 1, 3600, 3 };
	assert_int_equal(status(b), 200);
	assert_string_equal(header(b, "RateLimit-Limit"), "3");
	assert_string_equal(header(b, "RateLimit-Remaining"), "2");
	assert_string_equal(header(b, "RateLimit-Policy"), "1;w=3600;burst=3");
	stub_ask(&b->s, "POST", "/api/run", "{", 1); /* refused: costs nothing */
	assert_int_equal(b->s.rs.status, 400);
	stub_judge.refuse = (struct problem){ .code = PROBLEM_OVERLOADED };
	assert_int_equal(status(b), 503);
	stub_judge.refuse.code = PROBLEM_NONE;
	assert_int_equal(status(b), 200);
	assert_string_equal(header(b, "RateLimit-Remaining"), "1");
	assert_int_equal(status(b), 200);
	assert_int_equal(status(b), 429);
	assert_non_null(strstr(
	    b->s.rs.body.data, "\"code\":\"quota_exceeded\",\"quota\":\"requests\""));
	assert_string_equal(header(b, "RateLimit-Remaining"), "0");
	assert_true(atoi(header(b, "Retry-After")) > 3500);
	assert_true(atoi(header(b, "RateLimit-Reset")) > 3 * 3500);

	static const struct {
		const char *path, *body;
	} shapes[] = {
		{ "/api/editor/run", "{\"error\":\"this key's quota: " },
		{ "/api/execute", "{\"error\":\"this key's quota: " },
		{ "/api/test", "{\"success\":false,\"error\":\"this key's quota: " },
	};
	for (size_t i = 0; i < COUNT(shapes); i++) {
		ask(b, shapes[i].path);
		assert_int_equal(b->s.rs.status, 429);
		assert_memory_equal(
		    b->s.rs.body.data, shapes[i].body, strlen(shapes[i].body));
	}
	unsigned runs = stub_judge.runs;
	assert_int_equal(status(b), 429);
	assert_int_equal(stub_judge.runs, runs);
}

static void
cpu_time(void **state)
{
	struct bed *b = *state;

	SET(b->s.rq.api_key, KEY("01"));
	b->keys.cs101.own.cpu_ms = 6003;
	stub_judge.scene = "stderr"; /* 900 us a test, two of them */
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(status(b), 200);
	ask(b, "/api/quota");
	assert_non_null(strstr(b->s.rs.body.data, "\"used\":4,"));
	/* 6003 - 3.6 is less than twice 3 s */
	assert_int_equal(status(b), 429);
	assert_non_null(
	    strstr(b->s.rs.body.data, "\"code\":\"quota_exceeded\",\"quota\":\"cpuMs\""));
	assert_non_null(strstr(b->s.rs.body.data, "5999 ms of CPU time are left"));
	b->keys.cs101.own.cpu_ms = 5999;
	assert_int_equal(status(b), 400);
	assert_non_null(strstr(b->s.rs.body.data, "limit_too_high"));
}

/* Who leaves holds nothing any more; what he is charged is seen where time passes. */
static void
leaving_ends_a_claim(void **state)
{
	struct bed *b = *state;

	SET(b->s.rq.api_key, KEY("01"));
	b->keys.cs101.own.jobs = 1;
	stub_judge.gone = true;
	assert_false(stub_ask(&b->s, "POST", "/api/run", job, sizeof(job) - 1));
	stub_judge.gone = false;
	ask(b, "/api/quota");
	assert_non_null(strstr(b->s.rs.body.data, "\"running\":0"));
	assert_int_equal(status(b), 200);
}

static void
uncounted_is_refused(void **state)
{
	struct bed *b = *state;

	quota_close(b->s.api.gate.quota);
	b->s.api.gate.quota = NULL;
	assert_int_equal(status(b), 200); /* no bounds, nothing to count */
	SET(b->s.rq.api_key, KEY("01"));
	assert_int_equal(status(b), 200);
	b->keys.cs101.own.jobs = 5;
	assert_int_equal(status(b), 503);
	assert_non_null(strstr(b->s.rs.body.data, "quotas_unavailable"));
	assert_true(b->broken);
	ask(b, "/api/quota");
	assert_int_equal(b->s.rs.status, 503);
}

static void
what_is_left(void **state)
{
	struct bed *b = *state;

	ask(b, "/api/quota");
	assert_int_equal(b->s.rs.status, 200);
	assert_non_null(strstr(b->s.rs.body.data,
	    "{\"key\":null,\"scopes\":[\"run\",\"metrics\"],\"quota\":{\"jobs\":{"
	    "\"running\":0},\"cpuMs\":{\"used\":0,\"held\":0,\"resetSeconds\":"));
	SET(b->s.rq.api_key, KEY("01"));
	b->keys.cs101.own = (struct allowance){ { 60, 60, 300 }, 4, 60000 };
	b->keys.cs101.each_user = (struct allowance){ { 6, 60, 0 }, 0, 0 };
	b->keys.cs101.slots = 2;
	b->keys.cs101.max_tests = 20;
	b->keys.cs101.expires = 1893456000000000LL;
	ask(b, "/api/quota");
	const char *const parts[] = {
		"{\"key\":\"CS101\",\"scopes\":[\"run\"],",
		"\"expires\":\"2030-01-01T00:00:00", "\"slots\":2,\"maxTests\":20,",
		("\"requests\":{\"count\":60,\"seconds\":60,\"burst\":300,"
		 "\"remaining\":300,\"resetSeconds\":0}"),
		"\"jobs\":{\"limit\":4,\"running\":0}", "\"remaining\":60000}}",
		"\"userQuota\":{\"requests\":{\"count\":6,\"seconds\":60,\"burst\":6}}}"
	};
	for (size_t i = 0; i < COUNT(parts); i++)
		if (strstr(b->s.rs.body.data, parts[i]) == NULL)
			fail_msg("no %s in %s", parts[i], b->s.rs.body.data);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, bed_setup, bed_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(credentials),
		CASE(wrong_is_not_none),
		CASE(keyless_by_place),
		CASE(a_name_that_is_not_ours),
		CASE(first_words_to_the_administrator),
		CASE(scopes_and_networks),
		CASE(scopes_open_their_own_route),
		CASE(the_trail_is_told_as_it_stands),
		CASE(the_state_is_told),
		CASE(a_broken_store_closes_the_door),
		CASE(bounds_of_a_key),
		CASE(the_queue_is_told),
		CASE(users),
		CASE(a_user_of_a_megabyte),
		CASE(rates_and_headers),
		CASE(cpu_time),
		CASE(leaving_ends_a_claim),
		CASE(uncounted_is_refused),
		CASE(what_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
