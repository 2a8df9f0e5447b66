/* The bridge: what is a message, what is a bundle, and everything that is neither. */
#include "unit.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/scope.h"
#include "sandbox/wire/bundle.h"
#include "sandbox/wire/wire.h"

struct ends {
	int a, b;
};

static struct ends
open_ends(void)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	return (struct ends){ pair[0], pair[1] };
}

static void
close_ends(struct ends *p)
{
	close(p->a);
	close(p->b);
}

static void
every_type_goes_through(void **state)
{
	static const uint16_t types[] = { WIRE_HELLO, WIRE_STATUS, WIRE_JOB, WIRE_COMPILE,
		WIRE_RUN, WIRE_KILL, WIRE_END, WIRE_KEEP, WIRE_WELCOME, WIRE_STATE,
		WIRE_READY, WIRE_BUSY, WIRE_REFUSED, WIRE_OUTCOME };
	struct wire_message in, out;
	struct ends p = open_ends();
	struct err e = { 0 };
	int fds[WIRE_FDS_MAX];
	unsigned n;

	(void)state;
	for (size_t i = 0; i < sizeof(in.body); i++)
		((unsigned char *)&in.body)[i] = (unsigned char)(i * 7);
	for (unsigned i = 0; i < LENGTH(types); i++) {
		CHECK_OK(wire_send(p.a, types[i], &in.body, NULL, 0, &e), e);
		CHECK_OK(wire_recv(p.b, &out, fds, &n, &e), e);
		CHECK_INT("type", out.head.type, types[i]);
		CHECK_INT("len", out.head.len, wire_body_size(types[i]));
		assert_memory_equal(&out.body, &in.body, wire_body_size(types[i]));
		CHECK_INT("descriptors", n, 0);
	}
	assert_int_equal(wire_send(p.a, WIRE_REQUEST_MAX_, &in.body, NULL, 0, &e), -1);
	CHECK_STR("message", e.msg, "no such message 9");
	close_ends(&p);
}

/* HS-04 to HS-10 of SECURITY.md: a message is refused by the first thing wrong with it.
 */
/* I-14 */
static void
malformed_messages_are_refused(void **state)
{
	enum {
		HEAD = offsetof(struct wire_message, body),
		KILL = sizeof(struct wire_kill)
	};
	static const struct {
		const char *what;
		struct wire_head head;
		size_t sent;
		const char *msg;
		enum err_code code;
	} cases[] = {
		{ "empty", { WIRE_VERSION, WIRE_HELLO, 0 }, 0, "peer closed the socket",
		    ERR_GONE },
		{ "one byte", { WIRE_VERSION, WIRE_HELLO, 0 }, 1,
		    "short message (1 bytes)", ERR_PROTO },
		{ "half a head", { WIRE_VERSION, WIRE_HELLO, 0 }, HEAD - 1,
		    "short message (7 bytes)", ERR_PROTO },
		{ "old version", { WIRE_VERSION - 1, WIRE_HELLO, 0 }, HEAD,
		    "wire version 6", ERR_PROTO },
		{ "new version", { WIRE_VERSION + 1, WIRE_HELLO, 0 }, HEAD,
		    "wire version 8", ERR_PROTO },
		{ "type 0", { WIRE_VERSION, 0, 0 }, HEAD, "unknown message 0",
		    ERR_PROTO },
		{ "type 9", { WIRE_VERSION, WIRE_REQUEST_MAX_, 0 }, HEAD,
		    "unknown message 9", ERR_PROTO },
		{ "type 65535", { WIRE_VERSION, UINT16_MAX, 0 }, HEAD,
		    "unknown message 65535", ERR_PROTO },
		{ "declared shorter", { WIRE_VERSION, WIRE_KILL, 0 }, HEAD + KILL,
		    "message 6: bad length", ERR_PROTO },
		{ "declared longer", { WIRE_VERSION, WIRE_KILL, KILL + 1 }, HEAD + KILL,
		    "message 6: bad length", ERR_PROTO },
		{ "declared endless", { WIRE_VERSION, WIRE_KILL, UINT32_MAX },
		    HEAD + KILL, "message 6: bad length", ERR_PROTO },
		{ "sent shorter", { WIRE_VERSION, WIRE_KILL, KILL }, HEAD + KILL - 1,
		    "message 6: bad length", ERR_PROTO },
		{ "sent longer", { WIRE_VERSION, WIRE_KILL, KILL }, HEAD + KILL + 1,
		    "message 6: bad length", ERR_PROTO },
		{ "longer than any", { WIRE_VERSION, WIRE_RUN, sizeof(struct wire_run) },
		    sizeof(struct wire_message) + 1, "message or descriptors cut off",
		    ERR_PROTO },
	};

	(void)state;
	for (unsigned i = 0; i < LENGTH(cases); i++) {
		static char raw[sizeof(struct wire_message) + 16];
		struct wire_message m;
		struct ends p = open_ends();
		struct err e = { 0 };
		int fds[WIRE_FDS_MAX];
		unsigned n = 5;

		memcpy(raw, &cases[i].head, sizeof(cases[i].head));
		assert_int_equal(
		    send(p.a, raw, cases[i].sent, 0), (ssize_t)cases[i].sent);
		CHECK_INT(cases[i].what, wire_recv(p.b, &m, fds, &n, &e), -1);
		CHECK_STR(cases[i].what, e.msg, cases[i].msg);
		CHECK_INT(cases[i].what, e.code, cases[i].code);
		CHECK_INT(cases[i].what, n, 0);
		close_ends(&p);
	}
}

