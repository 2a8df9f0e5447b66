#include "store/notice.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/clock.h"

#define FLAGS    4096
#define ALARM_US 60000000

struct flag {
	atomic_uint_fast64_t who; /* 0: free */
	atomic_int_fast64_t until;
};

struct notice {
	atomic_uint turn; /* odd: why is being written */
	char why[NOTICE_WHY];
	atomic_uint_fast64_t lost, lost_told, alarm_us;
	struct flag flags[FLAGS];
};

int
notice_new(struct notice **out, struct err *e)
{
	struct notice *n = mmap(
	    NULL, sizeof(*n), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (n == MAP_FAILED)
		return err_sys(e, "mmap");
	*out = n;
	return 0;
}

void
notice_free(struct notice *n)
{
	if (n != NULL)
		munmap(n, sizeof(*n));
}

void
notice_set(struct notice *n, const char *why)
{
	if (strncmp(n->why, why, sizeof(n->why) - 1) == 0)
		return;
	atomic_fetch_or(&n->turn, 1); /* odd, also after one who died in between */
	snprintf(n->why, sizeof(n->why), "%s", why);
	atomic_fetch_add(&n->turn, 1);
}

bool
notice_get(const struct notice *n, char why[NOTICE_WHY])
{
	unsigned before, after;

	for (int i = 0; i < 100; i++) {
		before = atomic_load(&n->turn);
		memcpy(why, n->why, NOTICE_WHY);
		atomic_thread_fence(memory_order_acquire);
		after = atomic_load(&n->turn);
		if (before == after && before % 2 == 0)
			break;
	}
	why[NOTICE_WHY - 1] = '\0';
	return why[0] == '\0';
}

uint64_t
notice_lost(struct notice *n)
{
	uint64_t now = clock_us(), due = atomic_load(&n->alarm_us);

	atomic_fetch_add(&n->lost, 1);
	if (now < due ||
	    !atomic_compare_exchange_strong(&n->alarm_us, &due, now + ALARM_US))
		return 0;
	uint64_t lost = atomic_load(&n->lost);
	return lost - atomic_exchange(&n->lost_told, lost);
}

uint64_t
notice_lost_total(const struct notice *n)
{
	return atomic_load(&n->lost);
}

/* --- flags --- */

/* FNV-1a: a table of this machine's own, and a wrong hit needs 2^32 names. */
static uint64_t
hash(const char *key, const char *user)
{
	uint64_t h = 14695981039346656037ULL;

	for (const char *s = key; *s != '\0'; s++)
		h = (h ^ (unsigned char)*s) * 1099511628211ULL;
	h = (h ^ 0xff) * 1099511628211ULL; /* in no name */
	for (const char *s = user; *s != '\0'; s++)
		h = (h ^ (unsigned char)*s) * 1099511628211ULL;
	return h != 0 ? h : 1;
}

void
notice_flag(struct notice *n, const char *key, const char *user, int64_t until)
{
	uint64_t who = hash(key, user);

	for (unsigned i = 0; i < FLAGS; i++) {
		struct flag *f = &n->flags[(who + i) % FLAGS];
		uint64_t there = atomic_load(&f->who);
		if (there != 0 && there != who)
			continue;
		atomic_store(&f->until, until);
		atomic_store(&f->who, who);
		return;
	}
}

void
notice_unflag_all(struct notice *n)
{
	for (unsigned i = 0; i < FLAGS; i++)
		atomic_store(&n->flags[i].who, 0);
}

bool
notice_flagged(const struct notice *n, const char *key, const char *user, int64_t now)
{
	uint64_t who = hash(key, user);

	for (unsigned i = 0; i < FLAGS; i++) {
		const struct flag *f = &n->flags[(who + i) % FLAGS];
		uint64_t there = atomic_load(&f->who);
		if (there == who)
			return atomic_load(&f->until) > now;
		if (there == 0)
			return false;
	}
	return false;
}
