/* The ground floor: errors, numbers, words, buffers, names, descriptors. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/lean.h"
#include "base/log.h"
#include "base/num.h"
#include "base/path.h"
#include "base/scope.h"
#include "base/words.h"

static void
errors_keep_their_cause(void **state)
{
	struct err e = { 0 };
	char name[400], text[400];

	(void)state;
	errno = ENOENT;
	assert_int_equal(err_sys(&e, "open %s", "x"), -1);
	assert_true(e.sys == ENOENT && e.code == ERR_SYS);
	assert_int_equal(err_wrap(&e, "slot %d", 3), -1);
	CHECK_STR("context in front", e.msg, "slot 3: open x");
	assert_true(e.sys == ENOENT && e.code == ERR_SYS);
	CHECK_STR("text", err_text(&e, text, sizeof(text)),
	    "slot 3: open x: No such file or directory");
	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	err_wrap(&e, "%s", name);
	CHECK_INT("an endless context is cut", strlen(e.msg), sizeof(e.msg) - 1);
	err_set(&e, ERR_BUSY, "%s", name);
	assert_true(e.sys == 0 && e.code == ERR_BUSY);
	CHECK_STR("no errno, no text", err_text(&e, text, 6), "aaaaa");
}

static void
words_of_strangers_are_escaped(void **state)
{
	char out[LOG_WORD_BYTES], long_word[2000];

	(void)state;
	CHECK_STR("plain", log_word("cs101/eve@x.org", out), "cs101/eve@x.org");
	CHECK_STR("empty", log_word("", out), "-");
	CHECK_STR("a line of its own", log_word("a b\n<3>c=\"d\"\x1b", out),
	    "a%20b%0A%3C3%3Ec%3D%22d%22%1B");
	CHECK_STR("UTF-8", log_word("\xc3\xa4%", out), "%C3%A4%25");
	memset(long_word, 'x', sizeof(long_word) - 1);
	long_word[sizeof(long_word) - 1] = '\0';
	log_word(long_word, out);
	assert_true(strlen(out) < LOG_WORD_BYTES && out[strlen(out) - 1] == '~');
	memset(long_word, '\n', sizeof(long_word) - 1);
	log_word(long_word, out);
	assert_true(strlen(out) < LOG_WORD_BYTES && out[strlen(out) - 1] == '~');
}

static void
numbers_are_strict(void **state)
{
	static const struct {
		const char *text;
		enum num_unit unit;
		uint64_t value;
		const char *msg;
	} cases[] = {
		{ "0", NUM_PLAIN, 0, "" },
		{ "18446744073709551615", NUM_PLAIN, UINT64_MAX, "" },
		{ "18446744073709551616", NUM_PLAIN, 0,
		    "'18446744073709551616' is too large" },
		{ "64K", NUM_BYTES, 65536, "" },
		{ "256M", NUM_BYTES, 256 << 20, "" },
		{ "4G", NUM_BYTES, 4ULL << 30, "" },
		{ "7", NUM_BYTES, 7, "" },
		{ "99999999999G", NUM_BYTES, 0, "'99999999999G' is too large" },
		{ "250ms", NUM_MSEC, 250, "" },
		{ "3s", NUM_MSEC, 3000, "" },
		{ "2m", NUM_MSEC, 120000, "" },
		{ "5", NUM_MSEC, 5, "" },
		{ "", NUM_PLAIN, 0, "'' is not a number" },
		{ "-1", NUM_PLAIN, 0, "'-1' is not a number" },
		{ "+1", NUM_PLAIN, 0, "'+1' is not a number" },
		{ " 1", NUM_PLAIN, 0, "' 1' is not a number" },
		{ "1 ", NUM_PLAIN, 0, "'1 ' has an unknown unit" },
		{ "0x10", NUM_PLAIN, 0, "'0x10' has an unknown unit" },
		{ "1k", NUM_BYTES, 0, "'1k' has an unknown unit" },
		{ "1KB", NUM_BYTES, 0, "'1KB' has an unknown unit" },
		{ "1M", NUM_MSEC, 0, "'1M' has an unknown unit" },
		{ "1s", NUM_PLAIN, 0, "'1s' has an unknown unit" },
	};

	(void)state;
	for (unsigned i = 0; i < LENGTH(cases); i++) {
		uint64_t n = 12345;
		struct err e = { 0 };
		int r = num_parse(cases[i].text, cases[i].unit, &n, &e);

		CHECK_STR(cases[i].text, e.msg, cases[i].msg);
		CHECK_INT(cases[i].text, r, cases[i].msg[0] == '\0' ? 0 : -1);
		assert_true(n == (r == 0 ? cases[i].value : 12345));
	}
}

static void
words_are_one_block(void **state)
{
	struct words w = { 0 }, copy;
	const char *argv[4];
	struct err e = { 0 };

	(void)state;
	assert_null(words_next(&w, NULL));
	CHECK_OK(words_check(&w, &e), e);
	CHECK_OK(words_add(&w, "a", &e), e);
	CHECK_OK(words_add(&w, "", &e), e);
	CHECK_OK(words_add(&w, "c d", &e), e);
	CHECK_INT("count", w.count, 3);
	CHECK_INT("len", w.len, 7);
	assert_true(words_has(&w, "") && words_has(&w, "c d") && !words_has(&w, "c"));
	copy = w;
	CHECK_OK(words_check(&copy, &e), e);
	CHECK_OK(words_pointers(&copy, argv, 4, &e), e);
	CHECK_STR("argv", argv[2], "c d");
	assert_null(argv[3]);
	assert_int_equal(words_pointers(&copy, argv, 3, &e), -1);
	CHECK_STR("message", e.msg, "room for 3 words, 3 given");
	CHECK_OK(words_append(&w, &copy, &e), e);
	CHECK_INT("appended", w.count, 6);
}

static void
words_are_packed(void **state)
{
	struct words w = { 0 }, none = { 0 };
	struct err e = { 0 };
	char room[64] __attribute__((aligned(8))), *at = room;

	(void)state;
	assert_null(words_next(NULL, NULL));
	CHECK_OK(words_add(&w, "a", &e), e);
	CHECK_OK(words_add(&w, "bc", &e), e);
	assert_true(words_room(&w) >= 9 && words_room(&w) < 12);
	memset(room, 'x', sizeof(room));
	const struct words *empty = words_pack(&none, &at);
	const struct words *packed = words_pack(&w, &at);
	CHECK_INT("behind", at - room, words_room(&none) + words_room(&w));
	assert_int_equal(*at, 'x');
	assert_null(words_next(empty, NULL));
	CHECK_OK(words_check(packed, &e), e);
	CHECK_STR("second", words_next(packed, words_next(packed, NULL)), "bc");
}

static void
words_have_bounds(void **state)
{
	struct words w = { 0 };
	struct err e = { 0 };
	char big[WORDS_BYTES + 1];

	(void)state;
	for (unsigned i = 0; i < WORDS_MAX; i++)
		CHECK_OK(words_add(&w, "", &e), e);
	assert_int_equal(words_add(&w, "", &e), -1);
	CHECK_STR("message", e.msg, "more than 128 words or 6144 bytes of arguments");
	CHECK_INT("code", e.code, ERR_OVER_LIMIT);
	w = (struct words){ 0 };
	memset(big, 'b', sizeof(big));
	big[WORDS_BYTES] = '\0';
	assert_int_equal(words_add(&w, big, &e), -1);
	big[WORDS_BYTES - 1] = '\0';
	CHECK_OK(words_add(&w, big, &e), e);
	assert_int_equal(words_add(&w, "", &e), -1);
}

static void
words_are_filled(void **state)
{
	struct words w = { 0 };
	struct err e = { 0 };
	char big[1024];

	(void)state;
	CHECK_OK(words_fill(&w, "{x}", "v", &e), e);
	assert_null(words_first_present(&w));
	CHECK_OK(words_add(&w, "/nonexistent/{x}/{x}", &e), e);
	CHECK_OK(words_add(&w, "", &e), e);
	CHECK_OK(words_fill(&w, "{x}", "v", &e), e);
	CHECK_INT("count", w.count, 2);
	CHECK_STR("filled once", words_next(&w, NULL), "/nonexistent/v/{x}");
	CHECK_STR("none is there", words_first_present(&w), "/nonexistent/v/{x}");
	CHECK_OK(words_add(&w, "/dev/null", &e), e);
	CHECK_STR("one is there", words_first_present(&w), "/dev/null");
	memset(big, 'b', sizeof(big));
	big[sizeof(big) - 1] = '\0';
	assert_int_equal(words_fill(&w, "{x}", big, &e), -1);
	CHECK_INT("code", e.code, ERR_OVER_LIMIT);
	CHECK_STR("unchanged", words_next(&w, NULL), "/nonexistent/v/{x}");
}

static void
forged_words_are_refused(void **state)
{
	static const struct {
		uint16_t count, len;
		const char *data;
		const char *msg;
	} cases[] = {
		{ 129, 0, "", "words: 129 in 0 bytes" },
		{ 1, 6145, "", "words: 1 in 6145 bytes" },
		{ 1, 1, "a", "words: the last is not terminated" },
		{ 2, 2, "a", "words: 2 announced, 1 found" },
		{ 0, 2, "a", "words: 0 announced, 1 found" },
		{ 1, 0, "", "words: 1 announced, 0 found" },
	};

	(void)state;
	for (unsigned i = 0; i < LENGTH(cases); i++) {
		struct words w = { .count = cases[i].count, .len = cases[i].len };
		struct err e = { 0 };

		memcpy(w.data, cases[i].data, strlen(cases[i].data));
		CHECK_INT(cases[i].msg, words_check(&w, &e), -1);
		CHECK_STR("message", e.msg, cases[i].msg);
		CHECK_INT("code", e.code, ERR_PROTO);
	}
}

static void
buffers_grow(void **state)
{
	scope_buf b = { 0 };

	(void)state;
	CHECK_STR("empty", buf_cstr(&b), "");
	buf_add(&b, NULL, 0);
	buf_str(&b, "ab");
	buf_fmt(&b, "-%d-", 7);
	buf_add(&b, "\0x", 2);
	CHECK_INT("len", b.len, 7);
	assert_memory_equal(b.data, "ab-7-\0x", 7);
	for (unsigned i = 0; i < 10000; i++)
		buf_fmt(&b, "%04u", i);
	CHECK_INT("len", b.len, 40007);
	assert_memory_equal(b.data + 40003, "9999", 4);
	char *room = buf_room(&b, 100000);
	assert_true(room == b.data + b.len && b.cap - b.len >= 100000);
	buf_free(&b);
	assert_true(b.data == NULL && b.len == 0 && b.cap == 0);
}

static void
names_are_plain_and_beneath(void **state)
{
	static const struct {
		const char *name;
		size_t len; /* 0: of the string */
		bool good;
	} cases[] = {
		{ "main.py", 0, true },
		{ "a/b/c/d/e/f/g/h", 0, true },
		{ "A-1_b+c.d", 0, true },
		{ "a..b", 0, true },
		{ "a/b/c/d/e/f/g/h/i", 0, false },
		{ "", 0, false },
		{ "/etc/passwd", 0, false },
		{ "..", 0, false },
		{ "../x", 0, false },
		{ "a/../b", 0, false },
		{ "a/./b", 0, false },
		{ ".bashrc", 0, false },
		{ "-o", 0, false },
		{ "a/-o", 0, false },
		{ "a//b", 0, false },
		{ "a/", 0, false },
		{ "a b", 0, false },
		{ "a\nb", 0, false },
		{ "a\\b", 0, false },
		{ "\xc3\xa4/Stra\xc3\x9f"
		  "e$1.java",
		    0, true },
		{ "a;b", 0, false },
		{ "a\0b", 3, false },
	};
	char name[PATH_NAME_MAX + 2];
	struct err e = { 0 };

	(void)state;
	for (unsigned i = 0; i < LENGTH(cases); i++) {
		size_t len = cases[i].len != 0 ? cases[i].len : strlen(cases[i].name);

		CHECK_INT(cases[i].name, path_check_name(cases[i].name, len, &e),
		    cases[i].good ? 0 : -1);
	}
	memset(name, 'n', sizeof(name));
	name[PATH_NAME_MAX + 1] = '\0';
	assert_int_equal(path_check_name(name, PATH_NAME_MAX + 1, &e), -1);
	CHECK_STR("message", e.msg, "a file name has 1 to 120 bytes");
	name[PATH_NAME_MAX] = '\0';
	CHECK_OK(path_check_name(name, PATH_NAME_MAX, &e), e);
}

