/*
 * Theory of operation.
 *
 * The file holds accounts of keys, accounts of users and holds.  An account knows the
 * past: requests (as the moment at which its bucket is full again, the "theoretical
 * arrival time" of GCRA) and CPU time of its day.  A hold is the present: the one claim
 * of one process.  Jobs at a time and CPU time spoken for are sums over the holds, so
 * there is no counter that a dead process could leave too high.
 *
 * A process owns hold n while it has a lock on byte n of the file; the kernel drops it
 * when the process ends, however it ends.  So whoever would be refused looks first which
 * holds are nobody's any more.  One more byte is the lock of all the rest, for a few
 * hundred nanoseconds at a time.
 *
 * A process may be killed between any two stores.  Each store leaves the file valid, and
 * the order is such that the worst is one request that was not counted and not answered.
 *
 * Accounts lie in two tables of fixed size, found by hash and a short walk.  That of a
 * key is only ever replaced when it is idle: bucket full, nothing used today, no hold.
 * For a user without a place an idle one gives way, or else the one of the same key that
 * was seen longest ago; where there is none, he is not counted for himself, and the
 * bounds of his key hold alone.  So inventing users takes no room from other keys' users
 * that these have use for, and never leads beyond the key's own bounds.
 *
 * Clocks.  Rates go by the clock that counts from boot and is never set; a new boot
 * forgets them.  Days are those of the service's time zone.  When the wall clock is set
 * back over midnight, what was used stays used and belongs to the day that it is now;
 * set forward, a day begins, and does not begin again when the clock is put right.
 */
#include "judge/quota.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/scope.h"

#define MAGIC       0x31544f5551424aULL /* "JBQUOT1" */
#define LAYOUT      1
#define KEYS        16384
#define USERS       65536
#define HOLDS       4096
#define KEY_WALK    KEYS /* a key without a place is refused */
#define USER_WALK   256
#define TOLD_NS     (3600 * SEC_NS) /* between two lines on users without a place */
#define NOBODY      UINT32_MAX
#define LOCK_ALL    0
#define LOCK_HOLDS  1 /* byte of hold 0 */
#define LOCK_WAIT_S 2
#define SEC_NS      1000000000ULL
#define MSEC_US     1000ULL
#define DAY_S       86400
#define BURST_MAX   100000 /* or count, if that is more: keeps products below 2^64 */
#define SOON_S      2      /* "a job of yours may end any time" */

/* An empty place ends a walk, one that changes hands does not: its old or new owner may
 * lie beyond. */
enum use { USE_EMPTY, USE_TAKEN, USE_CHANGING };

struct account {
	uint64_t key, user;
	uint64_t full_ns; /* when the bucket is full, by the clock of this boot */
	uint64_t seen_ns;
	uint64_t cpu_us; /* of the day */
	uint32_t day;    /* yyyymmdd */
	uint32_t used;   /* enum use; set last */
	char name[48];
	char rest[32];
};

struct hold {
	uint32_t active; /* set last, cleared first */
	uint32_t key_at, user_at;
	uint32_t rest;
	uint64_t cpu_us;
};

struct head {
	uint64_t magic;
	uint32_t version, keys, users, holds, account_size, hold_size;
	uint64_t check; /* of the numbers above: a file of another shape is not ours */
	char boot[40];
	uint64_t seen_ns; /* the latest moment of this boot that anybody saw */
	uint32_t high;    /* holds at and above it were never owned */
};

struct table {
	struct head head;
	struct hold holds[HOLDS];
	struct account keys[KEYS];
	struct account users[USERS];
};

struct quota {
	struct table *t;
	int fd;
	bool readonly;
	uint32_t mine;    /* my hold; NOBODY: not yet */
	uint64_t tell_ns; /* when it may be told again that users find no place */
	const struct quota_clock *clock;
	char boot[40];
};

/* --- clocks --- */

static uint64_t
boot_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * SEC_NS + (uint64_t)t.tv_nsec;
}

