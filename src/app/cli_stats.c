/* judgebox stats: how much of what was judged, by whom, when and in which language. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "app/cli_store.h"
#include "app/table.h"

static const struct {
	const char *name;
	enum runs_group group;
} groups[] = { { "key", RUNS_BY_KEY }, { "language", RUNS_BY_LANGUAGE },
	{ "user", RUNS_BY_USER }, { "day", RUNS_BY_DAY } };
#define GROUPS (sizeof(groups) / sizeof(groups[0]))

struct stats {
	struct table t;
	struct buf out;
	const char *by;
	enum cli_format format;
};

static void
name_group(const struct stats *s, const struct run_stat *r, char out[80])
{
	char when[WHEN_TEXT];

	snprintf(out, 80, "%s", r->group[0] != '\0' ? r->group : "(none)");
	if (strcmp(s->by, "day") != 0)
		return;
	long long day = 0;
	sscanf(r->group, "%lld", &day);
	when_text((int64_t)day * 86400 * 1000000, when);
	snprintf(out, 80, "%.10s", when);
}

static int
stat_row(void *ctx, const struct run_stat *r, struct err *e)
{
	struct stats *s = ctx;
	char name[80], cells[7][32];
	double mean = r->jobs > 0 ? (double)r->took_us / (double)r->jobs / 1000 : 0;
	struct writer w = { .out = &s->out };

	(void)e;
	name_group(s, r, name);
	if (s->format == CLI_TABLE) {
		snprintf(cells[0], 32, "%" PRId64, r->jobs);
		snprintf(cells[1], 32, "%" PRId64, r->tests);
		snprintf(cells[2], 32, "%.0f%%",
		    100.0 * (double)r->passed / (double)r->compared);
		snprintf(cells[3], 32, "%" PRId64, r->violations);
		snprintf(cells[4], 32, "%.1f", (double)r->cpu_us / 1000000);
		snprintf(cells[5], 32, "%.1f", mean);
		snprintf(cells[6], 32, "%.1f", (double)r->queue_us / 1000);
		table_row(&s->t, TINT_NONE,
		    (const char *[]){ name, cells[0], cells[1],
			r->compared > 0 ? cells[2] : "-", cells[3], cells[4], cells[5],
			cells[6] });
		return 0;
	}
	if (s->format == CLI_CSV) {
		const int64_t numbers[] = { r->jobs, r->tests, r->compared, r->passed,
			r->violations, r->faults, r->cpu_us, r->took_us, r->queue_us };
		const size_t last = sizeof(numbers) / sizeof(numbers[0]) - 1;
		cli_csv(stdout, s->by, false);
		cli_csv(stdout, name, false);
		for (size_t i = 0; i <= last; i++)
			cli_csv_int(stdout, numbers[i], i == last);
		return 0;
	}
	write_open(&w, NULL, '{');
	write_text(&w, "by", s->by);
	write_text(&w, "group", name);
	write_uint(&w, "jobs", (uint64_t)r->jobs);
	write_uint(&w, "tests", (uint64_t)r->tests);
	write_uint(&w, "compared", (uint64_t)r->compared);
	write_uint(&w, "passed", (uint64_t)r->passed);
	write_uint(&w, "violations", (uint64_t)r->violations);
	write_uint(&w, "internalErrors", (uint64_t)r->faults);
	write_uint(&w, "cpuUs", (uint64_t)r->cpu_us);
	write_uint(&w, "tookUs", (uint64_t)r->took_us);
	write_uint(&w, "maxQueueUs", (uint64_t)r->queue_us);
	write_close(&w, '}');
	cli_line(&s->out);
	return 0;
}

static int
print_stats(struct db *d, const struct cli_pick *p, size_t by, struct err *e)
{
	const char *heads[] = { groups[by].name, "jobs", "tests", "passed", "violations",
		"CPU s", "mean ms", "longest queue ms", NULL };
	struct stats s = { .t = { .heads = heads, .right = " rrrrrrr", .tinted = 99 },
		.by = groups[by].name,
		.format = p->format };
	const struct runs_filter f = cli_runs_filter(p);
	int rc = runs_stats(d, &f, groups[by].group, stat_row, &s, e);

	if (rc == 0 && p->format == CLI_TABLE)
		table_print(&s.t, stdout);
	table_free(&s.t);
	buf_free(&s.out);
	return rc;
}

/* All but the users, who are many, unless one is named. */
static bool
is_wanted(const struct cli_pick *p, size_t i)
{
	return p->by != NULL ? strcmp(p->by, groups[i].name) == 0
			     : groups[i].group != RUNS_BY_USER;
}

static int
check_stats(struct cli_pick *p, const char *arg, struct err *e)
{
	(void)arg;
	for (size_t i = 0; i < GROUPS; i++)
		if (is_wanted(p, i))
			return 0;
	return err_set(e, ERR_BAD_INPUT,
	    "stats --by key, language, user or day; not '%.40s'", p->by);
}

static int
do_stats(struct db *d, const struct cli_pick *p, const char *arg, struct err *e)
{
	unsigned printed = 0;

	(void)arg;
	if (p->format == CLI_CSV)
		fputs("by,group,jobs,tests,compared,passed,violations,internal_errors,"
		      "cpu_us,"
		      "took_us,max_queue_us\r\n",
		    stdout);
	for (size_t i = 0; i < GROUPS; i++) {
		if (!is_wanted(p, i))
			continue;
		if (printed++ > 0 && p->format == CLI_TABLE)
			putchar('\n');
		if (print_stats(d, p, i, e) == -1)
			return -1;
	}
	return 0;
}

int
cmd_stats(int argc, char **argv)
{
	static const struct cli_verb stats = { "stats", CLI_RUNS_FILTERS "by json csv ",
		NULL, check_stats, CLI_LOG_READ, do_stats };

	return cli_do_verb(&stats, argc, argv);
}
