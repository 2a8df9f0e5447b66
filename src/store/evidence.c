#include "store/evidence.h"

int
evidence_add(
    struct evidence *v, const char *name, const void *data, size_t len, struct err *e)
{
	char hex[SHA256_HEX];

	if (sha256_of(data, len, &v->last, e) == -1)
		return -1;
	sha256_hex(&v->last, hex);
	buf_fmt(&v->list, "%s  %s\n", hex, name);
	v->n++;
	return 0;
}

int
evidence_hash(const struct evidence *v, char out[SHA256_HEX], struct err *e)
{
	struct sha256 hash = v->last;

	out[0] = '\0';
	if (v->n > 1 && sha256_of(v->list.data, v->list.len, &hash, e) == -1)
		return -1;
	if (v->n > 0)
		sha256_hex(&hash, out);
	return 0;
}

static int
keep_file(struct db *d, int64_t n, const struct record_attachment *a, struct err *e)
{
	scope_query q = db_query(
	    d, "INSERT INTO evidence (n, i, name, content) VALUES ($1, $2, $3, $4)", e);
	if (q == NULL)
		return -1;

	db_put_int(q, n);
	db_put_int(q, a->head.index);
	db_put_text(q, a->name);
	db_put_bytes(q, a->data, a->head.len);
	return db_run(q, e);
}

int
evidence_hash_job(const struct record *r, char out[SHA256_HEX], struct err *e)
{
	struct evidence v = { .n = 0 };
	int rc = 0;

	for (unsigned i = 0; rc == 0 && i < r->job.attachments; i++) {
		const struct record_attachment *a = &r->attachments[i];
		if (a->head.kind == RECORD_EVIDENCE)
			rc = evidence_add(&v, a->name, a->data, a->head.len, e);
	}
	if (rc == 0)
		rc = evidence_hash(&v, out, e);
	buf_free(&v.list);
	return rc;
}

int
evidence_keep(struct db *d, int64_t n, const struct record *r, struct err *e)
{
	for (unsigned i = 0; i < r->job.attachments; i++)
		if (r->attachments[i].head.kind == RECORD_EVIDENCE &&
		    keep_file(d, n, &r->attachments[i], e) == -1)
			return -1;
	return 0;
}

int
evidence_list(struct db *d, int64_t n, evidence_visit *visit, void *ctx, struct err *e)
{
	int rc;
	scope_query q =
	    db_query(d, "SELECT name, content FROM evidence WHERE n = $1 ORDER BY i", e);
	if (q == NULL)
		return -1;

	db_put_int(q, n);
	while ((rc = db_step(q, e)) == 1) {
		size_t len = 0;
		const void *data = db_bytes(q, 1, &len);
		if (visit(ctx, db_text(q, 0), data, len, e) == -1)
			return -1;
	}
	return rc;
}
