#include "store/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/scope.h"
#include "store/tokens.h"

#define READER_WAIT_MS 200  /* a request is not to wait for an administrator */
#define ADMIN_WAIT_MS  5000 /* but he may for requests */
#define NUMBER_MAX     (1ULL << 40)

struct keys {
	struct db *db;
	int dir;   /* where it lies: to see whether it is still the one at its path */
	dev_t dev; /* of the file that was opened */
	ino_t ino;
};

static const char *const steps[] = {
	"CREATE TABLE keys ("
	"id {int} NOT NULL PRIMARY KEY, name {text} NOT NULL UNIQUE,"
	"created {int} NOT NULL, revoked {int} NOT NULL, expires {int} NOT NULL,"
	"scopes {int} NOT NULL, profile {text} NOT NULL, languages {text} NOT NULL,"
	"networks {text} NOT NULL, slots {int} NOT NULL, max_memory {int} NOT NULL,"
	"max_tests {int} NOT NULL, max_source {int} NOT NULL,"
	"rate {int} NOT NULL, rate_period {int} NOT NULL, burst {int} NOT NULL,"
	"jobs {int} NOT NULL, cpu_ms {int} NOT NULL,"
	"user_rate {int} NOT NULL, user_rate_period {int} NOT NULL,"
	"user_burst {int} NOT NULL, user_jobs {int} NOT NULL, user_cpu_ms {int} NOT NULL"
	") {strict};"
	"CREATE TABLE tokens ("
	"id {text} NOT NULL PRIMARY KEY, key {int} NOT NULL REFERENCES keys (id),"
	"hash {bytes} NOT NULL, created {int} NOT NULL, expires {int} NOT NULL"
	") {strict};"
	"CREATE INDEX tokens_key ON tokens (key);"
	"CREATE TABLE reservations ("
	"id {key}, key {int} NOT NULL REFERENCES keys (id), slots {int} NOT NULL,"
	"starts {int} NOT NULL, ends {int} NOT NULL) {strict};"
	"CREATE INDEX reservations_ends ON reservations (ends)",
	"ALTER TABLE keys ADD COLUMN user_max_tests {int} NOT NULL DEFAULT 0;"
	"ALTER TABLE keys ADD COLUMN user_max_source {int} NOT NULL DEFAULT 0",
	NULL,
};

static const struct db_schema schema = { .name = "keys", .steps = steps };

/* Columns that are numbers, with their places in a statement that sets them all. */
#define NUMBERS(X)                                                                       \
	X(expires, $3, expires)                                                          \
	X(scopes, $4, scopes)                                                            \
	X(slots, $5, slots)                                                              \
	X(max_memory, $6, max_memory)                                                    \
	X(max_tests, $7, max_tests)                                                      \
	X(max_source, $8, max_source)                                                    \
	X(rate, $9, own.rate.count)                                                      \
	X(rate_period, $10, own.rate.period_s)                                           \
	X(burst, $11, own.rate.burst)                                                    \
	X(jobs, $12, own.jobs)                                                           \
	X(cpu_ms, $13, own.cpu_ms)                                                       \
	X(user_rate, $14, each_user.rate.count)                                          \
	X(user_rate_period, $15, each_user.rate.period_s)                                \
	X(user_burst, $16, each_user.rate.burst)                                         \
	X(user_jobs, $17, each_user.jobs)                                                \
	X(user_cpu_ms, $18, each_user.cpu_ms)                                            \
	X(user_max_tests, $19, user_max_tests)                                           \
	X(user_max_source, $20, user_max_source)

#define COLUMN(column, at, member) ", k." #column
#define COLUMNS                                                                          \
	"k.id, k.name, k.revoked, k.profile, k.languages, "                              \
	"k.networks" NUMBERS(COLUMN)
enum {
	COL_ID,
	COL_NAME,
	COL_REVOKED,
	COL_PROFILE,
	COL_LANGUAGES,
	COL_NETWORKS,
#define X(column, at, member) COL_##column,
	NUMBERS(X)
#undef X
	    COL_END
};

/* --- open and close --- */

