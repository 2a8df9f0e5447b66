#include "sandbox/meter.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fault.h"

/* The kernel charges memory in batches of 64 pages per core: less is not seen. */
#define GRAIN_BYTES (2 * 64 * 4096)

/* Of memory that came free while a box ran and was not its own: pipes that a client read
 * out, a compile stage at its end, and the limit's rounding. */
#define SLACK_BYTES (4 << 20)

/* What boxes may leave in the kernel's caches of names and files. */
#define SHED_BYTES (32 << 20)

/* What may be more than at rest before anybody looks at what it is. */
#define LEFT_BYTES (32 << 20)

/* Between two looks at the page cache: of more, and of less. */
#define MORE_BYTES (32 << 20)
#define LESS_BYTES (4 << 20)

#define PERIOD_US    100000 /* cpu.cfs_period_us, the kernel's default */
#define QUOTA_MIN_US 1000   /* the kernel refuses less */

static const char *const names[METER_MAX_] = {
	[METER_CPU] = "cpu time",
	[METER_CPU_MAX] = "cpu share",
	[METER_MEMORY] = "memory use",
	[METER_MEMORY_PEAK] = "memory peak",
	[METER_MEMORY_MAX] = "memory limit",
	[METER_MEMSW_MAX] = "memory and swap limit",
	[METER_OOM] = "oom count",
	[METER_PIDS] = "process count",
	[METER_PIDS_MAX] = "process limit",
	[METER_KERNEL] = "kernel memory",
	[METER_SHED] = "reclaim",
	[METER_STAT] = "memory figures",
	[METER_REFUSED] = "refused processes",
	[METER_REFUSED_ALL] = "refused processes of all slots",
	[METER_PIDS_PEAK] = "process peak",
};

#define TEXT_BYTES 1024

static int
read_text(const struct meter *m, enum meter_file f, char text[TEXT_BYTES], struct err *e)
{
	ssize_t n = pread(m->fd[f], text, TEXT_BYTES - 1, 0);

	if (n <= 0)
		return err_sys(e, "read %s of the cgroup", names[f]);
	text[n] = '\0';
	return 0;
}

/* The number after `key` ("usage_usec "), or the first of the file if key is NULL. */
static int
find_number(
    enum meter_file f, const char *text, const char *key, uint64_t *out, struct err *e)
{
	const char *at = key != NULL ? strstr(text, key) : text;
	if (at == NULL)
		return err_set(e, ERR_SYS, "no '%s' in %s of the cgroup", key, names[f]);
	at += key != NULL ? strlen(key) : 0;
	uint64_t v = 0;
	while (*at >= '0' && *at <= '9')
		v = v * 10 + (uint64_t)(*at++ - '0');
	*out = v;
	return 0;
}

static int
read_number(const struct meter *m, enum meter_file f, const char *key, uint64_t *out,
    struct err *e)
{
	char text[TEXT_BYTES];

	if (read_text(m, f, text, e) == -1)
		return -1;
	return find_number(f, text, key, out, e);
}

static int
write_text(const struct meter *m, enum meter_file f, const char *text, struct err *e)
{
	if (pwrite(m->fd[f], text, strlen(text), 0) == -1)
		return err_sys(e, "write '%s' to %s of the cgroup", text, names[f]);
	return 0;
}

static int
write_number(const struct meter *m, enum meter_file f, uint64_t v, struct err *e)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64, v);
	return write_text(m, f, text, e);
}

void
meter_open(struct meter *m, const int fd[METER_MAX_], bool v2, struct meter_force *force)
{
	*m = (struct meter){ .v2 = v2, .force = force };
	memcpy(m->fd, fd, sizeof(m->fd));
	m->peak_resets = !v2 || pwrite(fd[METER_MEMORY_PEAK], "reset", 5, 0) == 5;
}

int
meter_cpu_us(const struct meter *m, uint64_t *cpu_us, struct err *e)
{
	uint64_t v;

	if (read_number(m, METER_CPU, m->v2 ? "usage_usec " : NULL, &v, e) == -1)
		return -1;
	*cpu_us = m->v2 ? v : v / 1000; /* cpuacct.usage counts nanoseconds */
	return 0;
}

/* Runs `set` unless `value` is in force already.  Forgets first: a launcher that is
 * killed in between must leave "unknown", not a lie. */
static int
enforce(struct meter *m, uint64_t *in_force, uint64_t value,
    int (*set)(struct meter *m, uint64_t value, struct err *e), struct err *e)
{
	if (*in_force == value)
		return 0;
	*in_force = 0;
	if (set(m, value, e) == -1)
		return -1;
	*in_force = value;
	return 0;
}

/* v1 refuses (EINVAL) a plain limit above the memsw one, and the reverse: going up, memsw
 * goes first; going down, last. */