static int
lowest_free_fd(void)
{
	int fd = dup(0);

	close(fd);
	return fd;
}

/* I-16 */
static void
refused_descriptors_are_closed(void **state)
{
	struct wire_kill kill = { 1, WIRE_FIRED_OUTPUT };
	struct ends p = open_ends();
	struct err e = { 0 };
	struct wire_message m;
	int four[4] = { p.a, p.a, p.a, p.a }, fds[WIRE_FDS_MAX];
	struct wire_head bad = { 9, WIRE_HELLO, 0 };
	unsigned n;

	(void)state;
	CHECK_OK(wire_send(p.a, WIRE_KILL, &kill, four, 3, &e), e);
	CHECK_OK(wire_recv(p.b, &m, fds, &n, &e), e);
	CHECK_INT("three pass", n, 3);
	fd_close_all(fds, n);

	int before = lowest_free_fd();
	CHECK_OK(wire_send(p.a, WIRE_KILL, &kill, four, 4, &e), e);
	assert_int_equal(wire_recv(p.b, &m, fds, &n, &e), -1);
	CHECK_STR("four do not", e.msg, "4 descriptors in one message");
	CHECK_OK(fd_send(p.a, &bad, sizeof(bad), four, 2, &e), e);
	assert_int_equal(wire_recv(p.b, &m, fds, &n, &e), -1);
	CHECK_STR("bad head", e.msg, "wire version 9");
	CHECK_INT("nothing stays open", lowest_free_fd(), before);
	close_ends(&p);
}

/* --- bundles --- */

static void
bundles_come_out_as_they_went_in(void **state)
{
	struct bundle_writer w = { 0 };
	struct bundle_entry *list = NULL;
	uint32_t count = 0;
	struct err e = { 0 };
	char data[8];

	(void)state;
	CHECK_OK(bundle_add(&w, "main.c", "abc", 3, &e), e);
	CHECK_OK(bundle_add(&w, "sub/empty", NULL, 0, &e), e);
	CHECK_OK(bundle_add(&w, "sub/x", "d\0e", 3, &e), e);
	scope_fd fd = bundle_seal(&w, &e);
	CHECK_OK(fd, e);
	bundle_free(&w);
	CHECK_OK(bundle_open(fd, &list, &count, &e), e);
	CHECK_INT("count", count, 3);
	CHECK_STR("first is first", list[0].name, "main.c");
	CHECK_STR("name", list[1].name, "sub/empty");
	CHECK_INT("empty", list[1].size, 0);
	CHECK_OK(fd_pread_all(fd, data, 3, list[2].offset, &e), e);
	assert_memory_equal(data, "d\0e", 3);
	free(list);
}

static void
an_empty_bundle_is_one(void **state)
{
	struct bundle_writer w = { 0 };
	struct bundle_entry *list = NULL;
	uint32_t count = 9;
	struct err e = { 0 };

	(void)state;
	scope_fd fd = bundle_seal(&w, &e);
	CHECK_OK(fd, e);
	CHECK_OK(bundle_open(fd, &list, &count, &e), e);
	CHECK_INT("count", count, 0);
	free(list);
}

static void
writers_refuse_what_readers_would(void **state)
{
	struct bundle_writer w = { 0 };
	struct err e = { 0 };
	char name[16];

	(void)state;
	assert_int_equal(bundle_add(&w, "../x", "", 0, &e), -1);
	assert_int_equal(bundle_add(&w, "x", NULL, BUNDLE_BYTES + 1, &e), -1);
	CHECK_STR("message", e.msg, "more than 512 files or 67108864 bytes");
	for (unsigned i = 0; i < BUNDLE_FILES; i++) {
		snprintf(name, sizeof(name), "f%u", i);
		CHECK_OK(bundle_add(&w, name, "", 0, &e), e);
	}
	assert_int_equal(bundle_add(&w, "x", "", 0, &e), -1);
	CHECK_INT("code", e.code, ERR_OVER_LIMIT);
	bundle_free(&w);
}

struct forged {
	struct bundle_head head;
	struct bundle_entry entries[2];
	char contents[8];
};

static const struct forged honest = {
	.head = { BUNDLE_MAGIC, 2 },
	.entries = { { "a", offsetof(struct forged, contents), 4 },
	    { "b", offsetof(struct forged, contents) + 4, 4 } },
};

