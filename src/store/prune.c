#include "store/prune.h"

#include "store/shares.h"

/* Runs a deletion that ends in RETURNS_OWNERS. */
#define RETURNS_OWNERS " RETURNING key_name, user_name, bytes"
static int
delete_jobs(struct db *d, struct db_query *q, struct err *e)
{
	int rc, gone = 0;

	for (; (rc = db_step(q, e)) == 1; gone++)
		if (shares_take(d, db_text(q, 0), db_text(q, 1), db_int(q, 2), e) == -1)
			return -1;
	return rc == -1 ? -1 : gone;
}

/* In the order in which they were written, up to the one that is the oldest of those to
 * stay: so a job of a day on which the clock was far behind goes no sooner than others of
 * that day. */
int
prune_old(struct db *d, int64_t before, unsigned batch, struct err *e)
{
	scope_query q = db_query(d,
	    "DELETE FROM jobs WHERE n IN (SELECT n FROM jobs WHERE at < $1 AND n <"
	    " COALESCE((SELECT n FROM jobs WHERE at >= $2 ORDER BY at LIMIT 1), $3)"
	    " ORDER BY n LIMIT $4)" RETURNS_OWNERS,
	    e);
	if (q == NULL)
		return -1;

	db_put_int(q, before);
	db_put_int(q, before);
	db_put_int(q, INT64_MAX);
	db_put_int(q, batch);
	return delete_jobs(d, q, e);
}

int
prune_largest(struct db *d, unsigned batch, struct err *e)
{
	scope_buf key = { 0 }, user = { 0 };
	int rc = shares_largest(d, &key, &user, e);

	if (rc != 1)
		return rc;
	scope_query q = db_query(d,
	    "DELETE FROM jobs WHERE n IN (SELECT n FROM jobs WHERE key_name = $1"
	    " AND user_name = $2 ORDER BY n LIMIT $3)" RETURNS_OWNERS,
	    e);
	if (q == NULL)
		return -1;
	db_put_text(q, buf_cstr(&key));
	db_put_text(q, buf_cstr(&user));
	db_put_int(q, batch);
	return delete_jobs(d, q, e);
}

int
prune_user(struct db *d, const char *user, const char *key, unsigned batch, struct err *e)
{
	scope_query q = db_query(d,
	    "DELETE FROM jobs WHERE n IN (SELECT n FROM jobs WHERE user_name = $1"
	    " AND ($2 = 0 OR key_name = $3) LIMIT $4)" RETURNS_OWNERS,
	    e);
	if (q == NULL)
		return -1;

	db_put_text(q, user);
	db_put_int(q, key != NULL);
	db_put_text(q, key != NULL ? key : "");
	db_put_int(q, batch);
	return delete_jobs(d, q, e);
}

/* --- the moment up to which jobs have aged --- */

static int
read_moment(struct db *d, const char *sql, int64_t *at, struct err *e)
{
	scope_query q = db_query(d, sql, e);
	if (q == NULL)
		return -1;

	return db_step_int(q, at, e);
}

int
prune_moment(struct db *d, int64_t *at, struct err *e)
{
	int rc = read_moment(d, "SELECT at FROM marks WHERE name = 'aged'", at, e);

	if (rc != 0)
		return rc;
	return read_moment(d, "SELECT at FROM jobs ORDER BY at DESC LIMIT 1", at, e);
}

int
prune_set_moment(struct db *d, int64_t at, struct err *e)
{
	scope_transaction t = { 0 };
	scope_query q = db_query(d,
	    "INSERT INTO marks (name, at) VALUES ('aged', $1)"
	    " ON CONFLICT (name) DO UPDATE SET at = excluded.at",
	    e);
	if (q == NULL || db_begin(d, &t, e) == -1)
		return -1;

	db_put_int(q, at);
	return db_run(q, e) == -1 ? -1 : db_commit(&t, e);
}
