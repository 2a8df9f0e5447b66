#include "store/omitted.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/when.h"
#include "store/audit.h"

#define HOUR_US 3600000000LL

/* Jobs of the last hour that are in the trail; user NULL: of all of the key. */
static int
count_jobs(struct db *d, const char *key, const char *user, int64_t now, int64_t *out,
    struct err *e)
{
	scope_query q = db_query(d,
	    "SELECT COUNT(DISTINCT job) FROM audit WHERE at > $1 AND job <> ''"
	    " AND key_name = $2 AND ($3 = 0 OR user_name = $4)",
	    e);
	if (q == NULL)
		return -1;

	db_put_int(q, now - HOUR_US);
	db_put_text(q, key);
	db_put_int(q, user != NULL);
	db_put_text(q, user != NULL ? user : "");
	return db_step_int(q, out, e) == -1 ? -1 : 0;
}

static int
omit(struct db *d, const char *key, const char *user, int64_t now, struct err *e)
{
	scope_query q = db_query(d,
	    "INSERT INTO omitted (key_name, user_name, since, jobs)"
	    " VALUES ($1, $2, $3, 1) ON CONFLICT (key_name, user_name)"
	    " DO UPDATE SET jobs = omitted.jobs + 1",
	    e);
	if (q == NULL)
		return -1;

	db_put_text(q, key);
	db_put_text(q, user);
	db_put_int(q, now);
	return db_run(q, e);
}

int
omitted_room(struct db *d, const struct record *r, bool *evidence, struct err *e)
{
	const char *key = r->text[RECORD_KEY], *user = r->text[RECORD_USER];
	int64_t of_key = 0, of_user = 0;

	if (count_jobs(d, key, NULL, r->job.at, &of_key, e) == -1 ||
	    (user[0] != '\0' && count_jobs(d, key, user, r->job.at, &of_user, e) == -1))
		return -1;
	*evidence = of_key < OMITTED_KEY_EVIDENCE && of_user < OMITTED_USER_EVIDENCE;
	if (of_key >= OMITTED_KEY_JOBS)
		return omit(d, key, "", r->job.at, e);
	return of_user >= OMITTED_USER_JOBS ? omit(d, key, user, r->job.at, e) : 1;
}

/* Returns 1, or 0 if there is none. */
static int
tell_one_omitted(struct db *d, struct err *e)
{
	char detail[100], since[WHEN_TEXT];
	scope_buf key = { 0 }, user = { 0 };
	scope_query q = db_query(
	    d, "SELECT key_name, user_name, since, jobs FROM omitted LIMIT 1", e);
	scope_query done =
	    db_query(d, "DELETE FROM omitted WHERE key_name = $1 AND user_name = $2", e);
	if (q == NULL || done == NULL)
		return -1;

	int rc = db_step(q, e);
	if (rc != 1)
		return rc;
	buf_str(&key, db_text(q, 0));
	buf_str(&user, db_text(q, 1));
	when_text(db_int(q, 2), since);
	snprintf(detail, sizeof(detail), "%" PRId64 " more jobs since %s", db_int(q, 3),
	    since);
	db_reset(q);
	struct audit_entry a = { .number = -1,
		.test = -1,
		.kind = "events_omitted",
		.key = buf_cstr(&key),
		.user = buf_cstr(&user),
		.detail = detail };
	db_put_text(done, a.key);
	db_put_text(done, a.user);
	return db_run(done, e) == -1 || audit_append(d, &a, e) == -1 ? -1 : 1;
}

int
omitted_tell(struct db *d, struct err *e)
{
	scope_transaction t = { 0 };
	int rc = db_begin(d, &t, e) == -1 ? -1 : 1;

	while (rc == 1)
		rc = tell_one_omitted(d, e);
	return rc == -1 ? -1 : db_commit(&t, e);
}
