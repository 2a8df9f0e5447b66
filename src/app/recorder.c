#include "app/recorder.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/scope.h"
#include "base/when.h"
#include "observe/metrics.h"
#include "store/runs.h"

#define BATCH         64
#define BUSY_MS       150     /* for an administrator's transaction; below log_wait */
#define START_BUSY_MS 5000    /* nobody waits for an answer yet */
#define REOPEN_US     1000000 /* between two attempts at a broken store */
#define TIDY_US       1000000 /* between two looks at sizes and ages */
#define TIDY_ROUND_US 20000   /* at one look */
#define TIDY_JOBS     20      /* deleted in one transaction */
#define ROOM_JOBS     200     /* deleted at once where there is no room left */
#define AUDIT_US      3600000000ULL /* between two retentions of the audit trail */
#define COMPLAIN_US   60000000      /* between two lines on the same matter */
#define CHECK_MAX     (64U << 20)  /* read whole at every start; larger ones when asked */
#define CLOCK_LEAP_US 3600000000LL /* more is no correction */
#define SHRINK_BYTES  (4U << 20)

/* A record on its way: where it came from, and the memory that it borrows. */
struct item {
	int fd; /* of its worker, borrowed */
	uint64_t number;
	struct record record;
	void *message; /* owned: malloc */
	void *mapping; /* or a memory file */
	size_t mapped;
	bool stored;
};

struct recorder {
	const struct recorder_rules *rules;
	struct notice *notice;
	struct db *db; /* owned; NULL: out of order */
	char kernel[128];
	int epoll, signals, control;
	bool ending;
	bool failed; /* the next one may do better: it gets all ends again */
	uint64_t reopen_us, tidy_us, audit_us, complain_us;
	uint64_t db_version; /* changes when an administrator wrote */
	uint64_t pruned;     /* jobs deleted that no record tells of yet */
	bool flags_stale;    /* somebody was flagged: count again */
	int64_t clock_gap;   /* the calendar's distance from the time since boot */
	bool clock_doubted;  /* and told */
	struct item batch[BATCH];
	unsigned n;
	char inbox[RECORD_INLINE];
};

/* --- the store, and how it is --- */

static void
complain(struct recorder *r, const struct err *e)
{
	uint64_t now = clock_us();
	char text[400];

	metrics_count(METRIC_STORE_ERRORS);
	notice_set(r->notice, err_text(e, text, sizeof(text)));
	if (now < r->complain_us)
		return;
	r->complain_us = now + COMPLAIN_US;
	log_err(e, "run log: not written");
}

static void
recovered(struct recorder *r)
{
	char why[NOTICE_WHY];

	if (!notice_get(r->notice, why))
		log_info("run log: written again");
	notice_set(r->notice, "");
}

static int
take_flag(void *ctx, const char *key, const char *user, int64_t since, struct err *e)
{
	struct recorder *r = ctx;

	(void)e;
	metrics_add(METRIC_FLAGGED_USERS, 0, 0, 1);
	notice_flag(r->notice, key, user, since + r->rules->flag.lasts_us);
	return 0;
}

static int
read_flags(struct recorder *r, struct err *e)
{
	notice_unflag_all(r->notice);
	metrics_set(METRIC_FLAGGED_USERS, 0);
	return audit_flagged(r->db, r->rules->flag.lasts_us, when_now(), take_flag, r, e);
}

static struct db_options
options_for(const struct recorder_rules *rules, unsigned busy_ms)
{
	return (struct db_options){
		.create = true, .busy_ms = busy_ms, .max_bytes = rules->max_bytes
	};
}

static int
open_store(struct recorder *r, struct err *e)
{
	struct db_options how = options_for(r->rules, BUSY_MS);

	if (runs_open(r->rules->store, &how, &r->db, e) == -1)
		return -1;
	if (db_version(r->db, &r->db_version, e) == -1 || read_flags(r, e) == -1) {
		db_close(r->db);
		r->db = NULL;
		return -1;
	}
	return 0;
}

/* What waiting helps against does not need another connection. */
static void
give_up(struct recorder *r, const struct err *e)
{
	complain(r, e);
	if (e->code == ERR_BUSY || e->code == ERR_OVER_LIMIT || e->code == ERR_BAD_INPUT)
		return;
	db_close(r->db);
	r->db = NULL;
	r->reopen_us = clock_us() + REOPEN_US;
}

