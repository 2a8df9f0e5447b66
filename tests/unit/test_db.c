/* The database: values, transactions, migrations, and every way a file can be bad. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/scope.h"
#include "store/db.h"
#include "tree.h"

struct fixture {
	char dir[64], path[96];
};

static const struct db_options making = { .create = true, .busy_ms = 20 };
static const struct db_options reading = { .readonly = true, .busy_ms = 20 };

#define FIRST_STEP                                                                       \
	"CREATE TABLE t (id {key}, n {int} NOT NULL UNIQUE, s {text}, "                  \
	"b {bytes}) {strict};"                                                           \
	"CREATE INDEX t_s ON t (s)"
static const char *const steps[] = {
	FIRST_STEP,
	"ALTER TABLE t ADD COLUMN late {text}",
	NULL,
};
static const struct db_schema schema = { "things", steps };

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	snprintf(f->dir, sizeof(f->dir), "/tmp/jb-db-XXXXXX");
	if (mkdtemp(f->dir) == NULL)
		return -1;
	snprintf(f->path, sizeof(f->path), "%s/a.db", f->dir);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	int rc = tree_remove(f->dir);
	free(f);
	return rc;
}

static struct db *
make(const struct fixture *f)
{
	struct db *d = NULL;
	struct err e = { 0 };

	CHECK_OK(db_open(f->path, &making, &d, &e), e);
	CHECK_OK(db_migrate(d, &schema, &e), e);
	return d;
}

static int
insert(struct db *d, int64_t n, const char *s, struct err *e)
{
	scope_query q = db_query(d, "INSERT INTO t (s, n) VALUES ($2, $1)", e);

	if (q == NULL)
		return -1;
	db_put_int(q, n);
	db_put_text(q, s);
	return db_run(q, e);
}

static int64_t
count_rows(struct db *d)
{
	struct err e = { 0 };
	scope_query q = db_query(d, "SELECT COUNT(*) FROM t", &e);

	if (q == NULL || db_step(q, &e) != 1)
		fail_msg("%s", e.msg);
	return db_int(q, 0);
}

static void
values_go_in_and_come_out(void **state)
{
	scope_db d = make(*state);
	struct err e = { 0 };
	size_t len = 9;

	for (int round = 0; round < 2; round++) {
		scope_query q =
		    db_query(d, "INSERT INTO t (n, s, b) VALUES ($1, $2, $3)", &e);
		assert_non_null(q);
		db_put_int(q, round == 0 ? INT64_MIN : INT64_MAX);
		db_put_text(q, round == 0 ? "Grüße'; DROP TABLE t; --" : NULL);
		db_put_bytes(q, "a\0b", round == 0 ? 3 : 0);
		CHECK_OK(db_run(q, &e), e);
		assert_int_equal(db_changed(d), 1);
	}
	scope_query q = db_query(d, "SELECT n, s, b, late FROM t ORDER BY n", &e);
	assert_int_equal(db_step(q, &e), 1);
	assert_true(db_int(q, 0) == INT64_MIN);
	assert_string_equal(db_text(q, 1), "Grüße'; DROP TABLE t; --");
	assert_memory_equal(db_bytes(q, 2, &len), "a\0b", 3);
	assert_int_equal(len, 3);
	assert_true(db_is_null(q, 3));
	assert_int_equal(db_step(q, &e), 1);
	assert_true(db_int(q, 0) == INT64_MAX);
	assert_true(db_is_null(q, 1));
	assert_string_equal(db_text(q, 1), "");
	assert_false(db_is_null(q, 2)); /* empty is not NULL */
	assert_int_equal(db_step(q, &e), 0);
}

/* The same text twice at once are two statements; one after the other are one. */
static void
a_query_in_use_is_not_given_twice(void **state)
{
	static const char sql[] = "SELECT n FROM t";
	scope_db d = make(*state);
	struct err e = { 0 };

	struct db_query *a = db_query(d, sql, &e), *b = db_query(d, sql, &e);
	assert_ptr_not_equal(a, b);
	db_done(a);
	assert_ptr_equal(db_query(d, sql, &e), a);
}

