#include "store/reservations.h"

#include <inttypes.h>
#include <stdio.h>

int
reservations_held(struct keys *k, uint64_t key, int64_t now, uint32_t *own,
    uint32_t *others, struct err *e)
{
	struct db *d = keys_db(k, e);
	uint64_t mine = 0, rest = 0;
	int rc;

	if (d == NULL)
		return -1;
	scope_query q = db_query(d,
	    "SELECT r.key, r.slots FROM reservations r JOIN keys k ON k.id = r.key "
	    "WHERE r.ends > $1 AND r.starts <= $1 AND k.revoked = 0 "
	    "AND (k.expires = 0 OR k.expires > $1)",
	    e);
	if (q == NULL)
		return -1;
	db_put_int(q, now);
	while ((rc = db_step(q, e)) == 1)
		*((uint64_t)db_int(q, 0) == key ? &mine : &rest) +=
		    (uint64_t)db_int(q, 1);
	if (rc == -1)
		return -1;
	*own = mine < UINT32_MAX ? (uint32_t)mine : UINT32_MAX;
	*others = rest < UINT32_MAX ? (uint32_t)rest : UINT32_MAX;
	return 0;
}

int
reservation_check(const struct reservation *r, int64_t now, struct err *e)
{
	if (r->slots < 1 || r->slots > 1024)
		return err_set(e, ERR_BAD_INPUT, "from 1 to 1024 slots can be reserved");
	if (r->to <= r->from || r->to <= now)
		return err_set(e, ERR_BAD_INPUT, "the reservation would be over already");
	return 0;
}

int
reservation_add(struct keys *k, struct reservation *r, int64_t now, struct err *e)
{
	struct db *d = keys_db(k, e);
	scope_transaction t = { 0 };
	struct identity id;

	if (d == NULL || reservation_check(r, now, e) == -1 || db_begin(d, &t, e) == -1 ||
	    keys_get_unrevoked(k, r->name, &id, e) == -1)
		return -1;
	scope_query q = db_query(d,
	    "INSERT INTO reservations (key, slots, starts, ends) "
	    "VALUES ($1, $2, $3, $4) RETURNING id",
	    e);
	if (q == NULL)
		return -1;
	db_put_int(q, (int64_t)id.key);
	db_put_int(q, (int64_t)r->slots);
	db_put_int(q, r->from);
	db_put_int(q, r->to);
	if (db_step(q, e) != 1)
		return -1;
	r->id = db_int(q, 0);
	db_reset(q);
	return db_commit(&t, e);
}

int
reservations_list(
    struct keys *k, int64_t now, reservation_visit *visit, void *ctx, struct err *e)
{
	struct db *d = keys_db(k, e);
	struct reservation r;
	int rc;

	if (d == NULL)
		return -1;
	scope_query q = db_query(d,
	    "SELECT r.id, k.name, r.slots, r.starts, r.ends FROM reservations r "
	    "JOIN keys k ON k.id = r.key WHERE r.ends > $1 ORDER BY r.starts, r.id",
	    e);
	if (q == NULL)
		return -1;
	db_put_int(q, now);
	while ((rc = db_step(q, e)) == 1) {
		r = (struct reservation){ .id = db_int(q, 0),
			.slots = (uint64_t)db_int(q, 2),
			.from = db_int(q, 3),
			.to = db_int(q, 4) };
		snprintf(r.name, sizeof(r.name), "%s", db_text(q, 1));
		if (visit(ctx, &r, e) == -1)
			return -1;
	}
	return rc;
}

int
reservation_cancel(struct keys *k, int64_t id, struct err *e)
{
	struct db *d = keys_db(k, e);
	if (d == NULL)
		return -1;
	scope_query q = db_query(d, "DELETE FROM reservations WHERE id = $1", e);
	if (q == NULL)
		return -1;

	db_put_int(q, id);
	if (db_run(q, e) == -1)
		return -1;
	if (db_changed(d) == 0)
		return err_set(e, ERR_BAD_INPUT, "there is no reservation %" PRId64, id);
	return 0;
}