static int64_t
wall_s(void)
{
	return time(NULL);
}

static const struct quota_clock real_clock = { boot_ns, wall_s };

struct now {
	uint64_t ns;
	uint32_t day;
	uint64_t day_s; /* until it ends */
};

static struct now
now_of(const struct quota *q)
{
	time_t wall = (time_t)q->clock->wall_s();
	struct tm tm = { 0 };
	struct now n = { .ns = q->clock->boot_ns() };

	/* not mktime(3), which looks at the file of the time zone again each time */
	localtime_r(&wall, &tm);
	n.day =
	    (uint32_t)((tm.tm_year + 1900) * 10000 + (tm.tm_mon + 1) * 100 + tm.tm_mday);
	n.day_s = (uint64_t)(DAY_S - (tm.tm_hour * 60 + tm.tm_min) * 60 - tm.tm_sec);
	n.day_s += n.day_s == 0; /* a leap second */
	return n;
}

/* --- locks --- */

static int
set_lock(const struct quota *q, off_t byte, short type)
{
	struct flock l = {
		.l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1
	};

	return fcntl(q->fd, F_SETLK, &l);
}

/* Bounded: a holder that was stopped must not stop everybody. */
static int
lock_all(const struct quota *q, struct err *e)
{
	static const struct timespec pause = { .tv_nsec = 50000 };

	for (uint64_t since = clock_us(); clock_us() - since < LOCK_WAIT_S * 1000000;) {
		if (set_lock(q, LOCK_ALL, F_WRLCK) == 0)
			return 0;
		if (errno != EAGAIN && errno != EACCES && errno != EINTR)
			return err_sys(e, "lock the quotas");
		nanosleep(&pause, NULL);
	}
	return err_set(e, ERR_BUSY, "the quotas have been locked for %d s", LOCK_WAIT_S);
}

static void
unlock_all(const struct quota *q)
{
	set_lock(q, LOCK_ALL, F_UNLCK);
}

/* --- the file --- */

static uint64_t
shape_of(const struct head *h)
{
	uint64_t sum = 0xcbf29ce484222325ULL;
	const uint32_t rows[] = { h->version, h->keys, h->users, h->holds,
		h->account_size, h->hold_size };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		sum = (sum ^ rows[i]) * 0x100000001b3ULL;
	return sum;
}

static struct head
head_of_ours(void)
{
	struct head h = { .magic = MAGIC,
		.version = LAYOUT,
		.keys = KEYS,
		.users = USERS,
		.holds = HOLDS,
		.account_size = sizeof(struct account),
		.hold_size = sizeof(struct hold) };

	h.check = shape_of(&h);
	return h;
}

static bool
is_ours(const struct head *h)
{
	struct head ours = head_of_ours();

	return memcmp(h, &ours, offsetof(struct head, boot)) == 0;
}

/* Absent where /proc is closed to the service; then an earlier clock tells a new boot. */
static void
read_boot(char out[40])
{
	scope_fd fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd != -1 ? read(fd, out, 39) : 0;

	out[n > 0 ? n : 0] = '\0';
}

static void
forget_boot(struct quota *q)
{
	struct head *h = &q->t->head;
	bool same = strcmp(h->boot, q->boot) == 0 && h->seen_ns <= q->clock->boot_ns();

	if (same)
		return;
	for (unsigned i = 0; i < KEYS; i++)
		q->t->keys[i].full_ns = q->t->keys[i].seen_ns = 0;
	for (unsigned i = 0; i < USERS; i++)
		q->t->users[i].full_ns = q->t->users[i].seen_ns = 0;
	h->seen_ns = 0;
	memcpy(h->boot, q->boot, sizeof(h->boot));
}

