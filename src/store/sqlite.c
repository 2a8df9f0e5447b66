/*
 * The embedded database.  Write-ahead log, so that readers never wait for the writer nor
 * he for them; `synchronous = NORMAL`, so that a commit is a write(2) and no fsync(2):
 * it survives the death of every process, and only with `durable` that of the machine.
 *
 * The file is not trusted: it may have been put there by somebody else, so nothing in it
 * may run code (trusted_schema, defensive), and no part of its name may be a link.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/scope.h"
#include "store/backend.h"
#include "store/sqlite.h"

#define PAGE_BYTES 4096
#define WAL_BYTES  (16 << 20) /* what of it stays on the disk after a checkpoint */
#define BUSY_ROUND 5          /* ms, where SQLite itself does not wait */

/* --- errors --- */

/*
 * What a class of failures is to a caller, and what helps.  By the primary code; rows
 * with an extended code come first.
 */
static const struct failure {
	int rc;
	enum err_code code;
	const char *remedy;
} failures[] = {
	{ SQLITE_CANTOPEN_SYMLINK, ERR_SYS,
	    "it is a symbolic link: name the file itself" },
	{ SQLITE_BUSY, ERR_BUSY, "another process has it locked: end that, or wait" },
	{ SQLITE_LOCKED, ERR_BUSY, "another process has it locked: end that, or wait" },
	{ SQLITE_FULL, ERR_OVER_LIMIT,
	    "its disk, or the size it is allowed, is full: make room" },
	{ SQLITE_CONSTRAINT, ERR_BAD_INPUT, "the row does not fit" },
	{ SQLITE_CORRUPT, ERR_PROTO,
	    "it is damaged: judgebox db recover saves what can be read" },
	{ SQLITE_NOTADB, ERR_PROTO,
	    "it is no database: judgebox db recover puts it aside and begins anew" },
	{ SQLITE_READONLY, ERR_SYS,
	    "it cannot be written: look at the owner and mode of file and directory, and "
	    "whether the file system is mounted read-only" },
	{ SQLITE_CANTOPEN, ERR_SYS,
	    "it cannot be opened: look at the owner and mode of file and directory" },
	{ SQLITE_PERM, ERR_SYS, "look at the owner and mode of file and directory" },
	{ SQLITE_AUTH, ERR_SYS, "look at the owner and mode of file and directory" },
};

static const struct failure *
find_failure(int rc)
{
	for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++)
		if (failures[i].rc == rc)
			return &failures[i];
	for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++)
		if (failures[i].rc == (rc & 0xff))
			return &failures[i];
	return NULL;
}

static bool
has_system_errno(int rc)
{
	return (rc & 0xff) == SQLITE_IOERR || (rc & 0xff) == SQLITE_CANTOPEN ||
	       (rc & 0xff) == SQLITE_FULL;
}

int
sqlite_fail(const struct sqlite *c, int rc, struct err *e)
{
	const struct failure *f = find_failure(rc);
	const char *why = c->db != NULL ? sqlite3_errmsg(c->db) : sqlite3_errstr(rc);
	int sys = c->db != NULL && has_system_errno(rc) ? sqlite3_system_errno(c->db) : 0;

	/* A full disk is sometimes told as a failed write. */
	if ((rc & 0xff) == SQLITE_IOERR && (sys == ENOSPC || sys == EDQUOT))
		f = find_failure(SQLITE_FULL);
	if (f != NULL)
		err_set(e, f->code, "%.100s: %.50s; %s", c->path, why, f->remedy);
	else
		err_set(e, (rc & 0xff) == SQLITE_IOERR ? ERR_SYS : ERR_BUG,
		    "%.100s: %.120s", c->path, why);
	e->sys = sys;
	return -1;
}

/* --- statements --- */