static int
try_open(struct recorder *r, struct err *e)
{
	if (r->db != NULL)
		return 0;
	if (clock_us() < r->reopen_us)
		return err_set(e, ERR_BUSY, "the store is out of order");
	if (open_store(r, e) == 0)
		return 0;
	r->reopen_us = clock_us() + REOPEN_US;
	complain(r, e);
	return -1;
}

/* The file may have been moved away: then another one is made at once. */
static int
find_room(struct recorder *r, uint64_t *room, struct err *e)
{
	if (try_open(r, e) == -1)
		return -1;
	if (db_room(r->db, room, e) == 0)
		return 0;
	give_up(r, e);
	r->reopen_us = 0;
	if (try_open(r, e) == -1)
		return -1;
	return db_room(r->db, room, e);
}

/* Is there a store to write to? */
static bool
usable(struct recorder *r)
{
	struct err e = { 0 };
	uint64_t room = 0;

	if (find_room(r, &room, &e) == -1)
		return false;
	if (room < r->rules->min_free) {
		err_set(&e, ERR_OVER_LIMIT,
		    "%s: its file system has %llu MiB left, and log_min_free leaves %llu "
		    "to others: make room",
		    r->rules->store, (unsigned long long)room >> 20,
		    (unsigned long long)r->rules->min_free >> 20);
		complain(r, &e);
		return false;
	}
	return true;
}

/* --- records --- */

static void
item_free(struct item *i)
{
	record_free(&i->record);
	free(i->message);
	if (i->mapping != NULL)
		munmap(i->mapping, i->mapped);
	*i = (struct item){ 0 };
}

/* A message that came with a memory file: there is the record. */
static int
map_record(struct item *i, const struct record_head *head, int file, struct err *e)
{
	uint64_t size = 0;

	if (fd_check_sealed(file, RECORD_MAX, &size, e) == -1)
		return -1;
	if (size != head->len)
		return err_set(e, ERR_PROTO, "a memory file of another size");
	i->mapping = mmap(NULL, size, PROT_READ, MAP_PRIVATE, file, 0);
	if (i->mapping == MAP_FAILED) {
		i->mapping = NULL;
		return err_sys(e, "mmap a record");
	}
	i->mapped = size;
	return record_decode(i->mapping, size, &i->record, e);
}

static int
read_message(struct recorder *r, struct item *i, size_t len, const int *fds,
    unsigned nfds, struct err *e)
{
	struct record_head head;

	if (len < sizeof(head))
		return err_set(e, ERR_PROTO, "a record of %zu bytes", len);
	memcpy(&head, r->inbox, sizeof(head));
	i->number = head.number;
	if (nfds == 1 && len == sizeof(head))
		return map_record(i, &head, fds[0], e);
	if (nfds != 0)
		return err_set(e, ERR_PROTO, "a record with %u descriptors", nfds);
	i->message = malloc(len);
	if (i->message == NULL)
		return err_sys(e, "malloc");
	memcpy(i->message, r->inbox, len);
	return record_decode(i->message, len, &i->record, e);
}

static void
acknowledge(int fd, uint32_t what, uint64_t number)
{
	struct record_ack ack = { RECORD_MAGIC, what, number };
	struct err e;

	fd_send(fd, &ack, sizeof(ack), NULL, 0, &e); /* who does not read has gone */
}

static void
drop_peer(struct recorder *r, int fd)
{
	epoll_ctl(r->epoll, EPOLL_CTL_DEL, fd, NULL); /* the master holds it, too */
	close(fd);
}

static void
fail(struct recorder *r, const struct err *e)
{
	log_err(e, "recorder");
	r->ending = r->failed = true;
}

