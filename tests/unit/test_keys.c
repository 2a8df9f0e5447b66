/* The file of keys: what is let in, at once and no longer, and what breaks closed. */
#include "unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/reservations.h"
#include "store/tokens.h"

#define HOUR 3600000000LL
#define NOW  1800000000000000LL

struct bed {
	char dir[64], path[96];
	struct keys *admin, *reader;
};

static int
bed_setup(void **state)
{
	struct bed *b = calloc(1, sizeof(*b));
	struct err e = { 0 };

	assert_non_null(b);
	snprintf(b->dir, sizeof(b->dir), "/tmp/judgebox-keys-XXXXXX");
	assert_non_null(mkdtemp(b->dir));
	snprintf(b->path, sizeof(b->path), "%s/" KEYS_FILE, b->dir);
	CHECK_OK(keys_open_admin(b->path, &b->admin, &e), e);
	CHECK_OK(keys_open(b->path, &b->reader, &e), e);
	*state = b;
	return 0;
}

static int
bed_teardown(void **state)
{
	static const char *const names[] = { "", "-wal", "-shm", ".old" };
	struct bed *b = *state;
	char path[128];

	keys_close(b->admin);
	keys_close(b->reader);
	for (size_t i = 0; i < LENGTH(names); i++) {
		snprintf(path, sizeof(path), "%s%s", b->path, names[i]);
		unlink(path);
	}
	assert_int_equal(rmdir(b->dir), 0);
	free(b);
	return 0;
}

static struct identity
course(const char *name)
{
	struct identity id = { .scopes = SCOPE_RUN | SCOPE_METRICS,
		.own = { { 60, 60, 300 }, 9, 3600000 },
		.each_user = { { 6, 60, 7 }, 2, 60000 },
		.max_memory = 512 << 20,
		.max_tests = 20,
		.max_source = 65536,
		.user_max_tests = 5,
		.user_max_source = 1024,
		.slots = 3,
		.profile = "exam" };
	struct err e = { 0 };

	snprintf(id.name, sizeof(id.name), "%s", name);
	CHECK_OK(words_add(&id.languages, "c", &e), e);
	CHECK_OK(words_add(&id.languages, "python", &e), e);
	CHECK_OK(words_add(&id.networks, "192.0.2.0/24", &e), e);
	return id;
}

static struct token
add(struct bed *b, struct identity *id)
{
	char text[TOKEN_TEXT_SIZE];
	struct err e = { 0 };
	struct token t;

	CHECK_OK(keys_add(b->admin, id, NOW, text, &e), e);
	assert_true(token_parse(text, &t));
	return t;
}

static enum key_state
find(struct bed *b, const struct token *t, int64_t now)
{
	enum key_state state = KEY_GOOD;
	struct identity id;
	struct err e = { 0 };

	CHECK_OK(keys_find(b->reader, t, now, &id, &state, &e), e);
	return state;
}

static void
found_as_it_was_made(void **state)
{
	struct bed *b = *state;
	struct identity made = course("CS101"), found;
	struct token t = add(b, &made), wrong = t;
	enum key_state how;
	struct err e = { 0 };

	CHECK_OK(keys_find(b->reader, &t, NOW, &found, &how, &e), e);
	CHECK_INT("good", how, KEY_GOOD);
	assert_true(found.key != 0);
	assert_memory_equal(&found, &made, sizeof(found));

	wrong.secret[TOKEN_SECRET - 1] ^= 1;
	CHECK_INT("last digit of the secret", find(b, &wrong, NOW), KEY_UNKNOWN);
	wrong = t;
	wrong.id[0] = wrong.id[0] == '0' ? '1' : '0';
	CHECK_INT("public part", find(b, &wrong, NOW), KEY_UNKNOWN);
}

static void
secret_is_not_kept(void **state)
{
	struct bed *b = *state;
	struct identity id = course("CS101");
	struct token t = add(b, &id);
	static const char *const names[] = { "", "-wal", "-shm" };
	char path[128];

	for (size_t i = 0; i < LENGTH(names); i++) {
		static char data[4 << 20];
		snprintf(path, sizeof(path), "%s%s", b->path, names[i]);
		int fd = open(path, O_RDONLY);
		ssize_t n = read(fd, data, sizeof(data));
		assert_true(n > 0);
		close(fd);
		assert_null(memmem(data, (size_t)n, t.secret, TOKEN_SECRET));
	}
}

