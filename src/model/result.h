/*
 * result - what came out of a job: kernel facts, captured streams, verdicts.
 *
 * Ownership: a result owns its tests, streams and diff texts; result_free releases them.
 */
#ifndef MODEL_RESULT_H
#define MODEL_RESULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "model/job.h"
#include "model/verdict.h"

/* Which limit ended the run, as the helper saw it. */
enum fired { FIRED_NONE, FIRED_CPU, FIRED_WALL, FIRED_OUTPUT, FIRED_CANCEL };

/* Facts of one run, all from kernel counters of its box. */
struct outcome {
	int exit_code; /* meaningful if signal is 0 */
	int signal;    /* 0: exited by itself */
	uint64_t cpu_us, wall_us, queue_us;
	uint64_t memory_bytes;
	bool memory_from_rusage; /* the kernel offers no peak that can be reset */
	uint32_t oom_kills;
	bool exec_refused_for_memory;
	bool cached; /* a compile that did not run: its artifact was there */
	enum fired fired;
	int violation; /* number of the tripwire system call, -1: none */
	char violation_name[32];
	uint64_t violation_args[6];
	bool called_much, grew_much; /* a monitor noticed: worth a record, no verdict */
	uint64_t syscalls_per_s;     /* at least; 0: not counted */
	uint64_t growth_per_s;       /* bytes */
	struct err fault;            /* code ERR_NONE: the box did its work */
};

struct stream {
	struct bytes kept; /* all of it, or head and tail */
	size_t head;       /* bytes of the head when cut */
	uint64_t total;    /* bytes the program wrote, as far as we read */
	bool truncated;
};

struct diff {
	uint32_t line;                 /* from 1 */
	struct bytes expected, actual; /* at most 200 bytes each */
};

struct test_result {
	enum verdict verdict;
	struct outcome outcome;
	struct stream out, err;
	bool compared, passed;
	bool has_diff;
	struct diff diff;
};

struct result {
	bool compiled; /* a compile step ran (or its artifact was cached) */
	bool cached;
	struct test_result compile; /* verdict OK or COMPILE_ERROR or INTERNAL_ERROR */
	struct test_result *tests;  /* [ntests] in the order of the request */
	unsigned ntests;            /* 0 after a compile error */
	enum verdict verdict;
	unsigned passed;
	uint64_t max_cpu_us, max_memory_bytes, queue_us;
	unsigned queue_position; /* jobs whose turn came before, when it arrived */
};

void result_free(struct result *r);
void test_result_clear(struct test_result *t);

#endif
