/* Who asks: names, tokens, rates, and the addresses he may come from. */
#include "unit.h"

#include "base/address.h"
#include "base/sha256.h"
#include "model/identity.h"

static void
rates(void **state)
{
	static const struct {
		const char *text;
		uint64_t count, period; /* 0: refused */
	} cases[] = {
		{ "60/min", 60, 60 },
		{ "1/s", 1, 1 },
		{ "5000/h", 5000, 3600 },
		{ "1000000/day", 1000000, 86400 },
		{ "0/min", 0, 0 },
		{ "1000001/s", 0, 0 },
		{ "60", 0, 0 },
		{ "60/", 0, 0 },
		{ "/min", 0, 0 },
		{ "60/minute", 0, 0 },
		{ "-1/min", 0, 0 },
		{ "1e3/min", 0, 0 },
		{ "99999999999999999999999999/min", 0, 0 },
		{ "", 0, 0 },
	};
	struct err e = { 0 };

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct rate r = { .burst = 7 };
		char text[32];
		int rc = rate_parse(cases[i].text, &r, &e);

		CHECK_INT(cases[i].text, rc, cases[i].count > 0 ? 0 : -1);
		CHECK_INT(cases[i].text, r.count, cases[i].count);
		CHECK_INT(cases[i].text, r.period_s, cases[i].period);
		CHECK_INT("the burst stays", r.burst, 7);
		if (rc == -1)
			continue;
		rate_text(&r, text, sizeof(text));
		CHECK_STR("and back", text, cases[i].text);
	}
}

static void
scopes(void **state)
{
	unsigned bits = 99;
	struct err e = { 0 };
	char text[64];

	(void)state;
	CHECK_OK(scopes_parse("admin,run", &bits, &e), e);
	CHECK_INT("bits", bits, SCOPE_RUN | SCOPE_ADMIN);
	scopes_text(bits, text, sizeof(text));
	CHECK_STR("and back", text, "run,admin");
	scopes_text(15, text, sizeof(text));
	CHECK_STR("all", text, "run,metrics,audit,admin");
	const char *const bad[] = { "", "run,", ",run", "ru", "runs", "run, admin",
		"RUN" };
	for (size_t i = 0; i < LENGTH(bad); i++) {
		bits = 99;
		CHECK_INT(bad[i], scopes_parse(bad[i], &bits, &e), -1);
		CHECK_INT("untouched", bits, 99);
	}
}

#define SECRET "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void
tokens(void **state)
{
	const char *const bad[] = {
		"",
		"jb_",
		"jb_0123456789abcdef",
		"jb_0123456789abcdef_",
		"jb_0123456789abcdef_" SECRET "0",
		"jb-0123456789abcdef_" SECRET,
		"jb_0123456789abcdef-" SECRET,
		"jb_0123456789abcdeF_" SECRET,
		"jb_0123456789abcde _" SECRET,
		"jb_0123456789abcdef_g123456789abcdef0123456789abcdef0123456789abcdef"
		"0123456789abcdef",
	};
	struct token t;

	(void)state;
	assert_true(token_parse("jb_fedcba9876543210_" SECRET, &t));
	CHECK_STR("id", t.id, "fedcba9876543210");
	CHECK_STR("secret", t.secret, SECRET);
	for (size_t i = 0; i < LENGTH(bad); i++)
		CHECK_INT(bad[i], token_parse(bad[i], &t), false);
}

static void
names(void **state)
{
	(void)state;
	assert_true(key_name_good("CS101-2.b_x"));
	assert_false(key_name_good(""));
	assert_false(key_name_good("-x"));
	assert_false(key_name_good("a b"));
	assert_false(key_name_good("a\n"));
	assert_false(key_name_good("a=b"));
	assert_false(key_name_good(SECRET));
}

static void
networks(void **state)
{
	static const struct {
		const char *network, *address;
		int has; /* -1: no network */
	} cases[] = {
		{ "192.0.2.0/24", "192.0.2.255", 1 },
		{ "192.0.2.0/24", "192.0.3.0", 0 },
		{ "192.0.2.0/24", "::ffff:192.0.2.9", 1 },
		{ "192.0.2.0/24", "2001:db8::1", 0 },
		{ "192.0.2.128/25", "192.0.2.127", 0 },
		{ "192.0.2.128/25", "192.0.2.128", 1 },
		{ "192.0.2.1", "192.0.2.1", 1 },
		{ "192.0.2.1/32", "192.0.2.2", 0 },
		{ "0.0.0.0/0", "203.0.113.5", 1 },
		{ "0.0.0.0/0", "::1", 0 },
		{ "::/0", "2001:db8::1", 1 },
		{ "2001:db8::/33", "2001:db8:7fff::1", 1 },
		{ "2001:db8::/33", "2001:db8:8000::1", 0 },
		{ "2001:db8::1/128", "2001:db8::1", 1 },
		{ "192.0.2.7/24", "192.0.2.7", -1 },
		{ "192.0.2.0/33", "192.0.2.7", -1 },
		{ "192.0.2.0/", "192.0.2.7", -1 },
		{ "192.0.2.0/ 8", "192.0.2.7", -1 },
		{ "192.0.2", "192.0.2.7", -1 },
		{ "localhost", "127.0.0.1", -1 },
		{ "", "127.0.0.1", -1 },
	};
	struct err e = { 0 };

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct network n;
		struct address a;

		CHECK_INT(cases[i].network, network_parse(cases[i].network, &n, &e),
		    cases[i].has < 0 ? -1 : 0);
		if (cases[i].has < 0)
			continue;
		CHECK_OK(address_parse(cases[i].address, &a, &e), e);
		CHECK_INT(cases[i].network, network_has(&n, &a), cases[i].has);
	}
}

static void
addresses(void **state)
{
	static const struct {
		const char *text;
		bool loopback;
		const char *owner;
	} cases[] = {
		{ "127.0.0.1", true, "127.0.0.1" },
		{ "127.9.9.9", true, "127.9.9.9" },
		{ "::ffff:127.0.0.1", true, "127.0.0.1" },
		{ "::1", true, "::/64" },
		{ "::2", false, "::/64" },
		{ "128.0.0.1", false, "128.0.0.1" },
		{ "2001:db8:1:2:3:4:5:6", false, "2001:db8:1:2::/64" },
	};
	struct err e = { 0 };
	struct address a;
	char owner[80];

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		CHECK_OK(address_parse(cases[i].text, &a, &e), e);
		CHECK_INT(cases[i].text, address_is_loopback(&a), cases[i].loopback);
		address_owner(&a, owner, sizeof(owner));
		CHECK_STR(cases[i].text, owner, cases[i].owner);
	}
	assert_int_equal(address_parse("unix:", &a, &e), -1);
	assert_int_equal(address_parse("", &a, &e), -1);
}

static void
digests(void **state)
{
	struct sha256_part parts[] = { { "a", 1 }, { "bc", 2 } };
	struct sha256 one, other;
	struct err e = { 0 };
	char hex[SHA256_HEX];

	(void)state;
	CHECK_OK(sha256_of("abc", 3, &one, &e), e);
	CHECK_OK(sha256_parts(parts, 2, &other, &e), e);
	sha256_hex(&one, hex);
	CHECK_STR("abc", hex,
	    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_true(sha256_same(&one, &other));
	other.byte[31] ^= 1;
	assert_false(sha256_same(&one, &other));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rates),
		cmocka_unit_test(scopes),
		cmocka_unit_test(tokens),
		cmocka_unit_test(names),
		cmocka_unit_test(networks),
		cmocka_unit_test(addresses),
		cmocka_unit_test(digests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