static void
changes_hold_at_once(void **state)
{
	struct bed *b = *state;
	struct identity id = course("CS101"), other = course("CS102"), found;
	struct token t = add(b, &id), t2 = add(b, &other);
	enum key_state how;
	struct err e = { 0 };

	id.own.rate.count = 5;
	id.languages = (struct words){ 0 };
	CHECK_OK(keys_set(b->admin, &id, &e), e);
	CHECK_OK(keys_find(b->reader, &t, NOW, &found, &how, &e), e);
	CHECK_INT("rate", found.own.rate.count, 5);
	CHECK_INT("any language", found.languages.count, 0);
	CHECK_OK(keys_revoke(b->admin, "CS101", NOW, &e), e);
	CHECK_INT("revoked", find(b, &t, NOW), KEY_REVOKED);
	CHECK_INT("the other is not", find(b, &t2, NOW), KEY_GOOD);
	assert_int_equal(keys_revoke(b->admin, "CS101", NOW, &e), -1);
	CHECK_STR("twice", e.msg, "the key 'CS101' is revoked");
	assert_int_equal(keys_set(b->admin, &id, &e), -1);
	CHECK_STR("for good", e.msg, "the key 'CS101' is revoked");
	assert_int_equal(keys_revoke(b->admin, "CS", NOW, &e), -1);
	CHECK_STR("nobody", e.msg, "no key is called 'CS'");
}

static void
names_are_taken_once(void **state)
{
	struct bed *b = *state;
	struct identity id = course("CS101"), again = course("CS101");
	char text[TOKEN_TEXT_SIZE];
	struct err e = { 0 };

	add(b, &id);
	assert_int_equal(keys_add(b->admin, &again, NOW, text, &e), -1);
	CHECK_STR("taken", e.msg, "there is, or was, a key called 'CS101'");
	again = course("a b");
	assert_int_equal(keys_add(b->admin, &again, NOW, text, &e), -1);
	CHECK_STR(
	    "bad", e.msg, "a key's name has letters, digits and . _ - only, at most 63");
}

static void
keys_expire(void **state)
{
	struct bed *b = *state;
	struct identity id = course("CS101");
	uint64_t n = 0;
	struct err e = { 0 };

	id.expires = NOW + HOUR;
	struct token t = add(b, &id);
	CHECK_INT("before", find(b, &t, NOW + HOUR - 1), KEY_GOOD);
	CHECK_INT("then", find(b, &t, NOW + HOUR), KEY_EXPIRED);
	CHECK_OK(keys_count(b->reader, NOW, &n, &e), e);
	CHECK_INT("one", n, 1);
	CHECK_OK(keys_count(b->reader, NOW + HOUR, &n, &e), e);
	CHECK_INT("none", n, 0);
}

/* Expiry is by the clock, whatever it was before; what somebody ended stays ended. */
static void
clocks_leap(void **state)
{
	struct bed *b = *state;
	struct identity id = course("CS101"), gone = course("CS102");
	struct err e = { 0 };

	id.expires = NOW + HOUR;
	struct token t = add(b, &id), revoked = add(b, &gone);
	CHECK_OK(keys_revoke(b->admin, "CS102", NOW + 1000 * HOUR, &e), e);
	CHECK_INT("forwards", find(b, &t, NOW + 10000 * HOUR), KEY_EXPIRED);
	CHECK_INT("put right", find(b, &t, NOW), KEY_GOOD);
	CHECK_INT("1970", find(b, &t, 1), KEY_GOOD);
	CHECK_INT("revoked when it was ahead", find(b, &revoked, NOW), KEY_REVOKED);
	CHECK_INT("and in 1970", find(b, &revoked, 1), KEY_REVOKED);
}

static int
count_token(void *ctx, const struct token_row *t, struct err *e)
{
	(void)t;
	(void)e;
	++*(int *)ctx;
	return 0;
}

