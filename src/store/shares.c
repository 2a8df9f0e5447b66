#include "store/shares.h"

int
shares_add(struct db *d, const char *key, const char *user, int64_t bytes, struct err *e)
{
	scope_query q = db_query(d,
	    "INSERT INTO shares (key_name, user_name, jobs, bytes) VALUES ($1, $2, 1, $3)"
	    " ON CONFLICT (key_name, user_name) DO UPDATE SET jobs = shares.jobs + 1,"
	    " bytes = shares.bytes + excluded.bytes",
	    e);
	if (q == NULL)
		return -1;

	db_put_text(q, key);
	db_put_text(q, user);
	db_put_int(q, bytes);
	return db_run(q, e);
}

int
shares_take(struct db *d, const char *key, const char *user, int64_t bytes, struct err *e)
{
	scope_query less = db_query(d,
	    "UPDATE shares SET jobs = jobs - 1, bytes = bytes - $1"
	    " WHERE key_name = $2 AND user_name = $3",
	    e);
	scope_query none = db_query(d,
	    "DELETE FROM shares WHERE key_name = $1 AND user_name = $2 AND jobs <= 0", e);
	if (less == NULL || none == NULL)
		return -1;

	db_put_int(less, bytes);
	db_put_text(less, key);
	db_put_text(less, user);
	db_put_text(none, key);
	db_put_text(none, user);
	return db_run(less, e) == -1 ? -1 : db_run(none, e);
}

static int
read_name(struct db_query *q, struct buf *out, struct err *e)
{
	int rc = db_step(q, e);

	if (rc == 1)
		buf_str(out, db_text(q, 0));
	return rc;
}

int
shares_largest(struct db *d, struct buf *key, struct buf *user, struct err *e)
{
	scope_query keys = db_query(d,
	    "SELECT key_name FROM shares GROUP BY key_name ORDER BY SUM(bytes) DESC "
	    "LIMIT 1",
	    e);
	scope_query users = db_query(d,
	    "SELECT user_name FROM shares WHERE key_name = $1 ORDER BY bytes DESC LIMIT "
	    "1",
	    e);
	if (keys == NULL || users == NULL)
		return -1;

	int rc = read_name(keys, key, e);
	if (rc != 1)
		return rc;
	db_put_text(users, buf_cstr(key));
	return read_name(users, user, e);
}

int
shares_reckon(struct db *d, struct err *e)
{
	return db_exec(d, "DELETE FROM shares;" SHARES_OF_JOBS, e);
}
