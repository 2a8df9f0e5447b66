#include "app/ledger.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/when.h"
#include "observe/metrics.h"
#include "store/audit.h"
#include "store/incident.h"
#include "store/runs.h"

#define BUSY_MS       150     /* for an administrator's transaction; below log_wait */
#define START_BUSY_MS 5000    /* nobody waits for an answer yet */
#define REOPEN_US     1000000 /* between two attempts at a broken store */
#define TIDY_ROUND_US 20000
#define COMPLAIN_US   60000000    /* between two lines on the same matter */
#define CHECK_MAX     (64U << 20) /* read whole at every start; larger ones when asked */

void
ledger_complain(struct ledger *l, const struct err *e)
{
	uint64_t now = clock_us();
	char text[400];

	metrics_count(METRIC_STORE_ERRORS);
	notice_set(l->notice, err_text(e, text, sizeof(text)));
	if (now < l->complain_us)
		return;
	l->complain_us = now + COMPLAIN_US;
	log_err(e, "run log: not written");
}

static void
recovered(struct ledger *l)
{
	char why[NOTICE_WHY];

	if (!notice_get(l->notice, why))
		log_info("run log: written again");
	notice_set(l->notice, "");
}

static int
take_flag(void *ctx, const char *key, const char *user, int64_t since, struct err *e)
{
	struct ledger *l = ctx;

	(void)e;
	metrics_add(METRIC_FLAGGED_USERS, 0, 0, 1);
	notice_flag(l->notice, key, user, since + l->rules->flag.lasts_us);
	return 0;
}

static int
read_flags(struct ledger *l, struct err *e)
{
	notice_unflag_all(l->notice);
	metrics_set(METRIC_FLAGGED_USERS, 0);
	return flag_list(l->db, l->rules->flag.lasts_us, when_now(), take_flag, l, e);
}

static struct db_options
options_for(const struct ledger_rules *rules, unsigned busy_ms)
{
	return (struct db_options){
		.create = true, .busy_ms = busy_ms, .max_bytes = rules->keep.max_bytes
	};
}

static int
open_store(struct ledger *l, struct err *e)
{
	struct db_options how = options_for(l->rules, BUSY_MS);

	if (runs_open(l->rules->store, &how, &l->db, e) == -1)
		return -1;
	if (db_version(l->db, &l->db_version, e) == -1 || read_flags(l, e) == -1) {
		db_close(l->db);
		l->db = NULL;
		return -1;
	}
	return 0;
}

/* What waiting helps against does not need another connection. */
static void
give_up(struct ledger *l, const struct err *e)
{
	ledger_complain(l, e);
	if (e->code == ERR_BUSY || e->code == ERR_OVER_LIMIT || e->code == ERR_BAD_INPUT)
		return;
	db_close(l->db);
	l->db = NULL;
	l->reopen_us = clock_us() + REOPEN_US;
}

static int
try_open(struct ledger *l, struct err *e)
{
	if (l->db != NULL)
		return 0;
	if (clock_us() < l->reopen_us)
		return err_set(e, ERR_BUSY, "the store is out of order");
	if (open_store(l, e) == 0)
		return 0;
	l->reopen_us = clock_us() + REOPEN_US;
	ledger_complain(l, e);
	return -1;
}

/* The file may have been moved away: then another one is made at once. */
static int
find_room(struct ledger *l, uint64_t *room, struct err *e)
{
	if (try_open(l, e) == -1)
		return -1;
	if (db_room(l->db, room, e) == 0)
		return 0;
	give_up(l, e);
	l->reopen_us = 0;
	if (try_open(l, e) == -1)
		return -1;
	return db_room(l->db, room, e);
}

/* Is there a store to write to? */
static bool
usable(struct ledger *l)
{
	struct err e = { 0 };
	uint64_t room = 0;

	if (find_room(l, &room, &e) == -1)
		return false;
	if (room < l->rules->min_free) {
		err_set(&e, ERR_OVER_LIMIT,
		    "%s: its file system has %llu MiB left, and log_min_free leaves %llu "
		    "to others: make room",
		    l->rules->store, (unsigned long long)room >> 20,
		    (unsigned long long)l->rules->min_free >> 20);
		ledger_complain(l, &e);
		return false;
	}
	return true;
}

/* --- writing --- */

/* Whoever sent it has refused the job meanwhile: it is not to stand there as answered. */
static bool
is_late(const struct ledger_entry *entry, int64_t now)
{
	const struct record_job *j = &entry->record.job;

	return j->wait_ms != 0 && now - j->at > (int64_t)j->wait_ms * 1000;
}

static int
write_one(struct ledger *l, struct record *rec, int64_t now, struct err *e)
{
	const char *key = rec->text[RECORD_KEY], *user = rec->text[RECORD_USER];

	rec->job.at = now; /* a worker's clock is a worker's word */
	int rc = runs_add(l->db, rec, l->kernel, e);
	if (rc != 1 || rec->job.events == 0)
		return rc == -1 ? -1 : 0;
	if (incident_record(l->db, rec, e) == -1)
		return -1;
	rc = flag_raise(l->db, &l->rules->flag, key, user, now, e);
	if (rc == 1) {
		char k[LOG_WORD_BYTES], u[LOG_WORD_BYTES];
		log_warn("flagged key=%s user=%s job=%s: too many violations",
		    log_word(key, k), log_word(user, u), rec->text[RECORD_ID]);
		notice_flag(l->notice, key, user, now + l->rules->flag.lasts_us);
		l->flags_stale = true;
	}
	return rc == -1 ? -1 : 0;
}