int
sqlite_exec(void *conn, const char *sql, struct err *e)
{
	struct sqlite *c = conn;
	int rc = sqlite3_exec(c->db, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : sqlite_fail(c, rc, e);
}

static int
prepare(void *conn, const char *sql, void **out, struct err *e)
{
	struct sqlite *c = conn;
	sqlite3_stmt *stmt = NULL;
	const char *rest = NULL;
	int rc =
	    sqlite3_prepare_v3(c->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, &rest);

	if (rc != SQLITE_OK)
		return sqlite_fail(c, rc, e);
	if (stmt == NULL || rest[strspn(rest, " \t\n;")] != '\0') {
		sqlite3_finalize(stmt);
		return err_set(e, ERR_BUG, "not one statement: '%.80s'", sql);
	}
	*out = stmt;
	return 0;
}

static void
finish(void *stmt)
{
	sqlite3_finalize(stmt);
}

static int
reset(void *stmt)
{
	sqlite3_reset(stmt); /* its status is that of the last step, which was told */
	sqlite3_clear_bindings(stmt);
	return 0;
}

/* SQLite numbers $1 by its first place in the text: mostly that is the first. */
static int
place_of(sqlite3_stmt *stmt, unsigned at)
{
	const char *usual = sqlite3_bind_parameter_name(stmt, (int)at);
	char name[16];

	if (usual != NULL && usual[0] == '$' && strtoul(usual + 1, NULL, 10) == at)
		return (int)at;
	snprintf(name, sizeof(name), "$%u", at);
	return sqlite3_bind_parameter_index(stmt, name);
}

static int
put_int(void *stmt, unsigned at, int64_t n)
{
	return sqlite3_bind_int64(stmt, place_of(stmt, at), n) == SQLITE_OK ? 0 : -1;
}

static int
put_text(void *stmt, unsigned at, const char *s, size_t len)
{
	return sqlite3_bind_text64(stmt, place_of(stmt, at), s, len, SQLITE_TRANSIENT,
		   SQLITE_UTF8) == SQLITE_OK
		   ? 0
		   : -1;
}

static int
put_bytes(void *stmt, unsigned at, const void *data, size_t len)
{
	/* a NULL pointer would be NULL, not an empty value */
	return sqlite3_bind_blob64(stmt, place_of(stmt, at), len > 0 ? data : "", len,
		   SQLITE_TRANSIENT) == SQLITE_OK
		   ? 0
		   : -1;
}

static int
put_null(void *stmt, unsigned at)
{
	return sqlite3_bind_null(stmt, place_of(stmt, at)) == SQLITE_OK ? 0 : -1;
}

static int
step(void *conn, void *stmt, struct err *e)
{
	int rc = sqlite3_step(stmt);

	if (rc == SQLITE_ROW || rc == SQLITE_DONE)
		return rc == SQLITE_ROW;
	return sqlite_fail(conn, rc, e);
}

static bool
is_null(void *stmt, unsigned column)
{
	return sqlite3_column_type(stmt, (int)column) == SQLITE_NULL;
}

static int64_t
get_int(void *stmt, unsigned column)
{
	return sqlite3_column_int64(stmt, (int)column);
}

static const char *
get_text(void *stmt, unsigned column)
{
	return (const char *)sqlite3_column_text(stmt, (int)column);
}

static const void *
get_bytes(void *stmt, unsigned column, size_t *len)
{
	const void *data = sqlite3_column_blob(stmt, (int)column);

	*len = (size_t)sqlite3_column_bytes(stmt, (int)column);
	return data;
}

static int64_t
changed(void *conn)
{
	return sqlite3_changes64(((struct sqlite *)conn)->db);
}

/* The one number that a pragma answers. */
static int
pragma_int(struct sqlite *c, const char *sql, int64_t *out, struct err *e)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(c->db, sql, -1, &stmt, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW)
		*out = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return rc == SQLITE_ROW ? 0 : sqlite_fail(c, rc, e);
}

/* --- open and close --- */

/* The file may not be a link; the directories to it may (/var on another disk). */
static int
resolve(const char *place, char out[PATH_MAX], struct err *e)
{
	const char *slash = strrchr(place, '/');
	char dir[PATH_MAX];

	if (place[0] != '/' || slash[1] == '\0')
		return err_set(e, ERR_BAD_INPUT,
		    "%.120s: a database is named by an absolute path", place);
	snprintf(
	    dir, sizeof(dir), "%.*s", slash == place ? 1 : (int)(slash - place), place);
	scope_free char *real = realpath(dir, NULL);
	if (real == NULL)
		return err_sys(e, "%.200s", dir);
	if (snprintf(out, PATH_MAX, "%s%s", strcmp(real, "/") == 0 ? "" : real, slash) >=
	    PATH_MAX)
		return err_set(e, ERR_BAD_INPUT, "%.120s…: too long a path", place);
	return 0;
}

/* Made by root it belongs to whom its directory belongs to: the service. */
static int
give_away(int fd, const char *path, struct err *e)
{
	char dir[PATH_MAX];
	struct stat st;

	if (geteuid() != 0)
		return 0;
	snprintf(dir, sizeof(dir), "%.*s", (int)(strrchr(path, '/') - path) + 1, path);
	if (stat(dir, &st) == -1 || fchown(fd, st.st_uid, st.st_gid) == -1)
		return err_sys(e, "chown %.200s", path);
	return 0;
}

