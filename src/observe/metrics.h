/*
 * metrics - what the service counts, in memory that the master and its workers share.
 *
 * The master calls metrics_start before it forks; figures then outlive workers, crews and
 * reloads, and end with the master.  Counting takes no lock and no system call and cannot
 * fail.  A process that never started them (the command line, a unit test) counts
 * nothing.
 *
 * One row of METRICS is one figure: its kind, its unit, its name, its labels, what it
 * means.  The rows feed both expositions (observe/expose.h).  The values of a label come
 * from a bounded list that the master fills at start; whatever is not on it counts as
 * "other".  No text of a client gets here.
 *
 * Times are given and kept in microseconds and written in seconds.
 */
#ifndef OBSERVE_METRICS_H
#define OBSERVE_METRICS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

/* name, how many values, "other" included */
#define METRICS_LABELS(X)                                                                \
	X(NONE, "", 1)                                                                   \
	X(STATUS, "status", 24)                                                          \
	X(DIALECT, "dialect", 8)                                                         \
	X(VERDICT, "verdict", 16)                                                        \
	X(LANGUAGE, "language", 65)                                                      \
	X(REASON, "reason", 40)                                                          \
	X(COMPILE, "result", 8)

#define X(sym, name, max) LABEL_##sym,
enum metrics_label { METRICS_LABELS(X) LABEL_MAX_ };
#undef X

/* COUNTER and GAUGE as everywhere; FOUND is a counter that another process keeps and we
 * only repeat (metrics_set); TIMES and SHORT are histograms, of milliseconds to minutes
 * and of microseconds to a second. */
enum metrics_kind { COUNTER, GAUGE, FOUND, TIMES, SHORT };
enum metrics_unit { UNIT_NONE, UNIT_SECONDS, UNIT_BYTES };