static void
rotation_overlaps(void **state)
{
	struct bed *b = *state;
	struct identity id = course("CS101");
	struct token old = add(b, &id), fresh, last;
	char text[TOKEN_TEXT_SIZE];
	int tokens = 0;
	struct err e = { 0 };

	CHECK_OK(keys_rotate(b->admin, "CS101", NOW, 24 * HOUR, text, &e), e);
	assert_true(token_parse(text, &fresh));
	CHECK_INT("new", find(b, &fresh, NOW), KEY_GOOD);
	CHECK_INT("old, meanwhile", find(b, &old, NOW + 24 * HOUR - 1), KEY_GOOD);
	CHECK_INT("old, after", find(b, &old, NOW + 24 * HOUR), KEY_EXPIRED);
	CHECK_OK(keys_rotate(b->admin, "CS101", NOW + 1, 0, text, &e), e);
	assert_true(token_parse(text, &last));
	CHECK_INT("no overlap", find(b, &fresh, NOW + 1), KEY_EXPIRED);
	CHECK_INT("never later than said", find(b, &old, NOW + 1), KEY_EXPIRED);
	CHECK_INT("last", find(b, &last, NOW + 1), KEY_GOOD);
	CHECK_OK(keys_rotate(b->admin, "CS101", NOW + 2, HOUR, text, &e), e);
	CHECK_OK(tokens_list(keys_db(b->admin, &e), id.key, count_token, &tokens, &e), e);
	CHECK_INT("those that ended are gone", tokens, 2);
	CHECK_OK(keys_revoke(b->admin, "CS101", NOW, &e), e);
	CHECK_INT("all of them", find(b, &last, NOW + 2), KEY_REVOKED);
	assert_int_equal(keys_rotate(b->admin, "CS101", NOW, 0, text, &e), -1);
}

static void
reserved(struct bed *b, uint64_t key, int64_t now, unsigned own, unsigned others)
{
	uint32_t o = 99, x = 99;
	struct err e = { 0 };

	CHECK_OK(reservations_held(b->reader, key, now, &o, &x, &e), e);
	CHECK_INT("own", o, own);
	CHECK_INT("others", x, others);
}

static int
count_reservation(void *ctx, const struct reservation *r, struct err *e)
{
	(void)e;
	*(int64_t *)ctx = r->id;
	return 0;
}

static void
slots_are_reserved_by_the_hour(void **state)
{
	struct bed *b = *state;
	struct identity one = course("CS101"), two = course("CS102");
	struct reservation r = {
		.name = "CS101", .slots = 2, .from = NOW, .to = NOW + HOUR
	};
	struct reservation s = {
		.name = "CS102", .slots = 1, .from = NOW + HOUR / 2, .to = NOW + 2 * HOUR
	};
	int64_t last = 0;
	struct err e = { 0 };

	add(b, &one);
	add(b, &two);
	CHECK_OK(reservation_add(b->admin, &r, NOW, &e), e);
	CHECK_OK(reservation_add(b->admin, &s, NOW, &e), e);
	reserved(b, one.key, NOW - 1, 0, 0);
	reserved(b, one.key, NOW, 2, 0);
	reserved(b, two.key, NOW, 0, 2);
	reserved(b, 0, NOW + HOUR / 2, 0, 3);
	reserved(b, one.key, NOW + HOUR / 2, 2, 1);
	reserved(b, one.key, NOW + HOUR, 0, 1);
	reserved(b, one.key, NOW + 2 * HOUR, 0, 0);
	CHECK_OK(reservations_list(b->reader, NOW, count_reservation, &last, &e), e);
	CHECK_INT("the later one", last, s.id);
	CHECK_OK(reservation_cancel(b->admin, s.id, &e), e);
	assert_int_equal(reservation_cancel(b->admin, s.id, &e), -1);
	reserved(b, one.key, NOW + HOUR / 2, 2, 0);
	CHECK_OK(keys_revoke(b->admin, "CS101", NOW, &e), e);
	reserved(b, two.key, NOW, 0, 0);
	assert_int_equal(reservation_add(b->admin, &r, NOW, &e), -1);
	r = (struct reservation){ .name = "CS102", .slots = 1, .from = NOW, .to = NOW };
	assert_int_equal(reservation_add(b->admin, &r, NOW, &e), -1);
	r = (struct reservation){
		.name = "CS102", .slots = 0, .from = NOW, .to = NOW + HOUR
	};
	assert_int_equal(reservation_add(b->admin, &r, NOW, &e), -1);
}

/* --- what happens to files --- */

