#include "store/incident.h"

#include "store/audit.h"
#include "store/evidence.h"
#include "store/omitted.h"

int
incident_record(struct db *d, const struct record *r, struct err *e)
{
	char source[SHA256_HEX], evidence[SHA256_HEX] = "";
	bool keep = false;
	int rc = omitted_room(d, r, &keep, e);

	if (rc != 1)
		return rc;
	if (keep && evidence_hash_job(r, evidence, e) == -1)
		return -1;
	sha256_hex(&r->job.source, source);
	for (unsigned i = 0; i < r->job.events; i++) {
		const struct record_event *v = &r->events[i];
		struct audit_entry a = { .at = r->job.at,
			.number = v->call,
			.test = v->test,
			.kind = record_event_names[v->kind],
			.key = r->text[RECORD_KEY],
			.user = r->text[RECORD_USER],
			.address = r->text[RECORD_ADDRESS],
			.language = r->text[RECORD_LANGUAGE],
			.job = r->text[RECORD_ID],
			.request = r->text[RECORD_REQUEST],
			.source = source,
			.call = v->name,
			.detail = v->detail,
			.evidence = i == 0 ? evidence : "" };

		if (audit_append(d, &a, e) == -1)
			return -1;
		if (i == 0 && keep && evidence_keep(d, a.n, r, e) == -1)
			return -1;
	}
	return 0;
}