/* symbol, kind, unit, name (a unit is its last word), label, label, meaning */
#define METRICS(X)                                                                       \
	X(REQUESTS, COUNTER, NONE, "requests", STATUS, DIALECT, "Requests answered.")    \
	X(REQUEST_TIME, TIMES, SECONDS, "request_duration_seconds", DIALECT, NONE,       \
	    "From the whole request to its whole answer.")                               \
	X(REFUSALS, COUNTER, NONE, "refusals", REASON, NONE,                             \
	    "Requests refused, by the code of the answer.")                              \
	X(QUOTA_REFUSALS, COUNTER, NONE, "quota_refusals", REASON, NONE,                 \
	    "Requests refused by a quota, by the quota.")                                \
	X(CLIENTS_GONE, COUNTER, NONE, "clients_gone", NONE, NONE,                       \
	    "Requests whose client left before the answer.")                             \
	X(REQUESTS_LOST, COUNTER, NONE, "requests_lost", NONE, NONE,                     \
	    "Requests whose worker died.")                                               \
	X(JOBS, COUNTER, NONE, "jobs", VERDICT, LANGUAGE, "Jobs judged.")                \
	X(TESTS, COUNTER, NONE, "tests", VERDICT, LANGUAGE, "Tests judged.")             \
	X(COMPILES, COUNTER, NONE, "compiles", COMPILE, LANGUAGE,                        \
	    "Compile steps of jobs, by where the artifact came from.")                   \
	X(VIOLATIONS, COUNTER, NONE, "violations", LANGUAGE, NONE,                       \
	    "Programs ended at a forbidden system call.")                                \
	X(QUEUE_TIME, TIMES, SECONDS, "queue_duration_seconds", NONE, NONE,              \
	    "Longest wait of a job's runs for a slot.")                                  \
	X(COMPILE_TIME, TIMES, SECONDS, "compile_duration_seconds", LANGUAGE, NONE,      \
	    "Time on the clock of compilers that ran.")                                  \
	X(TEST_CPU, TIMES, SECONDS, "test_cpu_seconds", LANGUAGE, NONE,                  \
	    "Processor time of tests.")                                                  \
	X(TEST_WALL, TIMES, SECONDS, "test_wall_seconds", LANGUAGE, NONE,                \
	    "Time on the clock of tests.")                                               \
	X(BOX_OVERHEAD, SHORT, SECONDS, "box_overhead_seconds", NONE, NONE,              \
	    "What a test took beyond its program and its wait for a slot.")              \
	X(BOX_FAULTS, COUNTER, NONE, "box_faults", NONE, NONE,                           \
	    "Boxes that could not be built.")                                            \
	X(HELPER_LOSSES, COUNTER, NONE, "helper_losses", NONE, NONE,                     \
	    "Jobs that lost the sandbox helper under way.")                              \
	X(HELPER_UP, GAUGE, NONE, "helper_up", NONE, NONE,                               \
	    "1 if the sandbox helper answers, 0 if not.")                                \
	X(SLOTS, GAUGE, NONE, "slots", NONE, NONE, "Slots that the helper should have.") \
	X(SLOTS_READY, GAUGE, NONE, "slots_ready", NONE, NONE,                           \
	    "Slots that are built, idle or busy.")                                       \
	X(SLOTS_BUSY, GAUGE, NONE, "slots_busy", NONE, NONE,                             \
	    "Slots that run something.")                                                 \
	X(SLOTS_SPARE, GAUGE, NONE, "slots_spare", NONE, NONE,                           \
	    "Of the ready ones, those that are there only at times.")                    \
	X(QUEUE_RUNS, GAUGE, NONE, "queue_runs", NONE, NONE,                             \
	    "Runs that wait for a slot.")                                                \
	X(QUEUE_OLDEST, GAUGE, SECONDS, "queue_oldest_seconds", NONE, NONE,              \
	    "Age of the oldest run that waits.")                                         \
	X(QUEUE_WAIT, GAUGE, SECONDS, "queue_wait_seconds", NONE, NONE,                  \
	    "Predicted wait of a job that came now.")                                    \
	X(QUEUE_JOBS, GAUGE, NONE, "queue_jobs", NONE, NONE,                             \
	    "Jobs that the helper has open, whatever they do.")                          \
	X(QUEUE_TENANTS, GAUGE, NONE, "queue_tenants", NONE, NONE,                       \
	    "Users who have a job open or had of late.")                                 \
	X(BUSY_ANSWERS, FOUND, NONE, "helper_refusals", NONE, NONE,                      \
	    "Jobs that the helper refused, for the wait would have been too long.")      \
	X(CACHE_HITS, FOUND, NONE, "cache_hits", NONE, NONE,                             \
	    "Compiles served from the helper's cache.")                                  \
	X(CACHE_MISSES, FOUND, NONE, "cache_misses", NONE, NONE,                         \
	    "Compiles that the helper's cache could not serve.")                         \
	X(WARM_HITS, FOUND, NONE, "warm_hits", NONE, NONE,                               \
	    "Tests that began in an interpreter already warm.")                          \
	X(WARM_MISSES, FOUND, NONE, "warm_misses", NONE, NONE,                           \
	    "Tests of a warm language that began cold.")                                 \
	X(WORKERS, GAUGE, NONE, "workers", NONE, NONE, "Worker processes.")              \
	X(WORKERS_BUSY, GAUGE, NONE, "workers_busy", NONE, NONE,                         \
	    "Workers with a request in hand.")                                           \
	X(WORKERS_IDLE, GAUGE, NONE, "workers_idle", NONE, NONE,                         \
	    "Workers that wait for a request.")                                          \
	X(WORKERS_WANTED, GAUGE, NONE, "workers_wanted", NONE, NONE,                     \
	    "Workers that there should be now.")                                         \
	X(WORKER_STARTS, COUNTER, NONE, "worker_starts", NONE, NONE, "Workers started.") \
	X(WORKER_DEATHS, COUNTER, NONE, "worker_deaths", NONE, NONE,                     \
	    "Workers that ended without being told to.")                                 \
	X(WORKERS_BARRED, COUNTER, NONE, "workers_barred", NONE, NONE,                   \
	    "Workers that the kernel ended at a call barred to them.")                   \
	X(RELOADS, COUNTER, NONE, "reloads", NONE, NONE, "Configurations taken over.")   \
	X(RELOAD_FAILURES, COUNTER, NONE, "reload_failures", NONE, NONE,                 \
	    "Configurations refused at a reload.")                                       \
	X(STORE_RECORDS, COUNTER, NONE, "store_records", NONE, NONE,                     \
	    "Records written to the run log.")                                           \
	X(STORE_ERRORS, COUNTER, NONE, "store_errors", NONE, NONE,                       \
	    "Failures of the store of the run log.")                                     \
	X(STORE_LOST, COUNTER, NONE, "store_lost_records", NONE, NONE,                   \
	    "Records that the run log does not have.")                                   \
	X(STORE_SIZE, GAUGE, BYTES, "store_size_bytes", NONE, NONE,                      \
	    "Size of the store on disk.")                                                \
	X(FLAGGED_USERS, GAUGE, NONE, "flagged_users", NONE, NONE,                       \
	    "Users whose programs broke rules too often.")                               \
	X(DRAINING, GAUGE, NONE, "draining", NONE, NONE,                                 \
	    "1 while the service finishes and takes no more.")                           \
	X(START_TIME, GAUGE, SECONDS, "start_time_seconds", NONE, NONE,                  \
	    "When the service started, since the epoch.")

