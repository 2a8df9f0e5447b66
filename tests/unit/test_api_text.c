/* The smallest parts of src/api: UTF-8, base64, the writer, the scan before json-c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/base64.h"
#include "api/json.h"
#include "api/scan.h"
#include "api/write.h"
#include "base/quote.h"
#include "base/utf8.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
	const char *what, *text;
	bool valid;
} utf8_cases[] = {
	{ "ASCII", "abc", true },
	{ "two bytes", "\xc3\xa4", true },
	{ "the smallest of two", "\xc2\x80", true },
	{ "the smallest of three", "\xe0\xa0\x80", true },
	{ "before the surrogates", "\xed\x9f\xbf", true },
	{ "after the surrogates", "\xee\x80\x80", true },
	{ "the smallest of four", "\xf0\x90\x80\x80", true },
	{ "the last", "\xf4\x8f\xbf\xbf", true },
	{ "beyond the last", "\xf4\x90\x80\x80", false },
	{ "five bytes", "\xf8\x88\x80\x80\x80", false },
	{ "overlong slash of two", "\xc0\xaf", false },
	{ "overlong of three", "\xe0\x9f\xbf", false },
	{ "overlong of four", "\xf0\x8f\xbf\xbf", false },
	{ "a surrogate", "\xed\xa0\x80", false },
	{ "a tail alone", "\x80", false },
	{ "cut after one", "\xe2", false },
	{ "cut after two", "\xe2\x82", false },
	{ "a head for a tail", "\xe2\x82\xc3", false },
	{ "0xff", "\xff", false },
};

static void
test_utf8(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(utf8_cases); i++)
		if (utf8_valid(utf8_cases[i].text, strlen(utf8_cases[i].text)) !=
		    utf8_cases[i].valid)
			fail_msg("%s", utf8_cases[i].what);
	assert_true(utf8_valid(NULL, 0));
}

static void
test_base64_round_trip(void **state)
{
	static const char *const pairs[][2] = {
		{ "", "" },
		{ "f", "Zg==" },
		{ "fo", "Zm8=" },
		{ "foo", "Zm9v" },
		{ "foob", "Zm9vYg==" },
		{ "\xff\xfe\xfd", "//79" },
		{ "\xfb\xef", "++8=" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(pairs); i++) {
		scope_buf text = { 0 };
		struct bytes bytes = { NULL, 0 };

		base64_encode(&text, pairs[i][0], strlen(pairs[i][0]));
		assert_string_equal(buf_cstr(&text), pairs[i][1]);
		assert_true(base64_decode(pairs[i][1], strlen(pairs[i][1]), &bytes));
		assert_int_equal(bytes.len, strlen(pairs[i][0]));
		assert_memory_equal(bytes.data, pairs[i][0], bytes.len);
		free(bytes.data);
	}
}

static void
test_base64_refuses(void **state)
{
	static const char *const bad[] = {
		"Zg",
		"Zg=",
		"Zg===",
		"=",
		"====",
		"Z===",
		"Zg==Zg==",
		"Z=g=",
		"Zm9v\n",
		"Zm 9",
		"Zm9-",
		"Zm9_",
		"Zh==",
		"Zm9=",
		"Zm\xc3\xa4",
	};
	struct bytes bytes = { NULL, 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		if (base64_decode(bad[i], strlen(bad[i]), &bytes))
			fail_msg("'%s' was taken", bad[i]);
	assert_null(bytes.data);
}

static void
test_writer(void **state)
{
	scope_buf out = { 0 };
	struct writer w = { .out = &out };

	(void)state;
	write_open(&w, NULL, '{');
	write_open(&w, "a", '[');
	write_uint(&w, NULL, UINT64_MAX);
	write_milli(&w, NULL, 0);
	write_milli(&w, NULL, 1250);
	write_milli(&w, NULL, 10001);
	write_milli(&w, NULL, 100);
	write_milli(&w, NULL, 7000);
	write_close(&w, ']');
	write_open(&w, "b", '{');
	write_close(&w, '}');
	write_bool(&w, "t", true);
	write_null(&w, "n");
	write_raw(&w, "r", "1e5", 3);
	write_base64(&w, "x", "\xff", 1);
	write_bytes(&w, "s", NULL, 0);
	write_close(&w, '}');
	assert_string_equal(buf_cstr(&out), "{\"a\":[18446744073709551615,0,1.25,10.001,"
					    "0.1,7],\"b\":{},\"t\":true,\"n\":null,"
					    "\"r\":1e5,\"x\":\"/w==\",\"s\":\"\"}");
}

static void
test_writer_escapes(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *json;
	} cases[] = {
		{ "a\"b\\c/", 6, "\"a\\\"b\\\\c/\"" },
		{ "\b\f\n\r\t", 5, "\"\\b\\f\\n\\r\\t\"" },
		{ "\0\x01\x1f\x7f", 4, "\"\\u0000\\u0001\\u001f\\u007f\"" },
		{ "\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa", 9,
		    "\"\\u2028\\u2029\xe2\x80\xaa\"" },
		{ "\xc2\x80\xc2\x9b\xc2\x9f\xc2\xa0", 8,
		    "\"\\u0080\\u009b\\u009f\xc2\xa0\"" },
		{ "\xf0\x9f\x98\x80", 4, "\"\xf0\x9f\x98\x80\"" },
		{ "x\xff\xe2\x82", 4, "\"x\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
		{ "\xed\xa0\x80", 3, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		scope_buf out = { 0 };

		quote_add(&out, cases[i].bytes, cases[i].len);
		assert_string_equal(buf_cstr(&out), cases[i].json);
		assert_int_equal(quote_size(cases[i].bytes, cases[i].len) + 2, out.len);
	}
}

static const struct {
	const char *text, *msg; /* msg empty: let through, json-c is next */
} scans[] = {
	{ "{\"a\":[1,-0.5e+7,true,false,null,\"\\ud83d\\ude00\"]}", "" },
	{ " {} \r\n", "" },
	{ "{\"a\":{\"a\":1},\"b\":{\"a\":1}}", "" },
	{ "\xef\xbb\xbf{}", "a byte order mark, at byte 0" },
	{ "{\"a\":1,\"a\":2}", "member \"a\" is given twice" },
	{ "{\"a\":1,\"\\u0061\":2}", "member \"\\u0061\" is given twice" },
	{ "{\"\xc3\xa4\":1,\"\\u00E4\":2}", "member \"\\u00E4\" is given twice" },
	{ "{\"\xf0\x9f\x98\x80\":1,\"\\ud83d\\uDE00\":2}",
	    "member \"\\ud83d\\uDE00\" is given twice" },
	{ "[{\"x\":{\"k\":[],\"k\":[]}}]", "member \"k\" is given twice" },
	{ "{\"a\\u0000b\":1}", "a name with a NUL in it, at byte 11" },
	{ "{\"a\":\"\\u0000\"}", "" },
	{ "{\"a\":\"\\ud800\"}", "a lone surrogate is no character, at byte 6" },
	{ "{\"a\":\"\\udc00\"}", "a lone surrogate is no character, at byte 6" },
	{ "{\"a\":\"\\ud800\\ud800\"}", "a lone surrogate is no character, at byte 6" },
	{ "{\"a\":\"\\ud800", "a lone surrogate is no character, at byte 6" },
	{ "{\"a\":\"\\u12", "\\u wants four hexadecimal digits, at byte 6" },
	{ "{\"a\":\"\\u12g4\"}", "\\u wants four hexadecimal digits, at byte 6" },
	{ "{\"a\":\"\\x41\"}", "no such escape, at byte 6" },
	{ "{\"a\":\"\\", "the text ends inside a string, at byte 6" },
	{ "{\"a\":\"b", "the text ends inside a string, at byte 7" },
	{ "{\"a\":\"\xff\"}", "not UTF-8, at byte 6" },
	{ "{\"a\":\"\xed\xa0\x80\"}", "not UTF-8, at byte 6" },
	{ "{\"a\":\"b\nc\"}", "a bare control character, at byte 7" },
	{ "{\"a\":NaN}", "neither a value nor a bracket, at byte 5" },
	{ "{\"a\":Infinity}", "neither a value nor a bracket, at byte 5" },
	{ "{\"a\":True}", "neither a value nor a bracket, at byte 5" },
	{ "{'a':1}", "neither a value nor a bracket, at byte 1" },
	{ "/**/{}", "neither a value nor a bracket, at byte 0" },
	{ "{\"a\":-}", "a number without digits, at byte 6" },
	{ "{\"a\":+1}", "neither a value nor a bracket, at byte 5" },
	{ "{\"a\":1.}", "a number without digits after its point, at byte 7" },
	{ "{\"a\":.5}", "neither a value nor a bracket, at byte 5" },
	{ "{\"a\":[0,-0,0.5,0e1,10]}", "" },
	{ "{\"a\":01.5}", "a number that begins with a zero, at byte 6" },
	{ "{\"a\":-01}", "a number that begins with a zero, at byte 7" },
	{ "{\"a\":00}", "a number that begins with a zero, at byte 6" },
	{ "{\"a\":0100.0}", "a number that begins with a zero, at byte 6" },
	{ "{\"a\":1e}", "a number without digits in its exponent, at byte 7" },
	{ "{\"a\":1e+}", "a number without digits in its exponent, at byte 8" },
	{ "{1:2}", "a colon that follows no name, at byte 2" },
	{ ":", "a colon that follows no name, at byte 0" },
	{ "{\"a\":[[[[[[[1]]]]]]]}", "" }, /* 8 deep */
	{ "{\"a\":[[[[[[[[1]]]]]]]]}", "nested more than 8 deep, at byte 12" },
	{ "{}}", "a bracket that nothing opened, at byte 2" },
	{ "{\"a\":[", "the text ends inside a bracket, at byte 6" },
};