static int
write_entries(struct ledger *l, struct ledger_entry *entries, unsigned n, struct err *e)
{
	scope_transaction t = { 0 };
	int64_t now = when_now();
	unsigned written = 0;

	if (db_begin(l->db, &t, e) == -1)
		return -1;
	for (unsigned i = 0; i < n; i++)
		if (!is_late(&entries[i], now) &&
		    write_one(l, &entries[i].record, now, e) == -1)
			return -1;
	if (db_commit(&t, e) == -1)
		return -1;
	for (unsigned i = 0; i < n; i++) {
		entries[i].stored = !is_late(&entries[i], now);
		written += entries[i].stored;
	}
	metrics_add(METRIC_STORE_RECORDS, 0, 0, written);
	return 0;
}

void
ledger_write(struct ledger *l, struct ledger_entry *entries, unsigned n)
{
	struct err e = { 0 };

	if (!usable(l))
		return;
	int rc = write_entries(l, entries, n, &e);
	if (rc == -1 && e.code == ERR_OVER_LIMIT &&
	    retention_make_room(&l->retention, l->db, &e) > 0)
		rc = write_entries(l, entries, n, &e);
	for (unsigned i = 0; rc == -1 && n > 1 && e.code == ERR_BAD_INPUT && i < n; i++) {
		struct err why = { 0 };
		if (write_entries(l, &entries[i], 1, &why) == -1)
			e = why;
	}
	if (rc == -1)
		give_up(l, &e);
	else
		recovered(l);
}

/* --- keeping it --- */

static int
tidy_flags(struct ledger *l, struct err *e)
{
	uint64_t version = 0;

	if (db_version(l->db, &version, e) == -1)
		return -1;
	if (version == l->db_version && !l->flags_stale)
		return 0;
	l->db_version = version;
	l->flags_stale = false;
	return read_flags(l, e);
}
void
ledger_tidy(struct ledger *l)
{
	uint64_t until_us = clock_us() + TIDY_ROUND_US;
	struct err e = { 0 };

	if (l->db == NULL && !usable(l))
		return;
	if (tidy_flags(l, &e) == -1 ||
	    retention_tidy(&l->retention, l->db, until_us, &e) == -1)
		give_up(l, &e);
}

void
ledger_rest(struct ledger *l)
{
	if (l->db != NULL)
		db_rest(l->db);
}

void
ledger_open(struct ledger *l, const struct ledger_rules *rules, struct notice *notice)
{
	struct utsname u;

	*l = (struct ledger){ .rules = rules, .notice = notice };
	retention_start(&l->retention, &rules->keep, NULL);
	if (uname(&u) == 0)
		snprintf(l->kernel, sizeof(l->kernel), "%s", u.release);
	usable(l); /* before the first record waits for it */
}

void
ledger_close(struct ledger *l)
{
	struct err e = { 0 };

	if (l->db != NULL && retention_tell(&l->retention, l->db, &e) == -1)
		log_err(&e, "run log");
	db_close(l->db);
	l->db = NULL;
}

/* --- before the start --- */

/* For a log outside this machine, with which the chain can be compared. */
static int
tell_head(struct db *d, struct err *e)
{
	int64_t n = 0;
	struct sha256 hash;
	char hex[SHA256_HEX];

	if (audit_head(d, &n, &hash, e) == -1)
		return -1;
	sha256_hex(&hash, hex);
	log_info("audit head=%lld:%s", (long long)n, hex);
	return 0;
}

static int
prepare(const struct ledger_rules *rules, const char *kind, bool check, struct err *e)
{
	struct db_options how = options_for(rules, START_BUSY_MS);
	struct audit_entry a = {
		.number = -1, .test = -1, .kind = kind, .detail = PACKAGE_VERSION
	};
	scope_db d = NULL;
	struct db_space space = { 0 };

	if (runs_open(rules->store, &how, &d, e) == -1 || db_size(d, &space, e) == -1)
		return -1;
	if (check && space.disk <= CHECK_MAX && db_check(d, e) == -1)
		return -1;
	if (audit_add(d, &a, e) == -1)
		return -1;
	return tell_head(d, e);
}

/* What passes by itself, or is nobody's fault here. */
static bool
may_pass(const struct err *e)
{
	return e->code == ERR_BUSY || e->code == ERR_OVER_LIMIT || e->sys == ENOSPC ||
	       e->sys == EDQUOT;
}

int
ledger_prepare(const struct ledger_rules *rules, const char *kind, struct notice *notice,
    bool *off, struct err *e)
{
	bool start = strcmp(kind, LEDGER_START) == 0;
	struct stat st;
	char text[400];

	*off = stat(rules->store, &st) == -1 && errno == ENOENT;
	if (*off || prepare(rules, kind, start, e) == 0)
		return 0;
	if (start && !may_pass(e))
		return -1;
	notice_set(notice, err_text(e, text, sizeof(text)));
	log_err(e, "run log");
	*e = (struct err){ 0 };
	return 0;
}