static int
set_memory(struct meter *m, uint64_t max, struct err *e)
{
	bool both = !m->v2 && m->fd[METER_MEMSW_MAX] != -1;

	if (JB_FAULT(MEMORY_MAX))
		return 0;
	if (write_number(m, METER_MEMORY_MAX, max, e) == -1) {
		if (!both || e->sys != EINVAL)
			return -1;
		*e = (struct err){ 0 };
		if (write_number(m, METER_MEMSW_MAX, max, e) == -1)
			return -1;
		return write_number(m, METER_MEMORY_MAX, max, e);
	}
	return both ? write_number(m, METER_MEMSW_MAX, max, e) : 0;
}

static int
set_pids(struct meter *m, uint64_t max, struct err *e)
{
	return JB_FAULT(PIDS_MAX) ? 0 : write_number(m, METER_PIDS_MAX, max, e);
}

static int
set_share(struct meter *m, uint64_t value, struct err *e)
{
	char text[48];
	uint64_t milli = value - 1;
	if (JB_FAULT(SHARE))
		milli = 0;
	long quota = milli == 0 ? -1 : (long)milli * (PERIOD_US / 1000);

	if (milli != 0 && quota < QUOTA_MIN_US)
		quota = QUOTA_MIN_US;

	if (m->v2 && milli == 0)
		snprintf(text, sizeof(text), "max %d", PERIOD_US);
	else if (m->v2)
		snprintf(text, sizeof(text), "%ld %d", quota, PERIOD_US);
	else
		snprintf(text, sizeof(text), "%ld", quota);
	return write_text(m, METER_CPU_MAX, text, e);
}

void
meter_unthrottle(struct meter *m)
{
	struct err ignored = { 0 };

	enforce(m, &m->force->share, 1, set_share, &ignored);
}

int
meter_relax(struct meter *m, struct err *e)
{
	const char *none = m->v2 ? "max" : "-1";

	if (m->force->memory_max == 0)
		return 0;
	m->force->memory_max = 0;
	if (!m->v2 && m->fd[METER_MEMSW_MAX] != -1 &&
	    write_text(m, METER_MEMSW_MAX, none, e) == -1)
		return -1;
	return write_text(m, METER_MEMORY_MAX, none, e);
}

/*
 * What is there when a box starts is not counted as the box's, so it must stay: a file
 * that somebody holds for a while longer would be missing in the figures of whoever is
 * next. Caches may be left, for they go only when somebody needs their room.
 */
int
meter_check_rest(struct meter *m, struct err *e)
{
	struct meter_force *f = m->force;
	uint64_t now, files;

	if (m->fd[METER_STAT] == -1 || JB_FAULT(REST))
		return 0;
	if (read_number(m, METER_MEMORY, NULL, &now, e) == -1)
		return -1;
	if (f->memory_rest == 0 || now < f->memory_rest)
		f->memory_rest = now;
	if (now <= f->memory_rest + LEFT_BYTES)
		return 0;
	if (read_number(m, METER_STAT, "\nshmem ", &files, e) == -1)
		return -1;
	if (files > LEFT_BYTES)
		return err_set(e, ERR_SYS, "%" PRIu64 " MiB of files outlived their box",
		    files >> 20);
	f->memory_rest = now; /* caches: looked at, and not again */
	return 0;
}

static int
read_ooms(const struct meter *m, struct meter_ooms *o, struct err *e)
{
	char text[TEXT_BYTES];

	o->own = 0;
	if (read_text(m, METER_OOM, text, e) == -1 ||
	    find_number(METER_OOM, text, "oom_kill ", &o->kills, e) == -1)
		return -1;
	return m->v2 ? find_number(METER_OOM, text, "oom ", &o->own, e) : 0;
}

/* Was it this group that had no memory left?  A kill is counted here even if it was the
 * service's group or the whole machine: not a program's fault. */
static bool
was_own(const struct meter *m, const struct meter_ooms *o, uint64_t peak)
{
	if (JB_FAULT(OWN_LIMIT))
		return true;
	if (m->v2)
		return o->own > m->ooms0.own;
	return peak + GRAIN_BYTES >= m->force->memory_max;
}

/*
 * Who refused the box a process: its own limit, or that of a group above?  v2 counts at
 * the group whose limit it was (Linux 6.11).  All others count where the process was
 * wanted; there it was not the own limit if the slot never had as many.
 */
static uint64_t
read_refused(const struct meter *m)
{
	bool all = m->fd[METER_REFUSED_ALL] != -1;
	uint64_t n = 0;
	struct err ignored = { 0 };

	if (all || m->fd[METER_REFUSED] != -1)
		read_number(
		    m, all ? METER_REFUSED_ALL : METER_REFUSED, "max ", &n, &ignored);
	return n;
}