static void
whole_reads_and_writes(void **state)
{
	struct err e = { 0 };
	char data[8];

	(void)state;
	scope_fd fd = memfd_create("t", MFD_CLOEXEC);
	CHECK_OK(fd_write_all(fd, "abcdef", 6, &e), e);
	CHECK_OK(fd_pread_all(fd, data, 3, 2, &e), e);
	assert_memory_equal(data, "cde", 3);
	assert_int_equal(fd_pread_all(fd, data, 5, 2, &e), -1);
	CHECK_STR("message", e.msg, "file ends 1 bytes early");
	scope_fd ro = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_int_equal(fd_write_all(ro, "x", 1, &e), -1);
	assert_true(e.code == ERR_SYS && e.sys == EBADF);
	CHECK_STR("message", e.msg, "write 1 bytes");
}

static void
sealed_files_stay_as_they_are(void **state)
{
	struct err e = { 0 };
	uint64_t size = 0;

	(void)state;
	scope_fd fd = fd_memfd("t", "abc", 3, &e);
	CHECK_OK(fd, e);
	CHECK_OK(fd_check_sealed(fd, 3, &size, &e), e);
	CHECK_INT("size", size, 3);
	assert_int_equal(write(fd, "x", 1), -1);
	assert_int_equal(ftruncate(fd, 0), -1);
	assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
	assert_int_equal(fd_check_sealed(fd, 2, &size, &e), -1);
	CHECK_STR("message", e.msg, "memory file of 3 bytes, 2 allowed");
}