static void
test_scan(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(scans); i++) {
		struct err e = { .msg = "" };
		int rc = json_scan(scans[i].text, strlen(scans[i].text), &e);

		if (rc != (scans[i].msg[0] == '\0' ? 0 : -1) ||
		    strcmp(e.msg, scans[i].msg) != 0)
			fail_msg("%s: %d '%s'", scans[i].text, rc, e.msg);
	}
}

static void
test_scan_nul(void **state)
{
	struct err e;

	(void)state;
	assert_int_equal(json_scan("{}\0", 3, &e), -1);
	assert_string_equal(e.msg, "a NUL byte, at byte 2");
	assert_int_equal(json_scan("{\"\0\":1}", 7, &e), -1);
	assert_string_equal(e.msg, "a NUL byte, at byte 2");
}

static void
fill(struct buf *b, unsigned n, const char *fmt)
{
	buf_str(b, "{");
	for (unsigned i = 0; i < n; i++) {
		buf_str(b, i > 0 ? "," : "");
		buf_fmt(b, "\"%u\":%s", i, fmt);
	}
	buf_str(b, "}");
}

static void
test_scan_caps(void **state)
{
	scope_buf most = { 0 }, many = { 0 }, arrays = { 0 };
	struct err e;

	(void)state;
	fill(&most, JSON_MEMBERS_MAX, "1");
	assert_int_equal(json_scan(most.data, most.len, &e), 0);
	fill(&many, 10000, "1");
	assert_int_equal(json_scan(many.data, many.len, &e), -1);
	assert_string_equal(e.msg, "an object of more than 64 members, at byte 443");
	buf_str(&arrays, "[[]");
	for (unsigned i = 2; i < JSON_CONTAINERS_MAX; i++)
		buf_str(&arrays, ",{}");
	scope_buf one_more = { 0 };
	buf_add(&one_more, arrays.data, arrays.len);
	buf_str(&arrays, "]");
	buf_str(&one_more, ",[]]");
	assert_int_equal(json_scan(arrays.data, arrays.len, &e), 0);
	assert_int_equal(json_scan(one_more.data, one_more.len, &e), -1);
	assert_non_null(strstr(e.msg, "too many arrays and objects"));
}