/* One record of one worker, so that none can keep the others waiting. */
static void
receive(struct recorder *r, int fd)
{
	struct item *i = &r->batch[r->n];
	int fds[FD_PASS_MAX];
	unsigned nfds = 0;
	struct err e = { 0 };
	long n = fd_recv(fd, r->inbox, sizeof(r->inbox), fds, &nfds, &e);

	if (n == -1 && e.code == ERR_BUSY)
		return; /* another recorder was faster */
	if (n == -1 && e.code == ERR_GONE) {
		drop_peer(r, fd);
		return;
	}
	if (n == -1 && e.code != ERR_PROTO) {
		fail(r, &e);
		return;
	}
	*i = (struct item){ .fd = fd };
	if (n == -1 || read_message(r, i, (size_t)n, fds, nfds, &e) == -1) {
		acknowledge(fd, RECORD_LOST, i->number);
		item_free(i);
		complain(r, &e);
	} else {
		r->n++;
	}
	fd_close_all(fds, nfds);
}

/* --- writing --- */

static int
write_one(struct recorder *r, struct item *i, int64_t now, struct err *e)
{
	struct record *rec = &i->record;
	const char *key = rec->text[RECORD_KEY], *user = rec->text[RECORD_USER];

	rec->job.at = now; /* a worker's clock is a worker's word */
	int rc = runs_add(r->db, rec, r->kernel, e);
	if (rc != 1 || rec->job.events == 0)
		return rc == -1 ? -1 : 0;
	if (audit_job(r->db, rec, e) == -1)
		return -1;
	rc = audit_flag(r->db, &r->rules->flag, key, user, now, e);
	if (rc == 1) {
		char k[LOG_WORD_BYTES], u[LOG_WORD_BYTES];
		log_warn("flagged key=%s user=%s job=%s: too many violations",
		    log_word(key, k), log_word(user, u), rec->text[RECORD_ID]);
		notice_flag(r->notice, key, user, now + r->rules->flag.lasts_us);
		r->flags_stale = true;
	}
	return rc == -1 ? -1 : 0;
}

static int
write_items(struct recorder *r, struct item *items, unsigned n, struct err *e)
{
	scope_transaction t = { 0 };
	int64_t now = when_now();

	if (db_begin(r->db, &t, e) == -1)
		return -1;
	for (unsigned i = 0; i < n; i++)
		if (write_one(r, &items[i], now, e) == -1)
			return -1;
	if (db_commit(&t, e) == -1)
		return -1;
	for (unsigned i = 0; i < n; i++)
		items[i].stored = true;
	metrics_add(METRIC_STORE_RECORDS, 0, 0, n);
	return 0;
}

/* The hard bound was reached before tidying was: the oldest go at once.  Where the disk
 * is full of other things, deleting what we have would help nobody. */
static int
make_room(struct recorder *r, struct err *e)
{
	scope_transaction t = { 0 };
	struct db_space space = { 0 };

	if (db_size(r->db, &space, e) == -1)
		return -1;
	if (space.used < r->rules->max_bytes / 4 * 3)
		return 0;
	if (db_begin(r->db, &t, e) == -1)
		return -1;
	int gone = runs_prune(r->db, INT64_MAX, ROOM_JOBS, e);
	if (gone == -1 || db_commit(&t, e) == -1)
		return -1;
	r->pruned += (uint64_t)gone;
	return gone;
}

/* All in one transaction; if that fails, each in its own: one that cannot be written
 * must not take the others along. */
static void
write_batch(struct recorder *r)
{
	struct err e = { 0 };

	if (!usable(r))
		return;
	int rc = write_items(r, r->batch, r->n, &e);
	if (rc == -1 && e.code == ERR_OVER_LIMIT && make_room(r, &e) > 0)
		rc = write_items(r, r->batch, r->n, &e);
	for (unsigned i = 0; rc == -1 && r->n > 1 && e.code == ERR_BAD_INPUT && i < r->n;
	     i++) {
		struct err why = { 0 };
		if (write_items(r, &r->batch[i], 1, &why) == -1)
			e = why;
	}
	if (rc == -1)
		give_up(r, &e);
	else
		recovered(r);
}

static void
flush(struct recorder *r)
{
	if (r->n == 0)
		return;
	write_batch(r);
	for (unsigned i = 0; i < r->n; i++) {
		acknowledge(r->batch[i].fd,
		    r->batch[i].stored ? RECORD_STORED : RECORD_LOST, r->batch[i].number);
		item_free(&r->batch[i]);
	}
	r->n = 0;
}

/* --- keeping it within its bounds --- */