/* Not by a descriptor of the file: closing that would drop the database's locks. */
static int
remember_file(struct keys *k, const char *path, struct err *e)
{
	char dir[320];
	struct stat st;

	snprintf(dir, sizeof(dir), "%.*s", (int)(strrchr(path, '/') - path) + 1, path);
	k->dir = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (k->dir == -1)
		return err_sys(e, "open %.200s", dir);
	if (lstat(path, &st) == -1)
		return err_sys(e, "stat %.200s", path);
	k->dev = st.st_dev;
	k->ino = st.st_ino;
	return 0;
}

static int
open_as(const char *path, const struct db_options *how, struct keys **out, struct err *e)
{
	struct keys *k = calloc(1, sizeof(*k));
	int rc;

	if (k == NULL)
		return err_sys(e, "calloc");
	k->dir = -1;
	rc = db_open(path, how, &k->db, e);
	if (rc == 0 && how->create)
		rc = db_migrate(k->db, &schema, e);
	else if (rc == 0)
		rc = db_check_schema(k->db, &schema, e);
	if (rc == 0)
		rc = remember_file(k, path, e);
	if (rc == -1) {
		keys_close(k);
		return -1;
	}
	*out = k;
	return 0;
}

/* Reads once, so that every file is open before the process closes itself in. */
static int
warm_up(struct keys *k, struct err *e)
{
	const struct token nobody = { .id = "", .secret = "" };
	enum key_state state;
	struct identity id;

	return keys_find(k, &nobody, 0, &id, &state, e);
}

int
keys_open(const char *path, struct keys **out, struct err *e)
{
	const struct db_options how = { .readonly = true, .busy_ms = READER_WAIT_MS };
	struct keys *k;

	if (open_as(path, &how, &k, e) == -1)
		return -1;
	if (warm_up(k, e) == -1) {
		keys_close(k);
		return -1;
	}
	*out = k;
	return 0;
}

int
keys_open_admin(const char *path, struct keys **out, struct err *e)
{
	const struct db_options how = {
		.create = true, .durable = true, .busy_ms = ADMIN_WAIT_MS
	};

	return open_as(path, &how, out, e);
}

void
keys_close(struct keys *k)
{
	if (k == NULL)
		return;
	db_close(k->db);
	if (k->dir != -1)
		close(k->dir);
	free(k);
}

/* Where somebody put another file, ours lives on under another name or none, and with
 * keys that may have been revoked in the other. */
static int
check_file(const struct keys *k, struct err *e)
{
	struct stat st;

	int rc =
	    fstatat(k->dir, strrchr(db_place(k->db), '/') + 1, &st, AT_SYMLINK_NOFOLLOW);
	if (rc == -1 && errno != ENOENT)
		return err_sys(e, "stat %.200s", db_place(k->db));
	if (rc == -1 || st.st_ino != k->ino || st.st_dev != k->dev)
		return err_set(
		    e, ERR_GONE, "%.180s was removed or replaced", db_place(k->db));
	return 0;
}

struct db *
keys_db(const struct keys *k, struct err *e)
{
	return check_file(k, e) == -1 ? NULL : k->db;
}

/* --- rows --- */

static void
join(const struct words *w, struct buf *out)
{
	for (const char *s = words_next(w, NULL); s != NULL; s = words_next(w, s)) {
		if (out->len > 0)
			buf_str(out, ",");
		buf_str(out, s);
	}
}

static int
split(const char *text, struct words *out, struct err *e)
{
	char word[64];

	*out = (struct words){ .count = 0 };
	for (const char *at = text; *at != '\0';) {
		size_t n = strcspn(at, ",");

		snprintf(word, sizeof(word), "%.*s", (int)(n < 63 ? n : 63), at);
		if (n > 0 && words_add(out, word, e) == -1)
			return -1;
		at += n + (at[n] == ',');
	}
	return 0;
}

static bool
is_rate(const struct rate *r)
{
	return r->count <= RATE_MAX && r->burst <= RATE_MAX &&
	       (r->count == 0 || (r->period_s >= 1 && r->period_s <= 86400));
}

/* Somebody else may have written the file; what is counted with must not overflow. */
static int
check_row(const struct identity *id, struct err *e)
{
	const uint64_t numbers[] = { id->own.jobs, id->own.cpu_ms, id->each_user.jobs,
		id->each_user.cpu_ms, id->max_memory, id->max_tests, id->max_source,
		id->user_max_tests, id->user_max_source, id->slots };
	bool good = is_rate(&id->own.rate) && is_rate(&id->each_user.rate) &&
		    id->expires >= 0 && key_name_good(id->name);

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		good = good && numbers[i] <= NUMBER_MAX;
	if (good)
		return 0;
	return err_set(e, ERR_PROTO,
	    "the key with number %" PRIu64 " has a bound or a name that nobody gave it",
	    id->key);
}