/* What a json-c that takes no UTF-8 is given means the same. */
static void
test_to_ascii(void **state)
{
	static const char *const texts[] = { "{}", "{\"a\": \"plain \\n\"}",
		"{\"\xc3\xa9\": \"\xe2\x82\xac \xf0\x9f\x98\x80\xf4\x8f\xbf\xbf x\"}",
		"{\"a\": [\"\xc2\x80\xdf\xbf\", \"\xe0\xa0\x80\xef\xbf\xbf\"]}" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		scope_buf ascii = { 0 };
		scope_json before = json_tokener_parse(texts[i]);

		json_to_ascii(texts[i], strlen(texts[i]), &ascii);
		for (size_t at = 0; at < ascii.len; at++)
			assert_in_range(ascii.data[at], 0x20, 0x7e);
		scope_json after = json_tokener_parse(buf_cstr(&ascii));
		assert_non_null(before);
		assert_true(json_object_equal(before, after));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_base64_round_trip),
		cmocka_unit_test(test_base64_refuses),
		cmocka_unit_test(test_writer),
		cmocka_unit_test(test_writer_escapes),
		cmocka_unit_test(test_scan),
		cmocka_unit_test(test_scan_nul),
		cmocka_unit_test(test_scan_caps),
		cmocka_unit_test(test_to_ascii),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