/* With all of its blocks: a disk that is full later must not end us with SIGBUS. */
static int
size_file(int fd, const char *path, bool *cut, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return err_sys(e, "stat %s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_PROTO, "%s: not a regular file", path);
	*cut = st.st_size > 0 && st.st_size < (off_t)sizeof(struct table);
	if (st.st_size > (off_t)sizeof(struct table) &&
	    ftruncate(fd, sizeof(struct table)) == -1)
		return err_sys(e, "cut %s", path);
	int rc = posix_fallocate(fd, 0, sizeof(struct table));
	if (rc == EOPNOTSUPP || rc == EINVAL)
		rc = ftruncate(fd, sizeof(struct table)) == -1 ? errno : 0;
	errno = rc;
	return rc == 0 ? 0 : err_sys(e, "make room for %s", path);
}

static int
map(struct quota *q, int prot, const char *path, struct err *e)
{
	void *at = mmap(NULL, sizeof(struct table), prot, MAP_SHARED, q->fd, 0);

	if (at == MAP_FAILED)
		return err_sys(e, "map %s", path);
	q->t = at;
	return 0;
}

static int
bring_in_shape(struct quota *q, const char *path, struct err *e)
{
	static const struct head none;

	bool cut = false;

	if (size_file(q->fd, path, &cut, e) == -1 ||
	    map(q, PROT_READ | PROT_WRITE, path, e) == -1)
		return -1;
	if (cut || !is_ours(&q->t->head)) {
		if (memcmp(&q->t->head, &none, sizeof(none)) != 0)
			log_error("%s was damaged: all quotas begin anew", path);
		memset(q->t, 0, sizeof(*q->t));
		atomic_thread_fence(memory_order_seq_cst);
		q->t->head = head_of_ours();
	}
	forget_boot(q);
	/* the file keeps it all; of ten megabytes, a worker looks at a few pages */
	madvise(q->t, sizeof(*q->t), MADV_DONTNEED);
	return 0;
}

int
quota_open(
    const char *path, const struct quota_clock *clock, struct quota **out, struct err *e)
{
	struct quota *q = calloc(1, sizeof(*q));

	if (q == NULL)
		return err_sys(e, "calloc");
	*q = (struct quota){ .mine = NOBODY,
		.clock = clock != NULL ? clock : &real_clock };
	read_boot(q->boot);
	tzset(); /* now: later it may not open a file */
	q->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (q->fd == -1) {
		free(q);
		return err_sys(e, "open %s", path);
	}
	int rc = lock_all(q, e);
	if (rc == 0) {
		rc = bring_in_shape(q, path, e);
		unlock_all(q);
	}
	if (rc == -1) {
		quota_close(q);
		return -1;
	}
	*out = q;
	return 0;
}

int
quota_open_readonly(const char *path, struct quota **out, struct err *e)
{
	struct quota *q = calloc(1, sizeof(*q));
	struct stat st;

	if (q == NULL)
		return err_sys(e, "calloc");
	*q = (struct quota){ .mine = NOBODY, .readonly = true, .clock = &real_clock };
	q->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	int rc = q->fd == -1 || fstat(q->fd, &st) == -1 ? err_sys(e, "open %s", path) : 0;
	if (rc == 0 && st.st_size != (off_t)sizeof(struct table))
		rc = err_set(e, ERR_PROTO, "%s: no file of quotas", path);
	if (rc == 0)
		rc = map(q, PROT_READ, path, e);
	if (rc == 0 && !is_ours(&q->t->head))
		rc = err_set(e, ERR_PROTO, "%s: no file of quotas", path);
	if (rc == -1) {
		quota_close(q);
		return -1;
	}
	*out = q;
	return 0;
}

void
quota_close(struct quota *q)
{
	if (q == NULL)
		return;
	if (q->t != NULL)
		munmap(q->t, sizeof(*q->t));
	if (q->fd != -1)
		close(q->fd);
	free(q);
}

/* --- holds --- */

/* A process before us may have died with it: then its claim ends here. */
static int
own_hold(struct quota *q, struct err *e)
{
	struct head *h = &q->t->head;

	if (q->mine != NOBODY)
		return 0;
	for (uint32_t i = 0; i < HOLDS; i++) {
		if (set_lock(q, LOCK_HOLDS + (off_t)i, F_WRLCK) == -1)
			continue;
		q->t->holds[i].active = 0;
		q->mine = i;
		if (h->high <= i)
			h->high = i + 1;
		return 0;
	}
	return err_set(e, ERR_BUSY, "more than %d processes share the quotas", HOLDS);
}

static bool
is_owned(const struct quota *q, uint32_t i)
{
	struct flock l = { .l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_start = LOCK_HOLDS + (off_t)i,
		.l_len = 1 };

	/* a lock of our own does not show; what cannot be asked counts as owned */
	return i == q->mine || fcntl(q->fd, F_GETLK, &l) == -1 || l.l_type != F_UNLCK;
}

static uint32_t
high_of(const struct quota *q)
{
	return q->t->head.high < HOLDS ? q->t->head.high : HOLDS;
}

/* Returns whether there were any. */
static bool
bury_dead(struct quota *q)
{
	bool any = false;

	for (uint32_t i = 0; i < high_of(q); i++)
		if (q->t->holds[i].active != 0 && !is_owned(q, i)) {
			q->t->holds[i].active = 0;
			any = true;
		}
	return any;
}

struct sum {
	uint64_t jobs, cpu_us;
};

static void
sum_holds(const struct quota *q, uint32_t key_at, uint32_t user_at, struct sum *key,
    struct sum *user)
{
	uint32_t high = high_of(q);

	*key = *user = (struct sum){ 0 };
	for (uint32_t i = 0; i < high; i++) {
		const struct hold *h = &q->t->holds[i];

		if (h->active == 0)
			continue;
		if (h->key_at == key_at) {
			key->jobs++;
			key->cpu_us += h->cpu_us;
		}
		if (user_at != NOBODY && h->user_at == user_at) {
			user->jobs++;
			user->cpu_us += h->cpu_us;
		}
	}
}

static bool
is_held(const struct quota *q, const struct account *table, uint32_t at)
{
	for (uint32_t i = 0; i < high_of(q); i++) {
		const struct hold *h = &q->t->holds[i];

		if (h->active != 0 &&
		    (table == q->t->keys ? h->key_at : h->user_at) == at)
			return true;
	}
	return false;
}

/* --- accounts --- */

static uint64_t
mix(uint64_t a, uint64_t b)
{
	uint64_t x = a * 0x9e3779b97f4a7c15ULL ^ b;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

static bool
is_idle(const struct account *a, const struct now *now)
{
	return a->full_ns <= now->ns && (a->cpu_us == 0 || a->day < now->day);
}

/* Of two that could give way, the one to go: an idle one, then the one unseen longest. */
static bool
goes_before(const struct account *a, const struct account *b, const struct now *now)
{
	bool ia = is_idle(a, now), ib = is_idle(b, now);

	return ia != ib ? ia : a->seen_ns < b->seen_ns;
}

struct place {
	struct account *table;
	uint32_t size, walk;
	bool may_push; /* one that is not idle, of the same key */
};

static void
settle_in(struct account *a, uint64_t key, uint64_t user, const char *name)
{
	a->used = USE_CHANGING;
	atomic_thread_fence(memory_order_seq_cst);
	*a = (struct account){ .key = key, .user = user, .used = USE_CHANGING };
	/* for people's terminals */
	for (size_t i = 0; name != NULL && name[i] != '\0' && i < sizeof(a->name) - 1;
	     i++)
		a->name[i] = (char)(name[i] >= ' ' && name[i] <= '~' ? name[i] : '?');
	atomic_thread_fence(memory_order_seq_cst);
	a->used = USE_TAKEN;
}

/* The account's place, NOBODY if there is none and none can be had (or make is false). */
static uint32_t
find_account(struct quota *q, const struct place *in, uint64_t key, uint64_t user,
    const struct now *now, bool make, const char *name)
{
	uint32_t start = (uint32_t)(mix(key, user) % in->size), victim = NOBODY;

	for (uint32_t n = 0; n < in->walk; n++) {
		uint32_t at = (start + n) % in->size;
		struct account *a = &in->table[at];

		if (a->used == USE_TAKEN && a->key == key && a->user == user)
			return at;
		if (a->used == USE_EMPTY) {
			victim = at;
			break; /* beyond an empty place nothing of ours can lie */
		}
		if (!make || (a->used == USE_TAKEN && !is_idle(a, now) &&
				 !(in->may_push && a->key == key)))
			continue;
		if ((victim == NOBODY || goes_before(a, &in->table[victim], now)) &&
		    !is_held(q, in->table, at))
			victim = at;
	}
	if (!make || victim == NOBODY)
		return NOBODY;
	settle_in(&in->table[victim], key, user, name);
	return victim;
}

static uint32_t
find_key(struct quota *q, uint64_t key, const struct now *now, bool make)
{
	const struct place in = { q->t->keys, KEYS, KEY_WALK, false };

	return find_account(q, &in, key, 0, now, make, NULL);
}

static uint32_t
find_user(struct quota *q, const struct quota_claim *c, const struct now *now, bool make)
{
	const struct place in = { q->t->users, USERS, USER_WALK, true };

	if (c->user == 0)
		return NOBODY;
	return find_account(q, &in, c->key, c->user, now, make, c->user_name);
}

/* --- the arithmetic --- */

static uint64_t
step_ns(const struct rate *r)
{
	return (r->period_s * SEC_NS + r->count - 1) / r->count;
}

static uint64_t
burst_of(const struct rate *r)
{
	uint64_t most = r->count > BURST_MAX ? r->count : BURST_MAX;
	uint64_t burst = r->burst > 0 ? r->burst : r->count;

	return burst < most ? burst : most;
}

/*
 * How far ahead of now the bucket is spoken for.  Never more than it holds: a file from
 * another life, or a burst that was made smaller, must not lock anybody out for longer.
 */
static uint64_t
ahead_ns(uint64_t full_ns, const struct rate *r, uint64_t now_ns)
{
	uint64_t most = burst_of(r) * step_ns(r);
	uint64_t ahead = full_ns > now_ns ? full_ns - now_ns : 0;

	return ahead < most ? ahead : most;
}

static uint64_t
cpu_today(const struct account *a, const struct now *now)
{
	return a->day < now->day ? 0 : a->cpu_us;
}

static void
add_cpu(struct account *a, uint64_t us, const struct now *now)
{
	a->cpu_us = cpu_today(a, now) + us;
	a->day = now->day;
}

static uint64_t
ceil_s(uint64_t ns)
{
	return (ns + SEC_NS - 1) / SEC_NS;
}

static void
describe(struct quota_account *out, const struct account *a, const struct allowance *may,
    const struct sum *held, const struct now *now)
{
	*out = (struct quota_account){ .rate = may->rate,
		.jobs = held->jobs,
		.jobs_limit = may->jobs,
		.cpu_ms = a != NULL ? (cpu_today(a, now) + MSEC_US - 1) / MSEC_US : 0,
		.cpu_held_ms = (held->cpu_us + MSEC_US - 1) / MSEC_US,
		.cpu_limit_ms = may->cpu_ms,
		.day_s = now->day_s };
	if (may->rate.count == 0)
		return;
	out->rate.burst = burst_of(&may->rate);
	uint64_t ahead = ahead_ns(a != NULL ? a->full_ns : 0, &may->rate, now->ns);
	out->left = (out->rate.burst * step_ns(&may->rate) - ahead) / step_ns(&may->rate);
	out->reset_s = ceil_s(ahead);
}

const char *const quota_bounds[] = { "key_rate", "key_jobs", "key_cpu", "user_rate",
	"user_jobs", "user_cpu", NULL };

enum bound { BOUND_RATE, BOUND_JOBS, BOUND_CPU };

/* As GET /api/quota calls them. */
static const char *const bound_names[] = { "requests", "jobs", "cpuMs" };

/* Whose account, in words, and his bounds. */
struct whose {
	const char *text;
	const char *const *bounds;
	const char **refused;
};

static int
refuse(struct problem *p, enum problem_code code, uint64_t retry_s,
    const struct whose *whose, enum bound bound, const char *what)
{
	problem_set(p, code, NULL, "%s: %s", whose->text, what);
	p->quota = bound_names[bound];
	p->retry_after_s = retry_s > UINT32_MAX ? UINT32_MAX : (uint32_t)retry_s;
	*whose->refused = whose->bounds[bound];
	return -1;
}

/* May one account bear one more?  Changes nothing. */
static int
check_account(const struct quota_account *s, const struct account *a, uint64_t cpu_ms,
    const struct now *now, const struct whose *whose, struct problem *p)
{
	char text[160];

	if (s->rate.count > 0 && s->left == 0) {
		uint64_t step = step_ns(&s->rate), burst = s->rate.burst;
		uint64_t ahead = ahead_ns(a->full_ns, &s->rate, now->ns);
		snprintf(text, sizeof(text),
		    "more than %" PRIu64 " requests in %" PRIu64 " s, or %" PRIu64
		    " at once",
		    s->rate.count, s->rate.period_s, burst);
		return refuse(p, PROBLEM_QUOTA_EXCEEDED,
		    ceil_s(ahead - (burst - 1) * step), whose, BOUND_RATE, text);
	}
	if (s->jobs_limit > 0 && s->jobs >= s->jobs_limit) {
		snprintf(text, sizeof(text),
		    "%" PRIu64 " jobs at a time, and as many run", s->jobs_limit);
		return refuse(p, PROBLEM_QUOTA_EXCEEDED, SOON_S, whose, BOUND_JOBS, text);
	}
	if (s->cpu_limit_ms == 0)
		return 0;
	if (cpu_ms > s->cpu_limit_ms) {
		snprintf(text, sizeof(text),
		    "its limits allow it %" PRIu64 " ms of CPU time in all, compiler "
		    "included, and a whole day has %" PRIu64,
		    cpu_ms, s->cpu_limit_ms);
		return refuse(p, PROBLEM_LIMIT_TOO_HIGH, 0, whose, BOUND_CPU, text);
	}
	if (s->cpu_ms + s->cpu_held_ms + cpu_ms <= s->cpu_limit_ms)
		return 0;
	uint64_t taken = s->cpu_ms + s->cpu_held_ms;
	snprintf(text, sizeof(text),
	    "%" PRIu64 " ms of CPU time are left of today's %" PRIu64
	    ", and its limits allow this job %" PRIu64,
	    s->cpu_limit_ms > taken ? s->cpu_limit_ms - taken : 0, s->cpu_limit_ms,
	    cpu_ms);
	return refuse(p, PROBLEM_QUOTA_EXCEEDED,
	    s->cpu_ms + cpu_ms <= s->cpu_limit_ms ? SOON_S : now->day_s, whose, BOUND_CPU,
	    text);
}

static void
charge(struct account *a, const struct rate *r, const struct now *now)
{
	a->seen_ns = now->ns;
	if (r->count > 0)
		a->full_ns = now->ns + ahead_ns(a->full_ns, r, now->ns) + step_ns(r);
}

/* --- claims --- */

struct stand {
	uint32_t key_at, user_at;
	struct account *key, *user; /* NULL: none */
	struct now now;
};

static void
describe_both(struct quota *q, const struct quota_claim *c, const struct stand *s,
    struct quota_state *state)
{
	struct sum key, user;

	sum_holds(q, s->key_at, s->user_at, &key, &user);
	if (s->key_at == NOBODY)
		key = (struct sum){ 0 };
	describe(&state->key, s->key, &c->own, &key, &s->now);
	describe(&state->user, s->user, &c->each_user, &user, &s->now);
	state->has_user = c->user != 0 && s->user != NULL;
}

static int
check_both(const struct quota_claim *c, const struct stand *s, struct quota_state *state,
    struct problem *p)
{
	bool keyless = c->key == 0;
	const struct whose key = { keyless ? "the quota of all without a key"
					   : "this key's quota",
		quota_bounds, &state->refused };
	const struct whose user = { keyless ? "this address's quota"
					    : "this user's quota",
		quota_bounds + BOUND_CPU + 1, &state->refused };

	if (check_account(&state->key, s->key, c->cpu_ms, &s->now, &key, p) == -1)
		return -1;
	if (s->user == NULL)
		return 0;
	return check_account(&state->user, s->user, c->cpu_ms, &s->now, &user, p);
}

/* The clock was set back: what was used on a day to come was used today. */
static void
bring_to_day(struct account *a, const struct now *now)
{
	if (a->day > now->day)
		a->day = now->day;
}

static struct stand
stand_of(struct quota *q, const struct quota_claim *c, bool make)
{
	struct stand s = { .now = now_of(q) };

	s.key_at = find_key(q, c->key, &s.now, make);
	s.user_at = find_user(q, c, &s.now, make && s.key_at != NOBODY);
	s.key = s.key_at != NOBODY ? &q->t->keys[s.key_at] : NULL;
	s.user = s.user_at != NOBODY ? &q->t->users[s.user_at] : NULL;
	if (make && s.key != NULL)
		bring_to_day(s.key, &s.now);
	if (make && s.user != NULL)
		bring_to_day(s.user, &s.now);
	return s;
}

static void
hold(struct quota *q, const struct quota_claim *c, const struct stand *s)
{
	struct hold *h = &q->t->holds[q->mine];

	h->key_at = s->key_at;
	h->user_at = s->user_at;
	h->cpu_us = c->cpu_ms * MSEC_US;
	atomic_thread_fence(memory_order_seq_cst);
	h->active = 1;
	atomic_thread_fence(memory_order_seq_cst);
	charge(s->key, &c->own.rate, &s->now);
	if (s->user != NULL)
		charge(s->user, &c->each_user.rate, &s->now);
	if (q->t->head.seen_ns < s->now.ns)
		q->t->head.seen_ns = s->now.ns;
}

static void
tell_uncounted(struct quota *q, const struct quota_claim *c, const struct now *now)
{
	if (now->ns < q->tell_ns || allowance_is_free(&c->each_user))
		return;
	q->tell_ns = now->ns + TOLD_NS;
	log_warn(
	    "quotas: of %d places for users who used something today or just now, none "
	    "is left for some: they are held to the bounds of their key alone",
	    USERS);
}

static int
take_locked(struct quota *q, const struct quota_claim *c, struct quota_state *state,
    struct problem *p)
{
	struct stand s = stand_of(q, c, true);

	state->refused = NULL;
	if (s.key == NULL)
		return problem_set(p, PROBLEM_QUOTAS_UNAVAILABLE, NULL,
		    "more keys are in use than the quotas have places for");
	if (c->user != 0 && s.user == NULL)
		tell_uncounted(q, c, &s.now);
	describe_both(q, c, &s, state);
	int rc = check_both(c, &s, state, p);
	if (rc == -1 && p->code == PROBLEM_QUOTA_EXCEEDED &&
	    p->quota != bound_names[BOUND_RATE] && bury_dead(q)) {
		describe_both(q, c, &s, state);
		rc = check_both(c, &s, state, p);
	}
	if (rc == -1)
		return -1;
	hold(q, c, &s);
	describe_both(q, c, &s, state);
	return 0;
}

/* No bound is passed because nobody could count. */
static int
cannot_count(const struct err *e, struct problem *p)
{
	log_err(e, "quotas");
	return problem_set(p, PROBLEM_QUOTAS_UNAVAILABLE, NULL,
	    "the quotas cannot be counted at the moment; nothing was run");
}

int
quota_take(struct quota *q, const struct quota_claim *c, struct quota_state *state,
    struct problem *p)
{
	struct err e = { 0 };

	if (lock_all(q, &e) == -1)
		return cannot_count(&e, p);
	int rc = own_hold(q, &e);
	if (rc == 0)
		rc = take_locked(q, c, state, p);
	else
		cannot_count(&e, p);
	unlock_all(q);
	return rc;
}

int
quota_look(struct quota *q, const struct quota_claim *c, struct quota_state *state,
    struct problem *p)
{
	struct err e = { 0 };

	if (!q->readonly && lock_all(q, &e) == -1)
		return cannot_count(&e, p);
	if (!q->readonly)
		bury_dead(q);
	struct stand s = stand_of(q, c, false);
	describe_both(q, c, &s, state);
	if (!q->readonly)
		unlock_all(q);
	return 0;
}

static struct hold *
my_hold(struct quota *q)
{
	struct hold *h = q->mine != NOBODY ? &q->t->holds[q->mine] : NULL;

	return h != NULL && h->active != 0 && h->key_at < KEYS ? h : NULL;
}

/* Without the lock, if it cannot be had: what is ours must end all the same, and a store
 * of ours can only hit one of another process that is stopped. */
static struct hold *
begin_end(struct quota *q)
{
	struct err e = { 0 };

	if (my_hold(q) == NULL)
		return NULL;
	if (lock_all(q, &e) == -1)
		log_err(&e, "quotas: end of a claim");
	return my_hold(q);
}

static void
unstep(struct account *a, uint64_t step)
{
	a->full_ns -= a->full_ns < step ? a->full_ns : step;
}

void
quota_give_back(struct quota *q, const struct quota_claim *c)
{
	struct hold *h = begin_end(q);

	if (h == NULL)
		return;
	if (c->own.rate.count > 0)
		unstep(&q->t->keys[h->key_at], step_ns(&c->own.rate));
	if (h->user_at < USERS && c->each_user.rate.count > 0)
		unstep(&q->t->users[h->user_at], step_ns(&c->each_user.rate));
	h->active = 0;
	unlock_all(q);
}

void
quota_settle(struct quota *q, uint64_t cpu_us)
{
	struct hold *h = begin_end(q);
	struct now now;

	if (h == NULL)
		return;
	now = now_of(q);
	add_cpu(&q->t->keys[h->key_at], cpu_us, &now);
	if (h->user_at < USERS)
		add_cpu(&q->t->users[h->user_at], cpu_us, &now);
	h->active = 0;
	unlock_all(q);
}

/* --- for people --- */

static int
by_cpu(const void *a, const void *b)
{
	const struct quota_user *x = a, *y = b;

	return (x->cpu_ms < y->cpu_ms) - (x->cpu_ms > y->cpu_ms);
}

unsigned
quota_users(const struct quota *q, uint64_t key, struct quota_user *out, unsigned max)
{
	struct now now = now_of(q);
	unsigned n = 0;

	for (unsigned i = 0; i < USERS; i++) {
		const struct account *a = &q->t->users[i];
		struct quota_user u = { .cpu_ms = cpu_today(a, &now) / MSEC_US };

		if (a->used != USE_TAKEN || a->key != key)
			continue;
		snprintf(u.name, sizeof(u.name), "%.47s", a->name);
		if (n == max && out[max - 1].cpu_ms >= u.cpu_ms)
			continue;
		out[n < max ? n++ : max - 1] = u;
		qsort(out, n, sizeof(*out), by_cpu);
	}
	return n;
}

int
quota_forget(struct quota *q, const uint64_t *key, uint64_t user, struct err *e)
{
	if (lock_all(q, e) == -1)
		return -1;
	for (unsigned i = 0; i < USERS; i++) {
		struct account *a = &q->t->users[i];

		if (a->used == USE_TAKEN && a->user == user &&
		    (key == NULL || a->key == *key))
			memset(a->name, 0, sizeof(a->name));
	}
	unlock_all(q);
	return 0;
}