static void
forge_nothing(struct forged *f)
{
	(void)f;
}
static void
forge_magic(struct forged *f)
{
	f->head.magic++;
}
static void
forge_count(struct forged *f)
{
	f->head.count = BUNDLE_FILES + 1;
}
static void
forge_more_entries(struct forged *f)
{
	f->head.count = 3;
}
static void
forge_name_end(struct forged *f)
{
	memset(f->entries[1].name, 'n', sizeof(f->entries[1].name));
}
static void
forge_name(struct forged *f)
{
	strcpy(f->entries[1].name, "../b");
}
static void
forge_twin(struct forged *f)
{
	strcpy(f->entries[1].name, "a");
}
static void
forge_folder(struct forged *f)
{
	strcpy(f->entries[1].name, "a/b");
}
static void
forge_offset_low(struct forged *f)
{
	f->entries[0].offset = 0;
}
static void
forge_offset_high(struct forged *f)
{
	f->entries[1].offset = sizeof(*f) + 1;
}
static void
forge_size(struct forged *f)
{
	f->entries[1].size = 5;
}
static void
forge_overflow(struct forged *f)
{
	f->entries[1].size = UINT64_MAX - 3;
}
static void
forge_overlap(struct forged *f)
{
	f->entries[1].offset--;
	f->entries[1].size = 5;
}

/* I-14 */
static void
forged_bundles_are_refused(void **state)
{
	static const struct {
		void (*forge)(struct forged *f);
		const char *msg;
	} cases[] = {
		{ forge_nothing, "" },
		{ forge_magic, "bundle: bad head" },
		{ forge_count, "bundle: bad head" },
		{ forge_more_entries, "bundle: file ends 136 bytes early" },
		{ forge_name_end, "bundle: a name is not terminated" },
		{ forge_name, "bundle: a file name is relative and plain: letters, "
			      "digits, . _ + - $ and /" },
		{ forge_twin, "bundle: 'a' appears twice" },
		{ forge_folder, "bundle: 'a' is a file and a folder" },
		{ forge_offset_low, "bundle: 'a' lies outside" },
		{ forge_offset_high, "bundle: 'b' lies outside" },
		{ forge_size, "bundle: 'b' lies outside" },
		{ forge_overflow, "bundle: 'b' lies outside" },
		{ forge_overlap, "bundle: files overlap" },
	};

	(void)state;
	for (unsigned i = 0; i < LENGTH(cases); i++) {
		struct forged f = honest;
		struct bundle_entry *list = NULL;
		uint32_t count = 0;
		struct err e = { 0 };

		cases[i].forge(&f);
		scope_fd fd = fd_memfd("forged", &f, sizeof(f), &e);
		CHECK_OK(fd, e);
		int r = bundle_open(fd, &list, &count, &e);
		CHECK_STR("message", e.msg, cases[i].msg);
		CHECK_INT(cases[i].msg, r, cases[i].msg[0] == '\0' ? 0 : -1);
		assert_true((list != NULL) == (r == 0));
		free(list);
	}
}

/* "a", "a-b", "a/c": what lies between in the alphabet must not hide the clash. */
static void
a_clash_is_found_across_neighbours(void **state)
{
	struct bundle_writer w = { 0 };
	struct bundle_entry *list = NULL;
	uint32_t count = 0;
	struct err e = { 0 };

	(void)state;
	CHECK_OK(bundle_add(&w, "x/a/c", "", 0, &e), e);
	CHECK_OK(bundle_add(&w, "x/a-b", "", 0, &e), e);
	CHECK_OK(bundle_add(&w, "x/a", "", 0, &e), e);
	scope_fd fd = bundle_seal(&w, &e);
	bundle_free(&w);
	assert_int_equal(bundle_open(fd, &list, &count, &e), -1);
	CHECK_STR("message", e.msg, "bundle: 'x/a' is a file and a folder");
}

/* I-16 */
static void
bundles_must_be_sealed(void **state)
{
	struct bundle_entry *list = NULL;
	uint32_t count = 0;
	struct err e = { 0 };

	(void)state;
	scope_fd fd = memfd_create("t", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	assert_int_equal(bundle_open(fd, &list, &count, &e), -1);
	CHECK_STR("message", e.msg, "bundle: descriptor is not read-only");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_type_goes_through),
		cmocka_unit_test(malformed_messages_are_refused),
		cmocka_unit_test(refused_descriptors_are_closed),
		cmocka_unit_test(bundles_come_out_as_they_went_in),
		cmocka_unit_test(an_empty_bundle_is_one),
		cmocka_unit_test(writers_refuse_what_readers_would),
		cmocka_unit_test(forged_bundles_are_refused),
		cmocka_unit_test(a_clash_is_found_across_neighbours),
		cmocka_unit_test(bundles_must_be_sealed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