/* Deletes some of the oldest jobs.  1: there may be more to do. */
static int
prune_some(struct recorder *r, int64_t before, struct err *e)
{
	scope_transaction t = { 0 };

	if (db_begin(r->db, &t, e) == -1)
		return -1;
	int gone = runs_prune(r->db, before, TIDY_JOBS, e);
	if (gone == -1 || db_commit(&t, e) == -1)
		return -1;
	r->pruned += (uint64_t)gone;
	return gone == TIDY_JOBS;
}

/* No job is left, and it is still too large: then the audit trail goes by halves. */
static int
prune_audit_for_room(struct recorder *r, struct err *e)
{
	static const uint64_t keep_s[] = { 14 * 86400, 7 * 86400, 86400, 3600, 60 };

	for (size_t i = 0; i < sizeof(keep_s) / sizeof(keep_s[0]); i++) {
		int gone =
		    audit_prune(r->db, when_now() - (int64_t)keep_s[i] * 1000000, e);
		if (gone != 0)
			return gone;
	}
	return 0;
}

/* A tenth of the bound is left free, so that writing need not wait for deleting. */
static int
tidy_size(struct recorder *r, uint64_t until_us, struct err *e)
{
	uint64_t soft = r->rules->max_bytes / 10 * 9;
	struct db_space space = { 0 };
	int more = 1;

	for (;;) {
		if (db_size(r->db, &space, e) == -1)
			return -1;
		metrics_set(METRIC_STORE_SIZE, space.disk);
		if (space.used <= soft || clock_us() >= until_us)
			break;
		if (more == 0)
			return prune_audit_for_room(r, e);
		more = prune_some(r, INT64_MAX, e);
		if (more == -1)
			return -1;
	}
	return space.unused > r->rules->max_bytes / 8 ? db_shrink(r->db, SHRINK_BYTES, e)
						      : 0;
}

/* That jobs were deleted stands in the trail: once an hour, and at the end. */
static int
tell_pruned(struct recorder *r, struct err *e)
{
	char detail[64];
	struct audit_entry a = {
		.number = -1, .test = -1, .kind = "log_retention", .detail = detail
	};

	if (r->pruned == 0)
		return 0;
	snprintf(detail, sizeof(detail), "%llu of the oldest jobs",
	    (unsigned long long)r->pruned);
	if (audit_add(r->db, &a, e) == -1)
		return -1;
	r->pruned = 0;
	return 0;
}

static int64_t
clock_gap(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return when_now() - ((int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000);
}

/* A calendar that leaps would make everything look old: then nothing is deleted for its
 * age until we are started again. */
static bool
clock_is_steady(struct recorder *r)
{
	int64_t leap = clock_gap() - r->clock_gap;

	if (leap > -CLOCK_LEAP_US && leap < CLOCK_LEAP_US)
		return true;
	if (!r->clock_doubted)
		log_warn(
		    "run log: the clock leapt by %lld s: nothing is deleted for its age "
		    "until a reload",
		    (long long)(leap / 1000000));
	r->clock_doubted = true;
	return false;
}

static int
tidy_ages(struct recorder *r, uint64_t until_us, struct err *e)
{
	int64_t now = when_now();
	int more = r->rules->keep_us != 0;

	if (!clock_is_steady(r))
		return 0;
	while (more == 1 && clock_us() < until_us)
		more = prune_some(r, now - (int64_t)r->rules->keep_us, e);
	if (more == -1)
		return -1;
	if (clock_us() < r->audit_us)
		return 0;
	r->audit_us = clock_us() + AUDIT_US;
	if (tell_pruned(r, e) == -1)
		return -1;
	if (r->rules->audit_keep_us == 0)
		return 0;
	return audit_prune(r->db, now - (int64_t)r->rules->audit_keep_us, e);
}

static int
tidy_flags(struct recorder *r, struct err *e)
{
	uint64_t version = 0;

	if (db_version(r->db, &version, e) == -1)
		return -1;
	if (version == r->db_version && !r->flags_stale)
		return 0;
	r->db_version = version;
	r->flags_stale = false;
	return read_flags(r, e);
}

static void
tidy(struct recorder *r)
{
	uint64_t now = clock_us(), until_us = now + TIDY_ROUND_US;
	struct err e = { 0 };

	if (now < r->tidy_us)
		return;
	r->tidy_us = now + TIDY_US;
	if (r->db == NULL && !usable(r))
		return;
	if (tidy_flags(r, &e) == -1 || tidy_size(r, until_us, &e) == -1 ||
	    tidy_ages(r, until_us, &e) == -1)
		give_up(r, &e);
}

/* --- the loop --- */

static int
watch(struct recorder *r, int fd, struct err *e)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = fd };

	if (epoll_ctl(r->epoll, EPOLL_CTL_ADD, fd, &ev) == -1)
		return err_sys(e, "epoll_ctl");
	return 0;
}