static int
read_row(struct db_query *q, struct identity *out, struct err *e)
{
	*out = (struct identity){ .key = (uint64_t)db_int(q, COL_ID),
		.revoked = db_int(q, COL_REVOKED) != 0,
#define X(column, at, member) .member = (__typeof__(out->member))db_int(q, COL_##column),
		NUMBERS(X)
#undef X
	};
	snprintf(out->name, sizeof(out->name), "%s", db_text(q, COL_NAME));
	snprintf(out->profile, sizeof(out->profile), "%s", db_text(q, COL_PROFILE));
	if (check_row(out, e) == -1 ||
	    split(db_text(q, COL_LANGUAGES), &out->languages, e) == -1)
		return -1;
	return split(db_text(q, COL_NETWORKS), &out->networks, e);
}

static bool
is_over(int64_t expires, int64_t now)
{
	return expires != 0 && expires <= now;
}

static int
find_row(struct db_query *q, const struct sha256 *given, int64_t now,
    struct identity *out, enum key_state *state, struct err *e)
{
	struct sha256 kept = { { 0 } };
	struct identity found;
	size_t len = 0;
	int rc = db_step(q, e);

	if (rc == -1)
		return -1;
	const void *hash = rc == 1 ? db_bytes(q, COL_END, &len) : NULL;
	if (len == sizeof(kept))
		memcpy(kept.byte, hash, len);
	/* compared in any case: how long it takes tells nothing */
	bool same = sha256_same(&kept, given);
	*state = KEY_UNKNOWN;
	if (rc == 0 || !same || len != sizeof(kept))
		return 0;
	if (read_row(q, &found, e) == -1)
		return -1;
	*state = found.revoked ? KEY_REVOKED
		 : is_over(found.expires, now) || is_over(db_int(q, COL_END + 1), now)
		     ? KEY_EXPIRED
		     : KEY_GOOD;
	*out = found;
	return 0;
}

int
keys_find(struct keys *k, const struct token *t, int64_t now, struct identity *out,
    enum key_state *state, struct err *e)
{
	struct sha256 given;

	if (check_file(k, e) == -1 || tokens_hash(t->secret, &given, e) == -1)
		return -1;
	scope_query q = db_query(k->db,
	    "SELECT " COLUMNS ", t.hash, t.expires FROM tokens t "
	    "JOIN keys k ON k.id = t.key WHERE t.id = $1",
	    e);
	if (q == NULL)
		return -1;
	db_put_text(q, t->id);
	return find_row(q, &given, now, out, state, e);
}

int
keys_count(struct keys *k, int64_t now, uint64_t *out, struct err *e)
{
	scope_query q = db_query(k->db,
	    "SELECT count(*) FROM keys WHERE revoked = 0 "
	    "AND (expires = 0 OR expires > $1)",
	    e);
	if (q == NULL)
		return -1;
	db_put_int(q, now);
	if (db_step(q, e) != 1)
		return -1;
	*out = (uint64_t)db_int(q, 0);
	return 0;
}

int
keys_get(struct keys *k, const char *name, struct identity *out, struct err *e)
{
	scope_query q =
	    db_query(k->db, "SELECT " COLUMNS " FROM keys k WHERE k.name = $1", e);
	if (q == NULL)
		return -1;

	db_put_text(q, name);
	int rc = db_step(q, e);
	if (rc == 0)
		return err_set(e, ERR_BAD_INPUT, "no key is called '%.63s'", name);
	return rc == 1 ? read_row(q, out, e) : -1;
}

int
keys_list(struct keys *k, keys_visit *visit, void *ctx, struct err *e)
{
	struct identity id;
	int rc;

	scope_query q =
	    db_query(k->db, "SELECT " COLUMNS " FROM keys k ORDER BY k.name", e);
	if (q == NULL)
		return -1;
	while ((rc = db_step(q, e)) == 1)
		if (read_row(q, &id, e) == -1 || visit(ctx, &id, e) == -1)
			return -1;
	return rc;
}

/* --- changes --- */

