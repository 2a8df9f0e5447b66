#include "judge/quota_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/scope.h"

#define MAGIC         0x31544f5551424aULL /* "JBQUOT1" */
#define LAYOUT        1
#define LOCK_HOLDS    1 /* byte of hold 0 */
#define LOCK_WAIT_S   2
#define PAUSE_NS      50000
#define PAUSE_MOST_NS 3200000
#define DAY_S         86400

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

struct now
quota_now(const struct quota *q)
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

/*
 * Of the whole file and of another kind than the holds': among those of a hundred
 * processes the kernel would look for a conflict each time, from the first to the last.
 * Who waits is not woken: he looks again, and less often the longer it takes, for then
 * the holder is not at work but waits for a processor himself.
 */
int
quota_lock(const struct quota *q, struct err *e)
{
	struct timespec pause = { .tv_nsec = PAUSE_NS };

	for (uint64_t since = clock_us(); clock_us() - since < LOCK_WAIT_S * 1000000;) {
		if (flock(q->fd, LOCK_EX | LOCK_NB) == 0)
			return 0;
		if (errno != EAGAIN && errno != EINTR)
			return err_sys(e, "lock the quotas");
		nanosleep(&pause, NULL);
		if (pause.tv_nsec < PAUSE_MOST_NS)
			pause.tv_nsec *= 2;
	}
	return err_set(e, ERR_BUSY, "the quotas have been locked for %d s", LOCK_WAIT_S);
}

void
quota_unlock(const struct quota *q)
{
	flock(q->fd, LOCK_UN);
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
		.keys = QUOTA_KEYS,
		.users = QUOTA_USERS,
		.holds = QUOTA_HOLDS,
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
	for (unsigned i = 0; i < QUOTA_KEYS; i++)
		q->t->keys[i].full_ns = q->t->keys[i].seen_ns = 0;
	for (unsigned i = 0; i < QUOTA_USERS; i++)
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
	*q = (struct quota){ .mine = QUOTA_NOBODY,
		.clock = clock != NULL ? clock : &real_clock };
	read_boot(q->boot);
	tzset(); /* now: later it may not open a file */
	q->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (q->fd == -1) {
		free(q);
		return err_sys(e, "open %s", path);
	}
	int rc = quota_lock(q, e);
	if (rc == 0) {
		rc = bring_in_shape(q, path, e);
		quota_unlock(q);
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
	*q = (struct quota){
		.mine = QUOTA_NOBODY, .readonly = true, .clock = &real_clock
	};
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
int
holds_own(struct quota *q, struct err *e)
{
	if (q->mine != QUOTA_NOBODY)
		return 0;
	for (uint32_t i = 0; i < QUOTA_HOLDS; i++) {
		if (set_lock(q, LOCK_HOLDS + (off_t)i, F_WRLCK) == -1)
			continue;
		q->t->holds[i].active = 0;
		q->mine = i;
		return 0;
	}
	return err_set(
	    e, ERR_BUSY, "more than %d processes share the quotas", QUOTA_HOLDS);
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
	return q->t->head.high < QUOTA_HOLDS ? q->t->head.high : QUOTA_HOLDS;
}

/* Returns whether there were any. */
bool
holds_bury_dead(struct quota *q)
{
	bool any = false;

	for (uint32_t i = 0; i < high_of(q); i++)
		if (q->t->holds[i].active != 0 && !is_owned(q, i)) {
			q->t->holds[i].active = 0;
			any = true;
		}
	return any;
}
void
holds_sum(const struct quota *q, uint32_t key_at, uint32_t user_at, struct sum *key,
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
		if (user_at != QUOTA_NOBODY && h->user_at == user_at) {
			user->jobs++;
			user->cpu_us += h->cpu_us;
		}
	}
}

bool
holds_any(const struct quota *q, const struct account *table, uint32_t at)
{
	for (uint32_t i = 0; i < high_of(q); i++) {
		const struct hold *h = &q->t->holds[i];

		if (h->active != 0 &&
		    (table == q->t->keys ? h->key_at : h->user_at) == at)
			return true;
	}
	return false;
}
