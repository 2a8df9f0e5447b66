#include "store/flag.h"

#include <inttypes.h>
#include <stdio.h>

#include "store/audit.h"

/* The number of the last word about him: flagged, or cleared. */
static int
last_word(struct db *d, const char *key, const char *user, int64_t *n, struct err *e)
{
	scope_query q = db_query(d,
	    "SELECT MAX(n) FROM audit WHERE kind IN ('user_flagged', 'flag_cleared')"
	    " AND key_name = $1 AND user_name = $2",
	    e);
	if (q == NULL)
		return -1;

	*n = 0;
	db_put_text(q, key);
	db_put_text(q, user);
	return db_step_int(q, n, e);
}

int
flag_raise(struct db *d, const struct flag_rule *rule, const char *key, const char *user,
    int64_t now, struct err *e)
{
	int64_t last = 0, jobs = 0;
	char detail[80];

	if (rule->violations == 0)
		return 0;
	/* Jobs before the last word have had it already. */
	if (last_word(d, key, user, &last, e) == -1)
		return -1;
	scope_query q = db_query(d,
	    "SELECT COUNT(DISTINCT job) FROM audit WHERE at > $1 AND n > $2"
	    " AND key_name = $3 AND user_name = $4 AND kind = 'security_violation'",
	    e);
	if (q == NULL)
		return -1;
	db_put_int(q, now - rule->window_us);
	db_put_int(q, last);
	db_put_text(q, key);
	db_put_text(q, user);
	if (db_step_int(q, &jobs, e) == -1)
		return -1;
	if (jobs < (int64_t)rule->violations)
		return 0;

	snprintf(detail, sizeof(detail), "%" PRId64 " jobs with violations", jobs);
	struct audit_entry a = { .at = now,
		.number = -1,
		.test = -1,
		.kind = "user_flagged",
		.key = key,
		.user = user,
		.detail = detail };
	return audit_append(d, &a, e) == -1 ? -1 : 1;
}

int
flag_list(struct db *d, int64_t lasts_us, int64_t now, flag_visit *visit, void *ctx,
    struct err *e)
{
	int rc;
	scope_query q = db_query(d,
	    "SELECT key_name, user_name, at FROM audit AS a WHERE kind = 'user_flagged'"
	    " AND at > $1 AND NOT EXISTS (SELECT 1 FROM audit AS b WHERE b.n > a.n AND"
	    " b.kind IN ('user_flagged', 'flag_cleared') AND b.key_name = a.key_name AND"
	    " b.user_name = a.user_name) ORDER BY at",
	    e);
	if (q == NULL)
		return -1;

	db_put_int(q, now - lasts_us);
	while ((rc = db_step(q, e)) == 1)
		if (visit(ctx, db_text(q, 0), db_text(q, 1), db_int(q, 2), e) == -1)
			return -1;
	return rc;
}