static void
bad_values_and_statements_are_refused(void **state)
{
	scope_db d = make(*state);
	struct err e = { 0 };

	assert_null(db_query(d, "SELECT 1; SELECT 2", &e));
	assert_null(db_query(d, "", &e));
	assert_null(db_query(d, "SELECT \"no such column\" FROM t", &e));
	scope_query q = db_query(d, "SELECT $1", &e);
	db_put_int(q, 1);
	db_put_int(q, 2);
	assert_int_equal(db_step(q, &e), -1);
	CHECK_INT("code", e.code, ERR_BUG);

	CHECK_OK(insert(d, 1, "a", &e), e);
	assert_int_equal(insert(d, 1, "b", &e), -1);
	CHECK_INT("constraint", e.code, ERR_BAD_INPUT);
	assert_int_equal(db_exec(d, "INSERT INTO t (n) VALUES ('text')", &e), -1);
	CHECK_INT("strict", e.code, ERR_BAD_INPUT);
}

static int
begin_and_leave(struct db *d, struct err *e)
{
	scope_transaction t = { 0 };

	if (db_begin(d, &t, e) == -1 || insert(d, 1, "a", e) == -1)
		return -1;
	return 0;
}

static void
a_transaction_ends_with_its_scope(void **state)
{
	scope_db d = make(*state);
	struct err e = { 0 };

	CHECK_OK(begin_and_leave(d, &e), e);
	assert_int_equal(count_rows(d), 0);

	scope_transaction t = { 0 }, inner = { 0 };
	CHECK_OK(db_begin(d, &t, &e), e);
	assert_int_equal(db_begin(d, &inner, &e), -1);
	CHECK_OK(insert(d, 1, "a", &e), e);
	CHECK_OK(db_commit(&t, &e), e);
	assert_int_equal(db_commit(&t, &e), -1);
	assert_int_equal(count_rows(d), 1);
}

static void
migrations_are_done_once(void **state)
{
	struct fixture *f = *state;
	static const char *const broken[] = { "CREATE TABLE u (n {int}) {strict}",
		"CREATE TABLE v (n {int}) {strict}; CREATE TABLE u (n {int})", NULL };
	static const struct db_schema other = { "other", broken };
	static const char *const fewer[] = { NULL };
	static const struct db_schema older = { "things", fewer };
	struct err e = { 0 };

	db_close(make(f));
	scope_db d = make(f);
	CHECK_OK(db_check_schema(d, &schema, &e), e);

	/* A step that fails leaves nothing of itself, and the steps before it. */
	assert_int_equal(db_migrate(d, &other, &e), -1);
	assert_non_null(strstr(e.msg, "other 2"));
	CHECK_OK(db_exec(d, "SELECT * FROM u", &e), e);
	assert_int_equal(db_exec(d, "SELECT * FROM v", &e), -1);
	assert_int_equal(db_check_schema(d, &other, &e), -1);
	assert_non_null(strstr(e.msg, "judgebox db migrate"));

	assert_int_equal(db_migrate(d, &older, &e), -1);
	CHECK_INT("newer", e.code, ERR_PROTO);
	assert_non_null(strstr(e.msg, "written by a newer"));
	assert_int_equal(db_check_schema(d, &older, &e), -1);
	CHECK_INT("newer, to a reader", e.code, ERR_PROTO);
}

static void
a_reader_sees_and_changes_nothing(void **state)
{
	struct fixture *f = *state;
	scope_db d = NULL;
	struct err e = { 0 };
	struct stat st;

	assert_int_equal(db_open(f->path, &reading, &d, &e), -1);
	CHECK_INT("not there", e.sys, ENOENT);
	scope_db w = make(f);
	assert_int_equal(stat(f->path, &st), 0);
	CHECK_INT("mode", st.st_mode & 07777, 0640);
	CHECK_OK(db_open(f->path, &reading, &d, &e), e);
	CHECK_OK(db_check_schema(d, &schema, &e), e);
	assert_int_equal(insert(d, 1, "a", &e), -1);

	uint64_t before = 0, after = 0;
	CHECK_OK(db_version(d, &before, &e), e);
	CHECK_OK(insert(w, 1, "a", &e), e);
	CHECK_OK(db_version(d, &after, &e), e);
	assert_true(before != after);
	assert_int_equal(count_rows(d), 1);
}

static void
a_lock_is_told_as_busy(void **state)
{
	struct fixture *f = *state;
	scope_db a = make(f);
	scope_db b = make(f);
	scope_transaction t = { 0 }, u = { 0 };
	struct err e = { 0 };

	CHECK_OK(db_begin(a, &t, &e), e);
	assert_int_equal(db_begin(b, &u, &e), -1);
	CHECK_INT("locked", e.code, ERR_BUSY);
	assert_non_null(strstr(e.msg, "another process has it locked"));
}

