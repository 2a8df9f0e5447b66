#include "observe/metrics.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

#define WORD_BYTES 32
#define WORDS_MOST 65                    /* of METRICS_LABELS */
#define PLACES     4096                  /* two crews of the most workers there may be */
#define HISTOGRAM  (METRICS_BUCKETS + 2) /* counts, then the sum */
#define NO_PLACE   PLACES

_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "counting takes no lock");

static const struct metrics_row rows[METRIC_MAX_] = {
#define X(sym, kind, unit, name, a, b, help)                                             \
	{ kind, UNIT_##unit, name, help, { LABEL_##a, LABEL_##b } },
	METRICS(X)
#undef X
};

static const struct {
	const char *name;
	unsigned max;
} labels[LABEL_MAX_] = {
#define X(sym, name, max) { name, max },
	METRICS_LABELS(X)
#undef X
};

/* Values that are known here. */
static const struct {
	enum metrics_label label;
	const char *word;
} words[] = {
	{ LABEL_STATUS, "200" },
	{ LABEL_STATUS, "204" },
	{ LABEL_STATUS, "400" },
	{ LABEL_STATUS, "401" },
	{ LABEL_STATUS, "403" },
	{ LABEL_STATUS, "404" },
	{ LABEL_STATUS, "405" },
	{ LABEL_STATUS, "408" },
	{ LABEL_STATUS, "409" },
	{ LABEL_STATUS, "413" },
	{ LABEL_STATUS, "415" },
	{ LABEL_STATUS, "429" },
	{ LABEL_STATUS, "500" },
	{ LABEL_STATUS, "503" },
	{ LABEL_COMPILE, "compiled" },
	{ LABEL_COMPILE, "cached" },
	{ LABEL_COMPILE, "failed" },
};

static const uint32_t bounds_times[METRICS_BUCKETS] = { 1000, 2500, 5000, 10000, 25000,
	50000, 100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000, 30000000,
	60000000 };
static const uint32_t bounds_short[METRICS_BUCKETS] = { 50, 100, 200, 300, 500, 750, 1000,
	1500, 2000, 5000, 10000, 25000, 50000, 100000, 1000000 };

struct place {
	_Atomic pid_t pid;         /* 0: free */
	_Atomic uint64_t since_us; /* when it became what it is */
	_Atomic bool busy;
};

struct shared {
	_Atomic unsigned nwords[LABEL_MAX_];
	char words[LABEL_MAX_][WORDS_MOST][WORD_BYTES];
	struct place board[PLACES];
	_Atomic uint64_t cells[];
};

static struct shared *shared;      /* NULL: nothing is counted */
static size_t starts[METRIC_MAX_]; /* of each row's cells */
static unsigned my_place = NO_PLACE;

static bool
is_histogram(enum metric m)
{
	return rows[m].kind == TIMES || rows[m].kind == SHORT;
}

static size_t
row_cells(enum metric m)
{
	return (size_t)labels[rows[m].labels[0]].max * labels[rows[m].labels[1]].max *
	       (is_histogram(m) ? HISTOGRAM : 1);
}

static unsigned
clamp(enum metrics_label l, unsigned i)
{
	return i < labels[l].max ? i : labels[l].max - 1;
}

static _Atomic uint64_t *
cell(enum metric m, unsigned a, unsigned b)
{
	const enum metrics_label *l = rows[m].labels;
	size_t at = (size_t)clamp(l[0], a) * labels[l[1]].max + clamp(l[1], b);

	return &shared->cells[starts[m] + at * (is_histogram(m) ? HISTOGRAM : 1)];
}

static void
bump(_Atomic uint64_t *c, uint64_t n)
{
	atomic_fetch_add_explicit(c, n, memory_order_relaxed);
}

static uint64_t
look(const _Atomic uint64_t *c)
{
	return atomic_load_explicit(c, memory_order_relaxed);
}

/* --- counting --- */

void
metrics_add(enum metric m, unsigned a, unsigned b, uint64_t n)
{
	if (shared != NULL && !is_histogram(m))
		bump(cell(m, a, b), n);
}

void
metrics_set(enum metric m, uint64_t n)
{
	if (shared != NULL && !is_histogram(m))
		atomic_store_explicit(cell(m, 0, 0), n, memory_order_relaxed);
}

static const uint32_t *
bounds_of(enum metric m)
{
	return rows[m].kind == SHORT ? bounds_short : bounds_times;
}

void
metrics_observe(enum metric m, unsigned a, uint64_t us)
{
	const uint32_t *bounds = bounds_of(m);
	unsigned i = 0;

	if (shared == NULL || !is_histogram(m))
		return;
	while (i < METRICS_BUCKETS && us > bounds[i])
		i++;
	bump(cell(m, a, 0) + i, 1);
	bump(cell(m, a, 0) + METRICS_BUCKETS + 1, us);
}

unsigned
metrics_find(enum metrics_label l, const char *word)
{
	unsigned n = shared != NULL ? atomic_load(&shared->nwords[l]) : 0;

	for (unsigned i = 0; i < n; i++)
		if (strcmp(shared->words[l][i], word) == 0)
			return i;
	return labels[l].max - 1;
}

/* --- the board --- */

void
metrics_worker_join(void)
{
	if (shared == NULL)
		return;
	for (my_place = 0; my_place < PLACES; my_place++) {
		struct place *p = &shared->board[my_place];
		pid_t nobody = 0;

		if (!atomic_compare_exchange_strong(&p->pid, &nobody, getpid()))
			continue;
		atomic_store(&p->busy, false);
		atomic_store(&p->since_us, clock_us());
		break;
	}
	metrics_count(METRIC_WORKER_STARTS);
}

void
metrics_worker_busy(bool busy)
{
	if (shared == NULL || my_place == NO_PLACE)
		return;
	atomic_store(&shared->board[my_place].since_us, clock_us());
	atomic_store(&shared->board[my_place].busy, busy);
}

void
metrics_worker_gone(pid_t pid)
{
	if (shared == NULL)
		return;
	for (unsigned i = 0; i < PLACES; i++) {
		struct place *p = &shared->board[i];

		if (atomic_load(&p->pid) != pid)
			continue;
		if (atomic_load(&p->busy))
			metrics_count(METRIC_REQUESTS_LOST);
		atomic_store(&p->busy, false);
		atomic_store(&p->pid, 0);
	}
}

struct metrics_workers
metrics_workers(void)
{
	struct metrics_workers w = { 0 };
	uint64_t now = clock_us(), since = now;

	if (shared == NULL)
		return w;
	for (unsigned i = 0; i < PLACES; i++) {
		struct place *p = &shared->board[i];
		uint64_t s = atomic_load(&p->since_us);

		if (atomic_load(&p->pid) == 0)
			continue;
		w.total++;
		if (atomic_load(&p->busy))
			w.busy++;
		else if (s < since)
			since = s;
	}
	w.idle_us = now - since;
	return w;
}

/* --- the master --- */

void
metrics_word(enum metrics_label l, const char *word)
{
	if (shared == NULL || strlen(word) >= WORD_BYTES ||
	    metrics_find(l, word) != labels[l].max - 1)
		return;
	unsigned n = atomic_load(&shared->nwords[l]);
	if (n == labels[l].max - 1)
		return;
	snprintf(shared->words[l][n], WORD_BYTES, "%s", word);
	atomic_store(&shared->nwords[l], n + 1);
}

int
metrics_start(struct err *e)
{
	size_t n = 0;
	struct timespec now;

	for (enum metric m = 0; m < METRIC_MAX_; m++) {
		starts[m] = n;
		n += row_cells(m);
	}
	shared = mmap(NULL, sizeof(*shared) + n * sizeof(shared->cells[0]),
	    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED) {
		shared = NULL;
		return err_sys(e, "mmap the metrics");
	}
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		metrics_word(words[i].label, words[i].word);
	clock_gettime(CLOCK_REALTIME, &now);
	metrics_set(METRIC_START_TIME,
	    (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000);
	return 0;
}

/* --- reading --- */

const struct metrics_row *
metrics_row(enum metric m)
{
	return &rows[m];
}

const char *
metrics_label_name(enum metrics_label l)
{
	return labels[l].name;
}

unsigned
metrics_values(enum metrics_label l)
{
	return labels[l].max;
}

const char *
metrics_value(enum metrics_label l, unsigned i)
{
	if (i == labels[l].max - 1)
		return "other";
	if (shared == NULL || i >= atomic_load(&shared->nwords[l]))
		return NULL;
	return shared->words[l][i];
}

uint64_t
metrics_get(enum metric m, unsigned a, unsigned b)
{
	return shared != NULL ? look(cell(m, a, b)) : 0;
}

void
metrics_read(enum metric m, unsigned a, struct metrics_histogram *out)
{
	*out = (struct metrics_histogram){ .bounds = bounds_of(m) };
	if (shared == NULL)
		return;
	for (unsigned i = 0; i <= METRICS_BUCKETS; i++)
		out->counts[i] = look(cell(m, a, 0) + i);
	out->sum = look(cell(m, a, 0) + METRICS_BUCKETS + 1);
}
