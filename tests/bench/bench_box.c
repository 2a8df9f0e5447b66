/*
 * bench_box - what one box costs, against the same program without any box.
 *
 *   bench_box SOCKET LANGUAGE SOURCE ROUNDS GAP_MS DIR PROGRAM [ARG]...
 *
 * PROGRAM, with its ARGs, is what the box runs, built outside of it in DIR.  One round
 * runs each contender once, so a disturbance of the machine hits all of them alike.
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

#define ARGS_MAX 48
#define WARM_UP  5

struct bench {
	struct box *box;
	char *const *program; /* argv of the bare run */
	char *bwrap[ARGS_MAX];
	unsigned rounds;
	uint64_t gap_us;
};

typedef int contender(struct bench *b, struct err *e);

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

static int
run_bare(struct bench *b, struct err *e)
{
	return spawn_and_wait(b->program, e);
}

static int
run_bwrap(struct bench *b, struct err *e)
{
	return spawn_and_wait(b->bwrap, e);
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
take_outcome(struct bench *b, const char *what, struct err *e)
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
	return 0;
}

static int
run_box(struct bench *b, struct err *e)
{
	const struct words none = { 0 };
	const struct bytes empty = { 0 };
	int out[2];

	if (box_run(b->box, 1, &run_limits, true, &none, &empty, out, e) == -1)
		return -1;

	scope_fd reader = out[0];
	int failed = take_outcome(b, "run", e);
	close(out[1]);
	if (failed == -1)
		return -1;
	return read_hello(reader, e);
}

static const struct {
	const char *name;
	contender *run;
} contenders[] = {
	{ "bare: vfork, exec, wait", run_bare },
	{ "judgebox: a box", run_box },
	{ "bubblewrap --unshare-all", run_bwrap },
};
#define CONTENDERS (sizeof(contenders) / sizeof(contenders[0]))

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
measure(struct bench *b, double *took[], struct err *e)
{
	for (unsigned r = 0; r < b->rounds + WARM_UP; r++)
		for (unsigned c = 0; c < CONTENDERS; c++) {
			pause_us(b->gap_us);
			double began = now_us();
			if (contenders[c].run(b, e) == -1)
				return err_wrap(e, "%s", contenders[c].name);
			if (r >= WARM_UP)
				took[c][r - WARM_UP] = now_us() - began;
		}
	return 0;
}

static void
print_table(const struct bench *b, double *took[])
{
	double floor25 = 0, floor50 = 0;

	for (unsigned c = 0; c < CONTENDERS; c++) {
		qsort(took[c], b->rounds, sizeof(double), by_value);
		double p25 = quantile(took[c], b->rounds, 25);
		double p50 = quantile(took[c], b->rounds, 50);

		if (c == 0) {
			floor25 = p25;
			floor50 = p50;
		}
		printf("  %-26s %9.0f %9.0f %9.0f   %6.2f x %6.2f x\n",
		    contenders[c].name, p25, p50, quantile(took[c], b->rounds, 99),
		    p25 / floor25, p50 / floor50);
	}
}

static int
compile_if_needed(
    struct bench *b, const char *language, const char *source, struct err *e)
{
	struct job_file file = { .name = "" };
	static char text[65536];
	const struct box_ask ask = {
		.language = language, .files = &file, .nfiles = 1, .tests = 1000
	};
	struct box_place place;
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

	int failed = take_outcome(b, "compile", e);
	if (failed == -1 && (n = read(out[1], text, sizeof(text) - 1)) > 0)
		fprintf(stderr, "%.*s", (int)n, text);
	close(out[0]);
	close(out[1]);
	return failed;
}

/* The same view as a judgebox has: /usr, the program, a writable place. */
static void
set_bwrap(struct bench *b, char *dir, int argc, char **argv)
{
	static char fixed[][20] = { "/usr/bin/bwrap", "--unshare-all", "--ro-bind",
		"/usr", "/usr", "--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64",
		"/lib64", "--tmpfs", "/work", "--chdir", "/work", "--ro-bind" };
	static char end[] = "--";
	unsigned n = 0;

	for (unsigned i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		b->bwrap[n++] = fixed[i];
	b->bwrap[n++] = dir;
	b->bwrap[n++] = dir;
	b->bwrap[n++] = end;
	for (int i = 0; i < argc && n < ARGS_MAX - 1; i++)
		b->bwrap[n++] = argv[i];
}

static int
bench(int argc, char **argv, struct err *e)
{
	struct bench b = { .program = argv + 7,
		.rounds = (unsigned)strtoul(argv[4], NULL, 10),
		.gap_us = strtoull(argv[5], NULL, 10) * 1000 };
	double *took[CONTENDERS];

	if (b.rounds == 0)
		return err_set(e, ERR_BAD_INPUT, "ROUNDS must be a number above 0");
	set_bwrap(&b, argv[6], argc - 7, argv + 7);
	scope_box box = NULL;
	if (box_connect(argv[1], &box, e) == -1)
		return -1;

	b.box = box;
	if (compile_if_needed(&b, argv[2], argv[3], e) == -1)
		return -1;
	scope_free double *all = calloc(CONTENDERS * b.rounds, sizeof(double));
	if (all == NULL)
		return err_sys(e, "calloc");
	for (unsigned c = 0; c < CONTENDERS; c++)
		took[c] = all + c * b.rounds;
	if (measure(&b, took, e) == -1)
		return -1;
	print_table(&b, took);
	return 0;
}

int
main(int argc, char **argv)
{
	struct err e = { .code = ERR_NONE };

	if (argc < 8) {
		fprintf(stderr,
		    "usage: bench_box SOCKET LANGUAGE SOURCE ROUNDS GAP_MS DIR"
		    " PROGRAM [ARG]...\n");
		return 2;
	}
	if (bench(argc, argv, &e) == -1) {
		fprintf(stderr, "bench_box: %s%s%s\n", e.msg, e.sys != 0 ? ": " : "",
		    e.sys != 0 ? strerror(e.sys) : "");
		return 1;
	}
	return 0;
}