/* What a peer might pass instead of a sealed file: each guard by its own message. */
static void
only_sealed_files_pass(void **state)
{
	struct err e = { 0 };
	uint64_t size = 0;
	char path[64];

	(void)state;
	scope_fd writable = memfd_create("t", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	assert_int_equal(fd_check_sealed(writable, 9, &size, &e), -1);
	CHECK_STR("writable", e.msg, "descriptor is not read-only");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", writable);
	scope_fd unsealed = open(path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(fd_check_sealed(unsealed, 9, &size, &e), -1);
	CHECK_STR("unsealed", e.msg, "descriptor is not a sealed memory file");
	assert_int_equal(fcntl(writable, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW), 0);
	assert_int_equal(fd_check_sealed(unsealed, 9, &size, &e), -1);
	CHECK_STR("half sealed", e.msg, "descriptor is not a sealed memory file");
	scope_fd null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_int_equal(fd_check_sealed(null, 9, &size, &e), -1);
	CHECK_STR("device", e.msg, "descriptor is not a sealed memory file");
	scope_fd dir = open("/", O_PATH | O_CLOEXEC);
	assert_int_equal(fd_check_sealed(dir, 9, &size, &e), -1);
	CHECK_STR("path", e.msg, "descriptor is not read-only");
	assert_int_equal(fd_check_sealed(-1, 9, &size, &e), -1);
	CHECK_STR("closed", e.msg, "descriptor is not read-only");
}

static void
only_writing_ends_of_pipes_pass(void **state)
{
	struct err e = { 0 };
	int ends[2];

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	CHECK_OK(fd_check_pipe_writer(ends[1], &e), e);
	assert_int_equal(fd_check_pipe_writer(ends[0], &e), -1);
	CHECK_STR("reader", e.msg, "descriptor is not the writing end of a pipe");
	scope_fd null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	assert_int_equal(fd_check_pipe_writer(null, &e), -1);
	CHECK_STR("device", e.msg, "descriptor is not a pipe");
	fd_close_all(ends, 2);
	assert_true(ends[0] == -1 && ends[1] == -1);
}

static void
messages_carry_descriptors(void **state)
{
	int pair[2], got[FD_PASS_MAX], sent[FD_PASS_MAX];
	struct err e = { 0 };
	unsigned n = 9;
	char data[8];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	for (unsigned i = 0; i < FD_PASS_MAX; i++)
		sent[i] = pair[0];
	CHECK_OK(fd_send(pair[0], "abc", 3, sent, FD_PASS_MAX, &e), e);
	CHECK_INT("length", fd_recv(pair[1], data, sizeof(data), got, &n, &e), 3);
	CHECK_INT("descriptors", n, FD_PASS_MAX);
	for (unsigned i = 0; i < n; i++)
		assert_true((fcntl(got[i], F_GETFD) & FD_CLOEXEC) != 0);
	fd_close_all(got, n);

	CHECK_OK(fd_send(pair[0], "123456789", 9, sent, 2, &e), e);
	int before = dup(0);
	close(before);
	assert_int_equal(fd_recv(pair[1], data, sizeof(data), got, &n, &e), -1);
	CHECK_STR("too long", e.msg, "message or descriptors cut off");
	CHECK_INT("code", e.code, ERR_PROTO);
	int after = dup(0);
	close(after);
	CHECK_INT("nothing stays open", after, before);

	CHECK_OK(fd_send(pair[0], "", 0, sent, FD_PASS_MAX, &e), e);
	assert_int_equal(fd_recv(pair[1], data, sizeof(data), got, &n, &e), -1);
	CHECK_INT("an empty datagram is an end", e.code, ERR_GONE);
	after = dup(0);
	close(after);
	CHECK_INT("and leaves nothing open", after, before);

	assert_int_equal(fd_send(pair[0], "a", 1, sent, FD_PASS_MAX + 1, &e), -1);
	CHECK_INT("code", e.code, ERR_BUG);
	fcntl(pair[1], F_SETFL, O_NONBLOCK);
	assert_int_equal(fd_recv(pair[1], data, sizeof(data), got, &n, &e), -1);
	CHECK_INT("nothing there", e.code, ERR_BUSY);
	close(pair[0]);
	assert_int_equal(fd_recv(pair[1], data, sizeof(data), got, &n, &e), -1);
	CHECK_INT("closed", e.code, ERR_GONE);
	assert_int_equal(fd_send(pair[1], "a", 1, NULL, 0, &e), -1);
	CHECK_INT("closed", e.code, ERR_GONE);
	close(pair[1]);
}

/* It left before it had read all of ours: what it said is heard all the same. */
static void
last_words_are_heard(void **state)
{
	int pair[2], got[FD_PASS_MAX];
	struct err e = { 0 };
	unsigned n = 0;
	char data[8];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	CHECK_OK(fd_send(pair[0], "end", 3, NULL, 0, &e), e);
	CHECK_OK(fd_send(pair[1], "unread", 6, NULL, 0, &e), e);
	close(pair[0]);
	CHECK_INT("length", fd_recv(pair[1], data, sizeof(data), got, &n, &e), 3);
	assert_memory_equal(data, "end", 3);
	assert_int_equal(fd_recv(pair[1], data, sizeof(data), got, &n, &e), -1);
	CHECK_INT("then closed", e.code, ERR_GONE);
	close(pair[1]);
}

static void
scopes_release_and_hand_over(void **state)
{
	int kept;

	(void)state;
	{
		scope_fd a = open("/dev/null", O_RDONLY | O_CLOEXEC);
		scope_fd b = open("/dev/null", O_RDONLY | O_CLOEXEC);
		scope_free char *p = malloc(1);
		char *q = take_ptr(&p);

		assert_null(p);
		free(q);
		kept = take_fd(&a);
		assert_int_equal(a, -1);
		assert_true(b >= 0);
	}
	assert_int_not_equal(fcntl(kept, F_GETFD), -1);
	close(kept);
}

static void
the_clock_does_not_step(void **state)
{
	uint64_t last = clock_us();

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		uint64_t now = clock_us();

		assert_true(now >= last);
		last = now;
	}
}

/* One line per event, whatever is in the values. */
/* I-42 */
static void
log_lines_cannot_be_forged(void **state)
{
	char line[1200];
	int ends[2], saved = dup(STDERR_FILENO);
	struct err e = { .code = ERR_SYS, .sys = ENOENT, .msg = "open x" };

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	dup2(ends[1], STDERR_FILENO);
	log_start("test", LOG_LEVEL_INFO);
	log_line(LOG_LEVEL_INFO, "a=%s", "x\n<0>root[1]: forged\xc2\x9b\xff\xc3\xa9");
	log_line(LOG_LEVEL_DEBUG, "not at this level");
	log_err(&e, "job %d", 7);
	memset(line, 'l', sizeof(line));
	log_line(LOG_LEVEL_WARN, "%.*s", (int)sizeof(line), line);
	dup2(saved, STDERR_FILENO);
	close(saved);

	char want[300], got[4096];
	ssize_t n = read(ends[0], got, sizeof(got) - 1);
	assert_true(n > 0);
	got[n] = '\0';
	int pid = (int)getpid();
	snprintf(want, sizeof(want),
	    "<6>test[%d]: a=x?<0>root[1]: forged???\xc3\xa9\n"
	    "<3>test[%d]: job 7: open x: No such file or directory\n<4>test[%d]: lll",
	    pid, pid, pid);
	assert_true(strncmp(got, want, strlen(want)) == 0);
	assert_int_equal(got[n - 1], '\n');
	assert_true((size_t)n < strlen(want) + 1024);
	fd_close_all(ends, 2);
}

/* --- memory --- */

static bool
is_there(const void *p)
{
	unsigned char there = 0;
	uintptr_t page = (uintptr_t)p & ~4095UL;

	assert_int_equal(mincore((void *)page, 4096, &there), 0);
	return (there & 1) != 0;
}

/* Says where it was, as a number: nothing of it is to be used. */
static __attribute__((noinline)) void
use_much_stack(uintptr_t *middle)
{
	volatile char much[400000];

	for (size_t i = 0; i < sizeof(much); i += 4096)
		much[i] = 1;
	*middle = (uintptr_t)&much[sizeof(much) / 2];
}

static void
a_large_stack_is_given_back(void **state)
{
	uintptr_t middle, again;

	(void)state;
#ifdef JB_SANITIZED
	skip(); /* its frames may lie on a heap */
#endif
	use_much_stack(&middle);
	assert_true(is_there((const void *)middle));
	lean_rest();
	assert_false(is_there((const void *)middle));
	use_much_stack(&again);
	assert_int_equal(again, middle);
}

static void
pages_of_zeros_are_given_back(void **state)
{
	const size_t size = 8 * 4096;
	char *p =
	    mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_ptr_not_equal(p, MAP_FAILED);
	memset(p, 0, 4 * 4096); /* half of it was written */
	p[3 * 4096 + 4095] = 'x';
	assert_true(is_there(p) && !is_there(p + 5 * 4096));
	lean_drop_zeros();
	for (unsigned i = 0; i < 8; i++)
		CHECK_INT("there", is_there(p + i * 4096UL), i == 3);
	assert_int_equal(p[3 * 4096 + 4095], 'x');
	for (size_t i = 0; i < 3 * 4096; i++)
		assert_int_equal(p[i], 0);
	munmap(p, size);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(errors_keep_their_cause),
		cmocka_unit_test(words_of_strangers_are_escaped),
		cmocka_unit_test(numbers_are_strict),
		cmocka_unit_test(words_are_one_block),
		cmocka_unit_test(words_are_packed),
		cmocka_unit_test(words_have_bounds),
		cmocka_unit_test(a_large_stack_is_given_back),
		cmocka_unit_test(pages_of_zeros_are_given_back),
		cmocka_unit_test(words_are_filled),
		cmocka_unit_test(forged_words_are_refused),
		cmocka_unit_test(buffers_grow),
		cmocka_unit_test(names_are_plain_and_beneath),
		cmocka_unit_test(whole_reads_and_writes),
		cmocka_unit_test(sealed_files_stay_as_they_are),
		cmocka_unit_test(only_sealed_files_pass),
		cmocka_unit_test(only_writing_ends_of_pipes_pass),
		cmocka_unit_test(messages_carry_descriptors),
		cmocka_unit_test(last_words_are_heard),
		cmocka_unit_test(scopes_release_and_hand_over),
		cmocka_unit_test(the_clock_does_not_step),
		cmocka_unit_test(log_lines_cannot_be_forged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