/* SQLite would make it readable by everybody; its other files take after this one. */
static int
create_file(const char *path, struct err *e)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);

	if (fd == -1 && errno == EEXIST)
		return 0;
	if (fd == -1)
		return err_sys(e, "make %.200s", path);
	int rc = fchmod(fd, 0640) == -1 ? err_sys(e, "chmod %.200s", path)
					: give_away(fd, path, e);
	close(fd);
	return rc;
}

/* A switch to WAL needs the file alone, and SQLite does not wait for that. */
static int
use_wal(struct sqlite *c, struct err *e)
{
	static const char sql[] = "PRAGMA journal_mode = WAL";

	for (unsigned waited = 0;; waited += BUSY_ROUND) {
		int rc = sqlite3_exec(c->db, sql, NULL, NULL, NULL);
		if (rc == SQLITE_OK)
			return 0;
		if ((rc & 0xff) != SQLITE_BUSY || waited >= c->busy_ms)
			return sqlite_fail(c, rc, e);
		sqlite3_sleep(BUSY_ROUND);
	}
}

static int
configure(struct sqlite *c, const struct db_options *how, struct err *e)
{
	static const int off[] = { SQLITE_DBCONFIG_TRUSTED_SCHEMA,
		SQLITE_DBCONFIG_DQS_DML, SQLITE_DBCONFIG_DQS_DDL,
		SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, SQLITE_DBCONFIG_ENABLE_TRIGGER,
		SQLITE_DBCONFIG_ENABLE_VIEW };
	char sql[160];
	int64_t n;

	for (size_t i = 0; i < sizeof(off) / sizeof(off[0]); i++)
		if (sqlite3_db_config(c->db, off[i], 0, NULL) != SQLITE_OK)
			return err_set(e, ERR_BUG, "SQLite has no option %d", off[i]);
	if (sqlite3_db_config(c->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL) != SQLITE_OK)
		return err_set(e, ERR_BUG, "SQLite has no defensive mode");
	sqlite3_busy_timeout(c->db, (int)c->busy_ms);

	/* The first that reads: shows whether it is a database at all. */
	if (pragma_int(c, "PRAGMA schema_version", &n, e) == -1)
		return -1;
	if (sqlite_exec(c,
		"PRAGMA foreign_keys = ON; PRAGMA cell_size_check = ON;"
		"PRAGMA mmap_size = 0; PRAGMA temp_store = MEMORY;"
		"PRAGMA secure_delete = FAST",
		e) == -1)
		return -1;
	if (how->readonly)
		return sqlite_exec(c, "PRAGMA query_only = ON", e);

	int persist = 1; /* or those who may only read could not, while nobody writes */
	sqlite3_file_control(c->db, NULL, SQLITE_FCNTL_PERSIST_WAL, &persist);
	if (sqlite_exec(c, "PRAGMA auto_vacuum = INCREMENTAL", e) == -1 ||
	    use_wal(c, e) == -1)
		return -1;
	snprintf(sql, sizeof(sql),
	    "PRAGMA synchronous = %s; PRAGMA journal_size_limit = %d",
	    how->durable ? "FULL" : "NORMAL", WAL_BYTES);
	if (sqlite_exec(c, sql, e) == -1)
		return -1;
	if (how->max_bytes == 0)
		return 0;
	snprintf(sql, sizeof(sql), "PRAGMA max_page_count = %" PRIu64,
	    how->max_bytes / PAGE_BYTES);
	return sqlite_exec(c, sql, e);
}

static void
close_conn(void *conn)
{
	struct sqlite *c = conn;

	sqlite3_close(c->db);
	free(c);
}

/*
 * For the process, and before its first connection; later they change nothing.  SQLite
 * sets 140 KB aside for each connection, pages and small things, and there is one in each
 * of hundreds of workers, of which the most never see a key.
 */
static void
be_modest(void)
{
	sqlite3_config(SQLITE_CONFIG_PAGECACHE, NULL, 0, 0);
	sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0);
}

static int
open_file(
    struct sqlite *c, const char *place, const struct db_options *how, struct err *e)
{
	int flags = SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_NOMUTEX |
		    SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE;

	if (resolve(place, c->path, e) == -1 ||
	    (how->create && !how->readonly && create_file(c->path, e) == -1))
		return -1;
	if (access(c->path, F_OK) == -1) /* SQLite would only say that it cannot */
		return err_sys(e, "%.200s", c->path);
	c->busy_ms = how->busy_ms;
	be_modest();
	int rc = sqlite3_open_v2(c->path, &c->db,
	    flags | (how->readonly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE), NULL);
	if (rc != SQLITE_OK)
		return sqlite_fail(c, rc, e);
	struct stat st;
	if (stat(c->path, &st) == -1)
		return err_sys(e, "%.200s", c->path);
	c->dev = st.st_dev;
	c->ino = st.st_ino;
	/* SQLite falls back to reading alone, and would say so at the first write. */
	if (!how->readonly && sqlite3_db_readonly(c->db, "main") != 0)
		return sqlite_fail(c, SQLITE_READONLY, e);
	return configure(c, how, e);
}