static int
try_find(struct bed *b, struct err *e)
{
	struct token t = { .id = "0123456789abcdef", .secret = "x" };
	enum key_state state;
	struct identity id;

	*e = (struct err){ 0 };
	return keys_find(b->reader, &t, NOW, &id, &state, e);
}

static void
another_file_is_not_overlooked(void **state)
{
	struct bed *b = *state;
	char old[128];
	struct err e;

	CHECK_OK(try_find(b, &e), e);
	snprintf(old, sizeof(old), "%s.old", b->path);
	assert_int_equal(rename(b->path, old), 0);
	assert_int_equal(try_find(b, &e), -1);
	CHECK_INT("put aside", e.code, ERR_GONE);
	close(open(b->path, O_RDWR | O_CREAT, 0600));
	assert_int_equal(try_find(b, &e), -1);
	assert_int_equal(rename(old, b->path), 0);
	CHECK_OK(try_find(b, &e), e);
	assert_int_equal(unlink(b->path), 0);
	assert_int_equal(try_find(b, &e), -1);
	CHECK_INT("gone", e.code, ERR_GONE);
	assert_non_null(strstr(e.msg, "was removed or replaced"));
	uint32_t own, others;
	assert_int_equal(reservations_held(b->reader, 0, NOW, &own, &others, &e), -1);
}

static void
missing_files_are_not_made_by_readers(void **state)
{
	struct bed *b = *state;
	struct keys *k = NULL;
	char path[128];
	struct err e = { 0 };

	snprintf(path, sizeof(path), "%s.none", b->path);
	assert_int_equal(keys_open(path, &k, &e), -1);
	CHECK_INT("missing", e.sys, 2 /* ENOENT */);
	assert_int_equal(access(path, F_OK), -1);
	assert_null(k);
}

static void
overwrite(const char *path, off_t at, size_t len)
{
	int fd = open(path, O_RDWR);
	char junk[512];

	memset(junk, 'x', sizeof(junk));
	for (size_t n = 0; n < len; n += sizeof(junk))
		assert_int_equal(
		    pwrite(fd, junk, sizeof(junk), at + (off_t)n), sizeof(junk));
	close(fd);
}

static void
damaged_files_are_not_believed(void **state)
{
	struct bed *b = *state;
	struct identity id = course("CS101");
	struct keys *k = NULL;
	struct err e = { 0 };

	add(b, &id);
	keys_close(b->reader);
	keys_close(b->admin);
	b->reader = b->admin = NULL;
	overwrite(b->path, 0, 512);
	assert_int_equal(keys_open(b->path, &k, &e), -1);
	CHECK_INT("no database", e.code, ERR_PROTO);
	assert_int_equal(keys_open_admin(b->path, &k, &e), -1);
	CHECK_INT("nor for changes", e.code, ERR_PROTO);
}

static void
another_database_is_not_ours(void **state)
{
	struct bed *b = *state;
	const struct db_options how = { .create = true };
	struct keys *k = NULL;
	char path[128];
	struct db *d;
	struct err e = { 0 };

	snprintf(path, sizeof(path), "%s.old", b->path);
	CHECK_OK(db_open(path, &how, &d, &e), e);
	db_close(d);
	assert_int_equal(keys_open(path, &k, &e), -1);
	assert_null(k);
	strcat(path, "-wal");
	unlink(path);
	memcpy(strrchr(path, '-'), "-shm", 5);
	unlink(path);
}

/* Whoever holds it for himself costs a request a bounded wait, and no decision. */
static void
locked_files_are_an_error(void **state)
{
	struct bed *b = *state;
	int ready[2];
	char x;
	struct err e;

	keys_close(b->reader);
	keys_close(b->admin);
	b->admin = NULL;
	assert_int_equal(pipe(ready), 0);
	pid_t pid = fork();
	if (pid == 0) {
		const struct db_options how = { .create = true };
		struct db *d;
		if (db_open(b->path, &how, &d, &e) == -1 ||
		    db_exec(d,
			"PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE;"
			"INSERT INTO schemas VALUES ('x', 1); COMMIT",
			&e) == -1)
			_exit(1);
		(void)!write(ready[1], "x", 1);
		for (;;)
			pause();
	}
	assert_int_equal(read(ready[0], &x, 1), 1);
	assert_int_equal(keys_open(b->path, &b->reader, &e), -1);
	CHECK_INT("busy", e.code, ERR_BUSY);
	b->reader = NULL;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	CHECK_OK(keys_open(b->path, &b->reader, &e), e);
	close(ready[0]);
	close(ready[1]);
}

