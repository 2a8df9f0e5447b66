/*
 * bench_box - what one box costs, against the same program in other hands.
 *
 *   bench_box SOCKET LANGUAGE SOURCE ROUNDS GAP_MS [-- NAME PROGRAM [ARG]...]...
 *
 * The box is the first contender; each -- begins another, a command.  One round runs each
 * once, so a disturbance of the machine hits all of them alike.  Prints a line per
 * contender: its name, minimum, p25, median, p75, p90, p99 in microseconds, and all
 * samples.
 *
 *   bench_box SOCKET LANGUAGE SOURCE ROUNDS many
 *
 * Runs as many boxes, as many at a time as there are slots and as many again; prints how
 * many it were in a second.
 *
 * Every run must print "hello": a failing run is fast, and worth nothing.
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/scope.h"
#include "box/box.h"

#define CONTENDERS_MAX 16
#define WARM_UP        5

struct bench {
	struct box *box;
	struct contender {
		const char *name;
		char **argv; /* NULL: the box */
		double *took;
	} contender[CONTENDERS_MAX];
	unsigned contenders, rounds;
	uint64_t gap_us;
};

static int
read_hello(int fd, struct err *e)
{
	char text[64] = "";
	size_t len = 0;
	ssize_t n;

	while (len < sizeof(text) - 1 &&
	       (n = read(fd, text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)n;
	if (strcmp(text, "hello\n") != 0)
		return err_set(
		    e, ERR_BUG, "the program printed '%s' instead of hello", text);
	return 0;
}

/* posix_spawn is vfork and exec: the least that starting a program costs. */
static int
spawn_and_wait(char *const argv[], struct err *e)
{
	static char path[] = "PATH=/usr/bin:/bin", lang[] = "LANG=C.UTF-8";
	char *const env[] = { path, lang, NULL };
	posix_spawn_file_actions_t acts;
	int p[2], status;
	pid_t pid;

	if (pipe2(p, O_CLOEXEC) == -1)
		return err_sys(e, "pipe");

	scope_fd reader = p[0];
	posix_spawn_file_actions_init(&acts);
	posix_spawn_file_actions_adddup2(&acts, p[1], 1);
	int failed = posix_spawn(&pid, argv[0], &acts, NULL, argv, env);
	posix_spawn_file_actions_destroy(&acts);
	close(p[1]);
	if (failed != 0)
		return err_set(e, ERR_SYS, "start %s: %s", argv[0], strerror(failed));
	if (waitpid(pid, &status, 0) == -1)
		return err_sys(e, "wait for %s", argv[0]);
	if (status != 0)
		return err_set(e, ERR_SYS, "%s ended with %#x", argv[0], status);
	return read_hello(reader, e);
}

static const struct limits run_limits = {
	.cpu_ms = 3000,
	.wall_ms = 10000,
	.memory_bytes = 256 << 20,
	.processes = 64,
	.output_bytes = 1 << 20,
	.file_bytes = 64 << 20,
	.stack_bytes = 64 << 20,
	.open_files = 256,
};

static const struct limits compile_limits = {
	.cpu_ms = 10000,
	.wall_ms = 20000,
	.memory_bytes = 1ULL << 30,
	.processes = 128,
	.output_bytes = 64 << 10,
	.file_bytes = 256 << 20,
	.stack_bytes = 64 << 20,
	.open_files = 256,
};

/* Takes the one outcome that is outstanding; fails unless the run ended with status 0. */
static int
take_outcome(struct bench *b, const char *what, bool *cached, struct err *e)
{
	struct outcome o;
	uint32_t tag;

	if (box_outcome(b->box, &tag, &o, e) == -1)
		return err_wrap(e, "%s", what);
	if (o.fault.code != ERR_NONE) {
		*e = o.fault;
		return err_wrap(e, "%s", what);
	}
	if (o.signal != 0 || o.exit_code != 0)
		return err_set(e, ERR_BUG, "%s: exit status %d, signal %d", what,
		    o.exit_code, o.signal);
	*cached = o.cached;
	return 0;
}

static int
run_box(struct bench *b, struct err *e)
{
	const struct words none = { 0 };
	const struct bytes empty = { 0 };
	bool cached;
	int out[2];

	if (box_run(b->box, 1, &run_limits, true, &none, &empty, out, e) == -1)
		return -1;

	scope_fd reader = out[0];
	int failed = take_outcome(b, "run", &cached, e);
	close(out[1]);
	if (failed == -1)
		return -1;
	return read_hello(reader, e);
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double
quantile(const double *sorted, unsigned n, unsigned percent)
{
	return sorted[(n - 1) * percent / 100];
}

static void
pause_us(uint64_t us)
{
	struct timespec t = { .tv_sec = (time_t)(us / 1000000),
		.tv_nsec = (long)(us % 1000000) * 1000 };

	if (us > 0)
		nanosleep(&t, NULL);
}

static double
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* One measurement per round and contender, in the order of the rounds. */
static int
measure(struct bench *b, struct err *e)
{
	for (unsigned r = 0; r < b->rounds + WARM_UP; r++)
		for (unsigned i = 0; i < b->contenders; i++) {
			struct contender *c = &b->contender[i];

			pause_us(b->gap_us);
			double began = now_us();
			if ((c->argv != NULL ? spawn_and_wait(c->argv, e)
					     : run_box(b, e)) == -1)
				return err_wrap(e, "%s", c->name);
			if (r >= WARM_UP)
				c->took[r - WARM_UP] = now_us() - began;
		}
	return 0;
}

static void
print_results(const struct bench *b)
{
	static const unsigned percent[] = { 0, 25, 50, 75, 90, 99 };

	for (unsigned i = 0; i < b->contenders; i++) {
		const struct contender *c = &b->contender[i];

		qsort(c->took, b->rounds, sizeof(double), by_value);
		printf("%s", c->name);
		for (unsigned p = 0; p < sizeof(percent) / sizeof(percent[0]); p++)
			printf("\t%.1f", quantile(c->took, b->rounds, percent[p]));
		for (unsigned r = 0; r < b->rounds; r++)
			printf("%c%.0f", r == 0 ? '\t' : ' ', c->took[r]);
		printf("\n");
	}
}

/* --- many at a time --- */

struct lane {
	int out[2];
};

static int
start_lane(struct bench *b, struct lane *l, uint32_t tag, struct err *e)
{
	const struct words none = { 0 };
	const struct bytes empty = { 0 };

	return box_run(b->box, tag, &run_limits, true, &none, &empty, l->out, e);
}

static int
end_lane(struct lane *l, const struct outcome *o, struct err *e)
{
	scope_fd reader = l->out[0];

	close(l->out[1]);
	if (o->fault.code != ERR_NONE) {
		*e = o->fault;
		return -1;
	}
	return read_hello(reader, e);
}

static int
measure_many(struct bench *b, struct err *e)
{
	struct lane lanes[BOX_PENDING_MAX];
	unsigned width = box_slots(b->box) * 2, started = 0;
	double began = now_us();

	if (width > BOX_PENDING_MAX)
		width = BOX_PENDING_MAX;
	for (; started < width && started < b->rounds; started++)
		if (start_lane(b, &lanes[started], started, e) == -1)
			return -1;
	for (unsigned ended = 0; ended < b->rounds; ended++) {
		struct outcome o;
		uint32_t tag;

		if (box_outcome(b->box, &tag, &o, e) == -1 || tag >= width ||
		    end_lane(&lanes[tag], &o, e) == -1)
			return err_wrap(e, "many");
		if (started < b->rounds && start_lane(b, &lanes[tag], tag, e) == -1)
			return -1;
		started++;
	}
	printf("%.1f\n", (double)b->rounds * 1e6 / (now_us() - began));
	return 0;
}

static int
compile_if_needed(
    struct bench *b, const char *language, const char *source, struct err *e)
{
	struct job_file file = { .name = "" };
	static char text[65536];
	const struct box_ask ask = {
		.language = language, .files = &file, .nfiles = 1, .tests = 1
	};
	struct box_place place;
	bool cached = false;
	int out[2];
	const char *dot = strrchr(source, '.');

	scope_fd fd = open(source, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return err_sys(e, "open %s", source);
	ssize_t n = read(fd, text, sizeof(text));
	if (n == -1)
		return err_sys(e, "read %s", source);

	snprintf(file.name, sizeof(file.name), "main%s", dot != NULL ? dot : "");
	file.content = (struct bytes){ text, (size_t)n };
	if (box_job(b->box, &ask, &place, e) == -1)
		return -1;
	if (strcmp(language, "python") == 0)
		return 0;
	if (box_compile(b->box, 1, &compile_limits, out, e) == -1)
		return -1;

	int failed = take_outcome(b, "compile", &cached, e);
	if (failed == -1 && (n = read(out[1], text, sizeof(text) - 1)) > 0)
		fprintf(stderr, "%.*s", (int)n, text);
	close(out[0]);
	close(out[1]);
	/* kept: the next of us runs boxes alone */
	return failed == 0 && !cached ? box_keep(b->box, true, e) : failed;
}

/* Cuts what stands behind each -- into contenders. */
static int
add_contenders(struct bench *b, int argc, char **argv, struct err *e)
{
	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--") != 0)
			continue;
		if (i + 2 >= argc || b->contenders == CONTENDERS_MAX)
			return err_set(e, ERR_BAD_INPUT, "no program, or too many");
		b->contender[b->contenders++] =
		    (struct contender){ .name = argv[i + 1], .argv = argv + i + 2 };
		argv[i] = NULL; /* ends the one before */
	}
	return 0;
}

static int
bench(int argc, char **argv, struct err *e)
{
	bool many = strcmp(argv[5], "many") == 0;
	struct bench b = { .contender = { { .name = "box" } },
		.contenders = 1,
		.rounds = (unsigned)strtoul(argv[4], NULL, 10),
		.gap_us = strtoull(argv[5], NULL, 10) * 1000 };

	if (b.rounds == 0)
		return err_set(e, ERR_BAD_INPUT, "ROUNDS must be a number above 0");
	if (add_contenders(&b, argc - 6, argv + 6, e) == -1)
		return -1;
	scope_box box = NULL;
	if (box_connect(argv[1], &box, e) == -1)
		return -1;
	b.box = box;
	if (compile_if_needed(&b, argv[2], argv[3], e) == -1)
		return -1;
	if (many)
		return measure_many(&b, e);
	scope_free double *all = calloc(b.contenders * b.rounds, sizeof(double));
	if (all == NULL)
		return err_sys(e, "calloc");
	for (unsigned c = 0; c < b.contenders; c++)
		b.contender[c].took = all + c * b.rounds;
	if (measure(&b, e) == -1)
		return -1;
	print_results(&b);
	return 0;
}

int
main(int argc, char **argv)
{
	struct err e = { .code = ERR_NONE };

	if (argc < 6) {
		fprintf(stderr, "usage: bench_box SOCKET LANGUAGE SOURCE ROUNDS GAP_MS"
				" [-- NAME PROGRAM [ARG]...]...\n"
				"       bench_box SOCKET LANGUAGE SOURCE ROUNDS many\n");
		return 2;
	}
	if (bench(argc, argv, &e) == -1) {
		fprintf(stderr, "bench_box: %s%s%s\n", e.msg, e.sys != 0 ? ": " : "",
		    e.sys != 0 ? strerror(e.sys) : "");
		return 1;
	}
	return 0;
}