static int
open_conn(const char *place, const struct db_options *how, void **out, struct err *e)
{
	struct sqlite *c = calloc(1, sizeof(*c));
	if (c == NULL)
		return err_sys(e, "calloc");

	if (open_file(c, place, how, e) == -1) {
		close_conn(c);
		return -1;
	}
	*out = c;
	return 0;
}

/* --- care --- */

static int
check(void *conn, struct err *e)
{
	struct sqlite *c = conn;
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(c->db, "PRAGMA integrity_check(1)", -1, &stmt, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	const char *said =
	    rc == SQLITE_ROW ? (const char *)sqlite3_column_text(stmt, 0) : NULL;
	int result = 0;
	if (rc != SQLITE_ROW)
		result = sqlite_fail(c, rc, e);
	else if (said == NULL || strcmp(said, "ok") != 0)
		result = err_set(e, ERR_PROTO,
		    "%.100s: %.80s; it is damaged: judgebox db "
		    "recover saves what can be read",
		    c->path, said != NULL ? said : "?");
	sqlite3_finalize(stmt);
	return result;
}

static int
copy_to(struct sqlite *from, struct sqlite *to, struct err *e)
{
	sqlite3_backup *b = sqlite3_backup_init(to->db, "main", from->db, "main");
	int rc = SQLITE_OK;

	if (b == NULL)
		return sqlite_fail(to, sqlite3_extended_errcode(to->db), e);
	/* In one go: readers hold nobody up, and each page that somebody else wrote
	 * meanwhile would make it begin anew. */
	for (unsigned waited = 0; rc == SQLITE_OK; waited += BUSY_ROUND) {
		rc = sqlite3_backup_step(b, -1);
		if ((rc == SQLITE_BUSY || rc == SQLITE_LOCKED) &&
		    waited < from->busy_ms) {
			rc = SQLITE_OK;
			sqlite3_sleep(BUSY_ROUND);
		}
	}
	int last = sqlite3_backup_finish(b);
	if (rc == SQLITE_DONE)
		rc = last;
	if (rc != SQLITE_OK)
		return sqlite_fail(to, rc, e);
	/* One file, and whole when we return: nothing of a journal stays beside it. */
	int persist = 0;
	sqlite3_file_control(to->db, NULL, SQLITE_FCNTL_PERSIST_WAL, &persist);
	return sqlite_exec(to, "PRAGMA journal_mode = DELETE", e);
}

static int
backup(void *conn, const char *path, struct err *e)
{
	static const struct db_options how = { .create = true, .durable = true };
	struct sqlite *to = calloc(1, sizeof(*to));
	char real[PATH_MAX];
	int fd;

	if (to == NULL)
		return err_sys(e, "calloc");
	if (resolve(path, real, e) == -1) {
		free(to);
		return -1;
	}
	/* Never over something: made here, or refused. */
	fd = open(real, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
	if (fd == -1) {
		free(to);
		return err_sys(e, "make %.200s", real);
	}
	close(fd);
	int rc = open_file(to, real, &how, e);
	if (rc == 0)
		rc = copy_to(conn, to, e);
	close_conn(to);
	if (rc == -1)
		unlink(real);
	return rc;
}

static int
size(void *conn, struct db_space *out, struct err *e)
{
	struct sqlite *c = conn;
	char wal[PATH_MAX + 8];
	int64_t pages = 0, page_bytes = 0, empty = 0;
	struct stat st;

	if (pragma_int(c, "PRAGMA page_count", &pages, e) == -1 ||
	    pragma_int(c, "PRAGMA page_size", &page_bytes, e) == -1 ||
	    pragma_int(c, "PRAGMA freelist_count", &empty, e) == -1)
		return -1;
	snprintf(wal, sizeof(wal), "%s-wal", c->path);
	*out = (struct db_space){ .disk = (uint64_t)(pages * page_bytes),
		.used = (uint64_t)((pages - empty) * page_bytes),
		.unused = (uint64_t)(empty * page_bytes) };
	out->journal = stat(wal, &st) == 0 ? (uint64_t)st.st_size : 0;
	out->disk += out->journal;
	return 0;
}

/* What of the log a reader still needs stays, and all behind it: it cannot begin anew. */
static int
trim(void *conn, uint64_t bytes, bool *done, struct err *e)
{
	struct sqlite *c = conn;
	struct db_space s;

	if (size(conn, &s, e) == -1)
		return -1;
	*done = s.journal <= bytes;
	if (*done)
		return 0;
	sqlite3_busy_timeout(c->db, 0);
	int rc = sqlite3_wal_checkpoint_v2(
	    c->db, "main", SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	sqlite3_busy_timeout(c->db, (int)c->busy_ms);
	*done = rc == SQLITE_OK;
	return *done || (rc & 0xff) == SQLITE_BUSY ? 0 : sqlite_fail(c, rc, e);
}

static int
shrink(void *conn, uint64_t bytes, struct err *e)
{
	struct sqlite *c = conn;
	char sql[64];

	snprintf(sql, sizeof(sql), "PRAGMA incremental_vacuum(%" PRIu64 ")",
	    bytes / PAGE_BYTES + 1);
	if (sqlite_exec(c, sql, e) == -1)
		return -1;
	/* Until then the file keeps its length.  Readers may keep some of it back. */
	int rc = sqlite3_wal_checkpoint_v2(
	    c->db, "main", SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	return rc == SQLITE_OK || (rc & 0xff) == SQLITE_BUSY ? 0 : sqlite_fail(c, rc, e);
}

static int
vacuum(void *conn, struct err *e)
{
	if (sqlite_exec(conn, "VACUUM", e) == -1)
		return -1;
	return sqlite_exec(conn, "PRAGMA wal_checkpoint(TRUNCATE)", e);
}

static int
room(void *conn, uint64_t *bytes, struct err *e)
{
	struct sqlite *c = conn;
	struct statvfs fs;
	struct stat st;

	/* What is written to a file that was moved away is lost to those who look here.
	 */
	if (stat(c->path, &st) == -1)
		return err_sys(e, "%.200s", c->path);
	if (st.st_dev != c->dev || st.st_ino != c->ino)
		return err_set(
		    e, ERR_SYS, "%.200s: another file was put in its place", c->path);
	if (statvfs(c->path, &fs) == -1)
		return err_sys(e, "%.200s", c->path);
	*bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
	return 0;
}

static int
version(void *conn, uint64_t *number, struct err *e)
{
	int64_t n;

	if (pragma_int(conn, "PRAGMA data_version", &n, e) == -1)
		return -1;
	*number = (uint64_t)n;
	return 0;
}

/* Whoever has a database in WAL mode open holds a lock on this byte of its -shm file. */
#define SHM_OPEN_BYTE 128

static int
in_use(const char *place, int *pid, struct err *e)
{
	char path[PATH_MAX + 8], real[PATH_MAX];
	struct flock lock = { .l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_start = SHM_OPEN_BYTE,
		.l_len = 1 };

	*pid = 0;
	if (resolve(place, real, e) == -1)
		return -1;
	snprintf(path, sizeof(path), "%s-shm", real);
	scope_fd fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return errno == ENOENT ? 0 : err_sys(e, "%.200s", path);
	if (fcntl(fd, F_GETLK, &lock) == -1)
		return err_sys(e, "lock of %.200s", path);
	if (lock.l_type != F_UNLCK)
		*pid = lock.l_pid > 0 ? lock.l_pid : -1;
	return 0;
}

static void
rest(void *conn)
{
	sqlite3_db_release_memory(((struct sqlite *)conn)->db);
}

static const struct backend_word words[] = {
	{ "{int}", "INTEGER" },
	{ "{text}", "TEXT" },
	{ "{bytes}", "BLOB" },
	{ "{key}", "INTEGER PRIMARY KEY" },
	{ "{strict}", "STRICT" },
	{ "{clustered}", "STRICT, WITHOUT ROWID" },
	{ 0 },
};

const struct backend sqlite_backend = {
	.scheme = "",
	.words = words,
	.open = open_conn,
	.close = close_conn,
	.exec = sqlite_exec,
	.prepare = prepare,
	.finish = finish,
	.reset = reset,
	.put_int = put_int,
	.put_text = put_text,
	.put_bytes = put_bytes,
	.put_null = put_null,
	.step = step,
	.is_null = is_null,
	.get_int = get_int,
	.get_text = get_text,
	.get_bytes = get_bytes,
	.begin_writing = "BEGIN IMMEDIATE",
	.begin_reading = "BEGIN",
	.changed = changed,
	.check = check,
	.backup = backup,
	.trim = trim,
	.shrink = shrink,
	.vacuum = vacuum,
	.size = size,
	.room = room,
	.salvage = sqlite_salvage,
	.in_use = in_use,
	.version = version,
	.rest = rest,
};