static bool
was_refused_above(const struct meter *m)
{
	uint64_t peak = 0;
	struct err ignored = { 0 };

	if (read_refused(m) <= m->refused0 || JB_FAULT(OWN_LIMIT))
		return false;
	if (m->fd[METER_REFUSED_ALL] != -1)
		return true;
	return m->fd[METER_PIDS_PEAK] != -1 &&
	       read_number(m, METER_PIDS_PEAK, NULL, &peak, &ignored) == 0 &&
	       peak < m->force->pids_max;
}

uint64_t
meter_kills_since(const int fd[METER_MAX_], uint64_t seen, bool *own)
{
	struct meter m = { 0 }; /* as v1: nobody kept a count of v2's to compare with */
	struct meter_ooms now;
	uint64_t peak, max;
	struct err ignored = { 0 };

	memcpy(m.fd, fd, sizeof(m.fd));
	if (read_ooms(&m, &now, &ignored) == -1 ||
	    read_number(&m, METER_MEMORY_PEAK, NULL, &peak, &ignored) == -1 ||
	    read_number(&m, METER_MEMORY_MAX, NULL, &max, &ignored) == -1)
		return 0;
	*own = max != 0 && peak + GRAIN_BYTES >= max; /* 0: "max", there is none */
	return now.kills > seen ? now.kills - seen : 0;
}

/* Rounded up to 1 MiB: the baseline wobbles by pages, the limit need not follow. */
#define ROUND_UP(v) (((v) + 0xfffff) & ~(uint64_t)0xfffff)

static int
look_at_caches(struct meter *m, struct err *e)
{
	struct meter_force *f = m->force;
	char text[TEXT_BYTES];
	uint64_t all, held;

	if (read_text(m, METER_STAT, text, e) == -1 ||
	    find_number(METER_STAT, text, m->v2 ? "\nfile " : "cache ", &all, e) == -1 ||
	    find_number(METER_STAT, text, "\nshmem ", &held, e) == -1)
		return -1;
	held += SLACK_BYTES; /* the kernel adds up from time to time */
	f->caches = all > held ? all - held : 0;
	if (f->caches > m->memory0)
		f->caches = m->memory0;
	f->caches_seen = m->memory0;
	return 0;
}

/* v2 is told how much to give up.  v1 gives up all, or what is beyond a limit. */
static void
shed_files(struct meter *m, uint64_t bytes)
{
	struct err ignored = { 0 };

	if (!m->v2) {
		m->force->memory_max = 0;
		write_number(m, METER_MEMORY_MAX, ROUND_UP(m->memory0 - bytes), &ignored);
	} else if (m->fd[METER_SHED] != -1)
		write_number(m, METER_SHED, bytes, &ignored);
}

/*
 * How much of what is there are files that earlier boxes read.  The kernel gives them up
 * when this box needs their room, so they are not added to its limit: box after box, each
 * of which reads what is in no cache yet, would raise it as far as there is memory.
 * Half of its limit is free from the start, or it would pay for what others read.
 */
static int
find_caches(struct meter *m, uint64_t most, uint64_t *out, struct err *e)
{
	const struct meter_force *f = m->force;

	*out = 0;
	if (m->fd[METER_STAT] == -1)
		return 0;
	if ((m->memory0 > f->caches_seen + MORE_BYTES ||
		m->memory0 + LESS_BYTES < f->caches_seen) &&
	    look_at_caches(m, e) == -1)
		return -1;
	uint64_t gone = f->caches_seen > m->memory0 ? f->caches_seen - m->memory0 : 0;
	uint64_t now = f->caches > gone ? f->caches - gone : 0;
	if (now > most) {
		shed_files(m, now - most);
		if (read_number(m, METER_MEMORY, NULL, &m->memory0, e) == -1 ||
		    look_at_caches(m, e) == -1)
			return -1;
		now = f->caches < most ? f->caches : most;
	}
	*out = now;
	return 0;
}