#define X(sym, kind, unit, name, a, b, help) METRIC_##sym,
enum metric { METRICS(X) METRIC_MAX_ };
#undef X

/* --- counting: any process below the master, any time --- */

/* Of a row's labels: a value's index, 0 where the row has no such label. */
void metrics_add(enum metric m, unsigned a, unsigned b, uint64_t n);
void metrics_set(enum metric m, uint64_t n);
void metrics_observe(enum metric m, unsigned a, uint64_t us);

/* The index of a value of a label; "other"'s if it is not on the list. */
unsigned metrics_find(enum metrics_label l, const char *word);

static inline void
metrics_count(enum metric m)
{
	metrics_add(m, 0, 0, 1);
}

/* --- the board: who has a request in hand, also of those who died with it --- */

void metrics_worker_join(void); /* in a new worker */
void metrics_worker_busy(bool busy);
/* In the master, when a child was reaped. */
void metrics_worker_gone(pid_t pid);

struct metrics_workers {
	unsigned total, busy;
	uint64_t idle_us; /* how long the one that is idle longest has been so */
};
struct metrics_workers metrics_workers(void);

/* --- the master --- */

int metrics_start(struct err *e);
/* Puts a value on a label's list, if it is not there and there is room; for the life of
 * the service.  Short, [a-z0-9_.+#-].  Not while others do. */
void metrics_word(enum metrics_label l, const char *word);

/* --- reading, for the expositions --- */

#define METRICS_BUCKETS 15 /* and one for what is above all bounds */

struct metrics_row {
	enum metrics_kind kind;
	enum metrics_unit unit;
	const char *name, *help;
	enum metrics_label labels[2];
};
struct metrics_histogram {
	const uint32_t *bounds; /* [METRICS_BUCKETS], microseconds */
	uint64_t counts[METRICS_BUCKETS + 1];
	uint64_t sum;
};

const struct metrics_row *metrics_row(enum metric m);
const char *metrics_label_name(enum metrics_label l);
unsigned metrics_values(enum metrics_label l); /* so many indices, "other" the last */
const char *metrics_value(enum metrics_label l, unsigned i); /* NULL: not in use */
uint64_t metrics_get(enum metric m, unsigned a, unsigned b);
void metrics_read(enum metric m, unsigned a, struct metrics_histogram *out);

#endif