/* $1 is the number, $2 the profile, then NUMBERS, then lists. */
static void
put_row(struct db_query *q, const struct identity *key)
{
	scope_buf languages = { 0 }, networks = { 0 };

	join(&key->languages, &languages);
	join(&key->networks, &networks);
	db_put_int(q, (int64_t)key->key);
	db_put_text(q, key->profile);
#define X(column, at, member) db_put_int(q, (int64_t)key->member);
	NUMBERS(X)
#undef X
	db_put_text(q, buf_cstr(&languages));
	db_put_text(q, buf_cstr(&networks));
}

static int
insert(struct keys *k, const struct identity *key, int64_t now, struct err *e)
{
#define X(column, at, member)  ", " #column
#define AT(column, at, member) ", " #at
	scope_query q = db_query(k->db,
	    "INSERT INTO keys (id, profile" NUMBERS(
		X) ", languages, networks, name, "
		   "created, revoked) VALUES ($1, $2" NUMBERS(
		       AT) ", $21, $22, $23, $24, 0)",
	    e);
#undef AT
#undef X
	if (q == NULL)
		return -1;
	put_row(q, key);
	db_put_text(q, key->name);
	db_put_int(q, now);
	if (db_run(q, e) == 0)
		return 0;
	if (e->code == ERR_BAD_INPUT)
		return err_set(e, ERR_BAD_INPUT, "there is, or was, a key called '%.63s'",
		    key->name);
	return -1;
}

int
keys_add(struct keys *k, struct identity *key, int64_t now, char token[TOKEN_TEXT_SIZE],
    struct err *e)
{
	scope_transaction t = { 0 };

	if (!key_name_good(key->name))
		return err_set(e, ERR_BAD_INPUT,
		    "a key's name has letters, digits and . _ - only, at most %d",
		    KEY_NAME_MAX - 1);
	if (getrandom(&key->key, sizeof(key->key), 0) != sizeof(key->key))
		return err_sys(e, "getrandom");
	key->key = key->key >> 1 | 1; /* a positive number, never 0 */
	if (db_begin(k->db, &t, e) == -1 || insert(k, key, now, e) == -1 ||
	    tokens_add(k->db, key->key, now, token, e) == -1)
		return -1;
	return db_commit(&t, e);
}

int
keys_set(struct keys *k, const struct identity *key, struct err *e)
{
#define X(column, at, member) ", " #column " = " #at
	scope_query q = db_query(k->db,
	    "UPDATE keys SET profile = $2" NUMBERS(X) ", languages = $21, "
						      "networks = $22 WHERE id = $1 "
						      "AND revoked = 0",
	    e);
#undef X
	if (q == NULL)
		return -1;
	put_row(q, key);
	if (db_run(q, e) == -1)
		return -1;
	if (db_changed(k->db) == 0)
		return err_set(e, ERR_BAD_INPUT, "the key '%.63s' is revoked", key->name);
	return 0;
}

int
keys_get_unrevoked(struct keys *k, const char *name, struct identity *out, struct err *e)
{
	if (keys_get(k, name, out, e) == -1)
		return -1;
	if (out->revoked)
		return err_set(e, ERR_BAD_INPUT, "the key '%.63s' is revoked", name);
	return 0;
}

int
keys_revoke(struct keys *k, const char *name, int64_t now, struct err *e)
{
	struct identity id;

	if (keys_get_unrevoked(k, name, &id, e) == -1)
		return -1;
	scope_query q = db_query(k->db, "UPDATE keys SET revoked = $2 WHERE id = $1", e);
	if (q == NULL)
		return -1;
	db_put_int(q, (int64_t)id.key);
	db_put_int(q, now);
	return db_run(q, e);
}

int
keys_rotate(struct keys *k, const char *name, int64_t now, int64_t overlap_us,
    char token[TOKEN_TEXT_SIZE], struct err *e)
{
	scope_transaction t = { 0 };
	struct identity id;

	if (db_begin(k->db, &t, e) == -1 || keys_get_unrevoked(k, name, &id, e) == -1 ||
	    tokens_forget(k->db, id.key, now, e) == -1 ||
	    tokens_end(k->db, id.key, now + overlap_us, e) == -1 ||
	    tokens_add(k->db, id.key, now, token, e) == -1)
		return -1;
	return db_commit(&t, e);
}