int
meter_start(struct meter *m, const struct wire_limits *l, unsigned at_rest, struct err *e)
{
	if (read_number(m, METER_MEMORY, NULL, &m->memory0, e) == -1 ||
	    read_number(m, METER_PIDS, NULL, &m->pids0, e) == -1)
		return -1;
	struct meter_force *f = m->force;
	uint64_t caches;
	m->limit = l->memory_bytes;
	if (find_caches(m, l->memory_bytes / 2, &caches, e) == -1)
		return -1;
	uint64_t memory = ROUND_UP(m->memory0 - caches + l->memory_bytes);
	uint64_t there = m->pids0 < at_rest ? m->pids0 : at_rest;
	uint64_t pids = there + 1 + l->processes; /* + 1: the box's own PID 1 */
	if (enforce(m, &f->memory_max, memory, set_memory, e) == -1 ||
	    enforce(m, &f->pids_max, pids, set_pids, e) == -1 ||
	    enforce(m, &f->share, l->cpu_share_milli + 1ULL, set_share, e) == -1)
		return -1;
	if (m->peak_resets &&
	    write_text(m, METER_MEMORY_PEAK, m->v2 ? "reset" : "0", e) == -1)
		return -1;
	if (!m->peak_resets &&
	    read_number(m, METER_MEMORY_PEAK, NULL, &m->peak0, e) == -1)
		return -1;
	if (read_ooms(m, &m->ooms0, e) == -1)
		return -1;
	m->refused0 = read_refused(m);
	return meter_cpu_us(m, &m->cpu0, e);
}

uint64_t
meter_memory(const struct meter *m)
{
	uint64_t now = 0;
	struct err ignored = { 0 };

	if (read_number(m, METER_MEMORY, NULL, &now, &ignored) == -1)
		return 0;
	return now > m->memory0 ? now - m->memory0 : 0;
}

/*
 * What earlier boxes left in caches is charged to the group, and given up by the kernel
 * when this box is at its limit: so it gets more than it was allowed.  Afterwards just
 * that much is missing.
 */
static int
count_reclaimed(
    const struct meter *m, uint64_t peak, struct meter_reading *r, struct err *e)
{
	uint64_t now;

	if ((!m->peak_resets && peak <= m->peak0) || JB_FAULT(RECLAIMED))
		return 0;
	if (peak + GRAIN_BYTES < m->force->memory_max)
		return 0;
	if (read_number(m, METER_MEMORY, NULL, &now, e) == -1)
		return -1;
	if (now < m->memory0)
		r->memory_bytes += m->memory0 - now;
	r->over_limit = r->memory_bytes > m->limit + SLACK_BYTES;
	return 0;
}

static int
read_kernel(const struct meter *m, uint64_t *kernel, struct err *e)
{
	return read_number(m, METER_KERNEL, m->v2 ? "kernel " : NULL, kernel, e);
}

/*
 * Every name a box asks for, there or not, stays in a cache of the kernel's and is
 * charged to the group.  One that asks for millions leaves as much as its limit was, and
 * so would the next: far beyond all limits in the end.  Page cache goes with it, so not
 * for little.
 */
static void
shed_caches(struct meter *m)
{
	struct meter_force *f = m->force;
	struct err ignored = { 0 };
	uint64_t all, now;

	if (m->fd[METER_KERNEL] == -1 || m->fd[METER_SHED] == -1 || JB_FAULT(SHED) ||
	    read_number(m, METER_MEMORY, NULL, &all, &ignored) == -1 ||
	    all < SHED_BYTES || read_kernel(m, &now, &ignored) == -1)
		return;
	if (f->kernel_rest == 0 || now < f->kernel_rest)
		f->kernel_rest = now < SHED_BYTES / 2 ? now : SHED_BYTES / 2;
	if (now < f->kernel_rest + SHED_BYTES / 2)
		return;
	/* v1 gives up what it can, v2 as much as it is told */
	write_number(m, METER_SHED, m->v2 ? now - f->kernel_rest : 0, &ignored);
	if (read_kernel(m, &now, &ignored) == 0)
		f->kernel_rest = now; /* what stays is in use: no second attempt */
}

int
meter_stop(struct meter *m, struct meter_reading *r, struct err *e)
{
	uint64_t cpu = 0, peak = 0, pids = 0;
	struct meter_ooms ooms;

	meter_unthrottle(m);
	if (meter_cpu_us(m, &cpu, e) == -1 || read_ooms(m, &ooms, e) == -1 ||
	    read_number(m, METER_MEMORY_PEAK, NULL, &peak, e) == -1 ||
	    read_number(m, METER_PIDS, NULL, &pids, e) == -1)
		return -1;
	r->cpu_us = cpu - m->cpu0;
	r->kills = (uint32_t)(ooms.kills - m->ooms0.kills);
	r->oom_kills = was_own(m, &ooms, peak) ? r->kills : 0;
	r->processes_left = pids > m->pids0;
	r->refused = was_refused_above(m);
	r->memory_bytes = peak > m->memory0 ? peak - m->memory0 : 0;
	/* Where a peak cannot be reset, one that rose during the box is still the box's.
	 */
	r->memory_known =
	    (m->peak_resets || peak > m->peak0) && r->memory_bytes > GRAIN_BYTES;
	if (count_reclaimed(m, peak, r, e) == -1)
		return -1;
	shed_caches(m);
	return 0;
}