/* A worker's end: what it sent to one before us that was never answered, it sends again.
 */
static void
add_peer(struct recorder *r, int fd)
{
	struct err e = { 0 };

	if (watch(r, fd, &e) == -1) {
		close(fd);
		fail(r, &e);
		return;
	}
	acknowledge(fd, RECORD_RESEND, 0);
}

/* New workers' ends; at the end of file nobody comes any more. */
static void
on_control(struct recorder *r)
{
	char byte;
	int fds[FD_PASS_MAX];
	unsigned nfds = 0;
	struct err e = { 0 };

	for (;;) {
		if (fd_recv(r->control, &byte, 1, fds, &nfds, &e) == -1)
			break;
		for (unsigned i = 0; i < nfds; i++)
			add_peer(r, fds[i]);
	}
	if (e.code == ERR_GONE)
		drop_peer(r, r->control);
	else if (e.code != ERR_BUSY)
		fail(r, &e);
}

static int
wait_ms(const struct recorder *r)
{
	uint64_t now = clock_us();

	if (r->ending)
		return 0;
	return r->tidy_us > now ? (int)((r->tidy_us - now) / 1000 + 1) : 0;
}

/* Returns how many events there were. */
static int
turn(struct recorder *r)
{
	struct epoll_event events[BATCH];
	int n = epoll_wait(r->epoll, events, BATCH, wait_ms(r));

	for (int i = 0; i < n; i++) {
		int fd = events[i].data.fd;
		if (fd == r->signals)
			r->ending = true;
		else if (fd == r->control)
			on_control(r);
		else
			receive(r, fd);
	}
	flush(r);
	if (!r->ending)
		tidy(r);
	return n;
}

static int
set_up(struct recorder *r, const struct prefork_link *link, struct err *e)
{
	struct utsname u;
	sigset_t term;

	r->control = link->fd;
	r->clock_gap = clock_gap();
	r->epoll = epoll_create1(EPOLL_CLOEXEC);
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	r->signals = signalfd(-1, &term, SFD_CLOEXEC | SFD_NONBLOCK);
	if (r->epoll == -1 || r->signals == -1)
		return err_sys(e, "recorder: epoll or signalfd");
	if (uname(&u) == 0)
		snprintf(r->kernel, sizeof(r->kernel), "%s", u.release);
	if (watch(r, r->control, e) == -1 || watch(r, r->signals, e) == -1)
		return -1;
	for (unsigned i = 0; i < link->n; i++)
		add_peer(r, link->ends[i]);
	return 0;
}

int
recorder_run(const struct recorder_rules *rules, struct notice *notice,
    const struct prefork_link *link)
{
	scope_free struct recorder *r = calloc(1, sizeof(*r));
	struct err e = { 0 };

	if (r == NULL)
		return 1;
	r->rules = rules;
	r->notice = notice;
	if (set_up(r, link, &e) == -1) {
		log_err(&e, "recorder");
		return 1;
	}
	usable(r); /* before the first record waits for it */
	while (!r->ending)
		turn(r);
	epoll_ctl(r->epoll, EPOLL_CTL_DEL, r->signals, NULL); /* it stays readable */
	while (turn(r) > 0)
		;
	if (r->db != NULL && tell_pruned(r, &e) == -1)
		log_err(&e, "run log");
	db_close(r->db);
	return r->failed;
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
prepare(const struct recorder_rules *rules, const char *kind, bool check, struct err *e)
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
recorder_prepare(const struct recorder_rules *rules, const char *kind,
    struct notice *notice, bool *off, struct err *e)
{
	bool start = strcmp(kind, RECORDER_START) == 0;
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