static void
links_and_relative_names_are_refused(void **state)
{
	struct fixture *f = *state;
	char link[128], under[160];
	struct db *d = NULL;
	struct err e = { 0 };

	db_close(make(f));
	snprintf(link, sizeof(link), "%s/link.db", f->dir);
	assert_int_equal(symlink("a.db", link), 0);
	assert_int_equal(db_open(link, &making, &d, &e), -1);
	assert_non_null(strstr(e.msg, "symbolic link"));
	assert_int_equal(db_open("a.db", &making, &d, &e), -1);
	assert_non_null(strstr(e.msg, "absolute"));

	/* A directory may be one: /var/lib on another disk. */
	snprintf(link, sizeof(link), "%s/dir", f->dir);
	snprintf(under, sizeof(under), "%s/a.db", link);
	assert_int_equal(symlink(".", link), 0);
	CHECK_OK(db_open(under, &making, &d, &e), e);
	db_close(d);
}

static void
spoil(const char *path, off_t at, const char *with, size_t len)
{
	scope_fd fd = open(path, O_RDWR | O_CLOEXEC);

	assert_int_not_equal(fd, -1);
	assert_int_equal(pwrite(fd, with, len, at), (ssize_t)len);
}

static void
damage_is_found_and_named(void **state)
{
	struct fixture *f = *state;
	char noise[4096];
	struct db *d = make(f);
	struct err e = { 0 };

	memset(noise, 'x', sizeof(noise));
	for (int i = 0; i < 2000; i++)
		CHECK_OK(
		    insert(d, i, "a row of some length, to fill a page or two", &e), e);
	CHECK_OK(db_check(d, &e), e);
	CHECK_OK(db_vacuum(d, &e), e);
	db_close(d);

	spoil(f->path, (off_t)5 * 4096, noise, sizeof(noise));
	CHECK_OK(db_open(f->path, &making, &d, &e), e);
	assert_int_equal(db_check(d, &e), -1);
	CHECK_INT("damaged", e.code, ERR_PROTO);
	assert_non_null(strstr(e.msg, "judgebox db recover"));
	db_close(d);

	spoil(f->path, 0, noise, 100);
	assert_int_equal(db_open(f->path, &making, &d, &e), -1);
	CHECK_INT("no database", e.code, ERR_PROTO);
	assert_non_null(strstr(e.msg, "judgebox db recover"));
}

static int
fill(struct db *d, struct err *e)
{
	char text[2000];

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	for (int i = 0; i < 10000; i++)
		if (insert(d, i, text, e) == -1)
			return -1;
	return 0;
}

static void
the_bound_holds(void **state)
{
	struct fixture *f = *state;
	struct db_options how = making;
	scope_db d = NULL;
	struct err e = { 0 };
	struct stat st;
	struct db_space space;

	how.max_bytes = 1 << 20;
	CHECK_OK(db_open(f->path, &how, &d, &e), e);
	CHECK_OK(db_migrate(d, &schema, &e), e);
	assert_int_equal(fill(d, &e), -1);
	CHECK_INT("full", e.code, ERR_OVER_LIMIT);
	assert_int_equal(stat(f->path, &st), 0);
	assert_true(st.st_size <= 1 << 20);

	/* What is deleted can be written again, and given back. */
	CHECK_OK(db_exec(d, "DELETE FROM t", &e), e);
	CHECK_OK(db_size(d, &space, &e), e);
	assert_true(space.unused > 900000);
	CHECK_OK(db_shrink(d, 1 << 20, &e), e);
	CHECK_OK(db_size(d, &space, &e), e);
	CHECK_INT("unused", space.unused, 0);
	CHECK_OK(insert(d, 1, "a", &e), e);
}

/* Who reads for long keeps the journal, and is not waited for. */
static void
a_long_journal_is_emptied(void **state)
{
	struct fixture *f = *state;
	static const char half[8 << 20];
	struct err e = { 0 };
	struct db_space space;
	bool done = false;
	scope_db d = make(f);
	scope_db reader = make(f);
	scope_transaction t = { 0 };

	CHECK_OK(db_begin_reading(reader, &t, &e), e);
	scope_query look = db_query(reader, "SELECT count(*) FROM t", &e);
	assert_int_equal(db_step(look, &e), 1);
	for (int i = 0; i < 3; i++) {
		scope_query q = db_query(d, "INSERT INTO t (n, b) VALUES ($1, $2)", &e);
		assert_non_null(q);
		db_put_int(q, 100 + i);
		db_put_bytes(q, half, sizeof(half));
		CHECK_OK(db_run(q, &e), e);
	}
	CHECK_OK(db_trim(d, 16 << 20, &done, &e), e);
	assert_false(done);
	CHECK_OK(db_size(d, &space, &e), e);
	assert_true(space.journal > 16 << 20);
	db_reset(look);
	db_rollback(&t);
	CHECK_OK(db_trim(d, 16 << 20, &done, &e), e);
	assert_true(done);
	CHECK_OK(db_size(d, &space, &e), e);
	CHECK_INT("journal", space.journal, 0);
}