static void
ten_thousand(void **state)
{
	struct bed *b = *state;
	struct token first = { .id = "" }, last = first;
	uint64_t n = 0;
	char name[32];
	struct err e = { 0 };

	keys_close(b->admin);
	/* not durable: ten thousand waits for the disk would prove nothing */
	const struct db_options how = { .create = true };
	struct db *d;
	CHECK_OK(db_open(b->path, &how, &d, &e), e);
	CHECK_OK(
	    db_exec(d,
		"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
		"WHERE i < 10000) INSERT INTO keys SELECT i, 'k' || i, 0, 0, 0, 1, "
		"'', '', '', 0, 0, 0, 0, 60, 60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 FROM n;"
		"INSERT INTO tokens SELECT printf('%016x', id), id, x'00', 0, 0 "
		"FROM keys",
		&e),
	    e);
	db_close(d);
	CHECK_OK(keys_open_admin(b->path, &b->admin, &e), e);
	for (unsigned i = 0; i < 2; i++) {
		snprintf(name, sizeof(name), "CS%u", i);
		struct identity id = course(name);
		*(i == 0 ? &first : &last) = add(b, &id);
	}
	CHECK_INT("first", find(b, &first, NOW), KEY_GOOD);
	CHECK_INT("last", find(b, &last, NOW), KEY_GOOD);
	CHECK_OK(keys_count(b->reader, NOW, &n, &e), e);
	CHECK_INT("all", n, 10002);
	snprintf(first.id, sizeof(first.id), "%s", "0000000000000007");
	CHECK_INT("a hash of one byte", find(b, &first, NOW), KEY_UNKNOWN);
}

/* By another's hand: neither division by nothing nor numbers that overflow. */
static void
nonsense_in_a_row_is_refused(void **state)
{
	static const char *const sets[] = { "rate_period = 0", "rate = -1",
		"rate = 1000001", "burst = 4611686018427387904", "jobs = -1",
		"cpu_ms = 9223372036854775807", "user_rate = 5, user_rate_period = 0",
		"user_rate_period = 86401", "slots = -5", "expires = -1", "name = 'a b'",
		"name = ''" };
	struct bed *b = *state;
	struct identity id = course("CS101"), found;
	struct token t = add(b, &id);
	const struct db_options how = { .create = true };
	enum key_state how_found;
	struct db *d;
	struct err e = { 0 };

	CHECK_OK(db_open(b->path, &how, &d, &e), e);
	for (size_t i = 0; i < LENGTH(sets); i++) {
		char sql[160];

		snprintf(sql, sizeof(sql), "UPDATE keys SET %s", sets[i]);
		CHECK_OK(db_exec(d, sql, &e), e);
		CHECK_INT(
		    sets[i], keys_find(b->reader, &t, NOW, &found, &how_found, &e), -1);
		CHECK_INT(sets[i], e.code, ERR_PROTO);
		CHECK_OK(db_exec(d,
			     "UPDATE keys SET rate = 60, rate_period = 60, burst = 300,"
			     "jobs = 9, cpu_ms = 1, user_rate = 6, user_rate_period = 60,"
			     "slots = 3, expires = 0, name = 'CS101'",
			     &e),
		    e);
		CHECK_INT("good again", find(b, &t, NOW), KEY_GOOD);
	}
	db_close(d);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, bed_setup, bed_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(found_as_it_was_made),
		CASE(secret_is_not_kept),
		CASE(changes_hold_at_once),
		CASE(names_are_taken_once),
		CASE(keys_expire),
		CASE(clocks_leap),
		CASE(rotation_overlaps),
		CASE(slots_are_reserved_by_the_hour),
		CASE(another_file_is_not_overlooked),
		CASE(missing_files_are_not_made_by_readers),
		CASE(damaged_files_are_not_believed),
		CASE(another_database_is_not_ours),
		CASE(locked_files_are_an_error),
		CASE(nonsense_in_a_row_is_refused),
		CASE(ten_thousand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