/* The disk is full in the middle of a transaction: nothing of it stays, the rest does. */
static void
a_full_disk_loses_only_the_transaction(void **state)
{
	struct fixture *f = *state;
	scope_transaction t = { 0 };
	struct err e = { 0 };
	uint64_t room = 0;

	if (mount("none", f->dir, "tmpfs", 0, "size=2m") == -1)
		skip(); /* only root has a disk to fill */
	struct db *d = make(f);
	CHECK_OK(db_room(d, &room, &e), e);
	assert_in_range(room, 1 << 20, 2 << 20);
	CHECK_OK(insert(d, 77777, "before", &e), e);
	CHECK_OK(db_begin(d, &t, &e), e);
	assert_int_equal(fill(d, &e), -1);
	CHECK_INT("full", e.code, ERR_OVER_LIMIT);
	assert_non_null(strstr(e.msg, "make room"));
	db_rollback(&t);
	assert_int_equal(count_rows(d), 1);
	CHECK_OK(db_check(d, &e), e);
	db_close(d);
	assert_int_equal(umount(f->dir), 0);
}

static void
what_cannot_be_written_says_so(void **state)
{
	struct fixture *f = *state;
	struct db *d = NULL;
	struct err e = { 0 };
	int status;

	db_close(make(f));
	assert_int_equal(chmod(f->dir, 0755), 0);
	assert_int_equal(chmod(f->path, 0644), 0);
	pid_t pid = fork();
	if (pid == 0) { /* root may write whatever its mode */
		if (getuid() == 0 && (setgid(65534) == -1 || setuid(65534) == -1))
			_exit(2);
		if (getuid() != 65534 && chmod(f->path, 0444) == -1)
			_exit(3);
		_exit(db_open(f->path, &making, &d, &e) == -1 &&
			      strstr(e.msg, "cannot be written") != NULL
			  ? 0
			  : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void
a_backup_is_whole_and_replaces_nothing(void **state)
{
	struct fixture *f = *state;
	char copy[128];
	struct db *d = make(f);
	struct err e = { 0 };

	snprintf(copy, sizeof(copy), "%s/copy.db", f->dir);
	for (int i = 0; i < 500; i++)
		CHECK_OK(insert(d, i, "a", &e), e);
	CHECK_OK(db_backup(d, copy, &e), e);
	assert_int_equal(db_backup(d, copy, &e), -1);
	CHECK_INT("there already", e.sys, EEXIST);
	db_close(d);
	CHECK_OK(db_open(copy, &making, &d, &e), e);
	CHECK_OK(db_check(d, &e), e);
	assert_int_equal(count_rows(d), 500);
	db_close(d);
}

static void
rows_of_an_older_table_are_saved(void **state)
{
	struct fixture *f = *state;
	static const char *const first[] = { FIRST_STEP, NULL };
	const struct db_schema older = { "things", first };
	char path[128];
	int64_t rows = 0;
	struct err e = { 0 };
	struct db *d = NULL;

	snprintf(path, sizeof(path), "%s/old.db", f->dir);
	CHECK_OK(db_open(path, &making, &d, &e), e);
	CHECK_OK(db_migrate(d, &older, &e), e);
	CHECK_OK(insert(d, 7, "a", &e), e);
	db_close(d);
	d = make(f);
	CHECK_OK(db_salvage(d, path, &rows, &e), e);
	assert_int_equal(count_rows(d), 1);
	db_close(d);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(values_go_in_and_come_out),
		CASE(a_query_in_use_is_not_given_twice),
		CASE(bad_values_and_statements_are_refused),
		CASE(a_transaction_ends_with_its_scope),
		CASE(migrations_are_done_once),
		CASE(a_reader_sees_and_changes_nothing),
		CASE(a_lock_is_told_as_busy),
		CASE(links_and_relative_names_are_refused),
		CASE(damage_is_found_and_named),
		CASE(rows_of_an_older_table_are_saved),
		CASE(the_bound_holds),
		CASE(a_long_journal_is_emptied),
		CASE(a_full_disk_loses_only_the_transaction),
		CASE(what_cannot_be_written_says_so),
		CASE(a_backup_is_whole_and_replaces_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
