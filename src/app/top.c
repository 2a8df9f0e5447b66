#include "app/top.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX  64
#define NAME_WIDTH 11

/* A value of a label, and how often. */
struct share {
	char word[32];
	double n;
};

static double
value(const struct top *t, const char *name)
{
	return samples_sum(t->now, name, NULL, NULL);
}

/* How much it grew since the other reading; a service that was restarted in between has
 * nothing but its own. */
static double
growth(const struct top *t, const char *name, const char *label, const char *word)
{
	double now = samples_sum(t->now, name, label, word);
	double before = samples_sum(t->before, name, label, word);

	return now >= before ? now - before : now;
}

/* As it is written: by the second, or, where that is since the start, all of it. */
static const char *
amount(const struct top *t, double n, char out[24])
{
	if (t->before == NULL)
		snprintf(out, 24, "%.0f", n);
	else
		snprintf(out, 24, "%.1f", t->seconds > 0 ? n / t->seconds : 0);
	return out;
}

/* --- writing --- */

/* A line: its name, then what is given, cut to the width. */
static void ERR_PRINTF(3, 4) put(struct buf *out, const char *name, const char *fmt, ...)
{
	char text[TOP_COLUMNS + 1];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	buf_fmt(out, "%-*s%.*s\n", NAME_WIDTH, name, TOP_COLUMNS - NAME_WIDTH, text);
}

/* 0.0123 s is 12.3 ms; never more than seven characters. */
static const char *
duration(double s, char out[16])
{
	if (s < 0)
		snprintf(out, 16, "-");
	else if (s < 0.001)
		snprintf(out, 16, "%.0f us", s * 1e6);
	else if (s < 1)
		snprintf(out, 16, "%.*f ms", s < 0.1, s * 1e3);
	else if (s < 600)
		snprintf(out, 16, "%.*f s", s < 100, s);
	else
		snprintf(out, 16, "%.0f min", s / 60 < 9999 ? s / 60 : 9999);
	return out;
}

static const char *
uptime(double s, char out[32])
{
	long m = s > 0 && s < 1e9 ? (long)(s / 60) : 0;

	if (m < 60)
		snprintf(out, 32, "up %ld min", m);
	else if (m < 24 * 60)
		snprintf(out, 32, "up %ld h %ld min", m / 60, m % 60);
	else
		snprintf(out, 32, "up %ld d %ld h", m / 60 / 24, m / 60 % 24);
	return out;
}

static int
by_size(const void *a, const void *b)
{
	const struct share *x = a, *y = b;

	if (x->n != y->n)
		return x->n < y->n ? 1 : -1;
	return strcmp(x->word, y->word);
}

static unsigned
find_shares(const struct top *t, const char *name, const char *label,
    struct share shares[WORDS_MAX])
{
	unsigned n = 0;
	char word[32];

	for (unsigned i = 0; i < t->now->n && n < WORDS_MAX; i++) {
		unsigned k = 0;

		if (strcmp(t->now->list[i].name, name) != 0 ||
		    !samples_label(&t->now->list[i], label, word, sizeof(word)))
			continue;
		while (k < n && strcmp(shares[k].word, word) != 0)
			k++;
		if (k < n)
			continue;
		snprintf(shares[n].word, sizeof(shares[n].word), "%s", word);
		shares[n].n = growth(t, name, label, word);
		n += shares[n].n > 0;
	}
	qsort(shares, n, sizeof(shares[0]), by_size);
	return n;
}

/* "12.3/s  accepted 8.1  wrong_answer 4.2": all, and the most frequent that have room. */
static void
put_rates(struct buf *out, const struct top *t, const char *title, const char *name,
    const char *label)
{
	struct share shares[WORDS_MAX];
	char text[TOP_COLUMNS + 1];
	size_t room = TOP_COLUMNS - NAME_WIDTH;
	unsigned n = find_shares(t, name, label, shares);
	char number[24];
	size_t len = (size_t)snprintf(text, sizeof(text), "%8s%-2s",
	    amount(t, growth(t, name, NULL, NULL), number), t->before ? "/s" : "");

	for (unsigned i = 0; i < n; i++) {
		char one[64];
		int m = snprintf(one, sizeof(one), "  %s %s", shares[i].word,
		    amount(t, shares[i].n, number));

		if (m < 0 || len + (size_t)m > room)
			break;
		memcpy(text + len, one, (size_t)m + 1);
		len += (size_t)m;
	}
	put(out, title, "%s", text);
}

/* --- the lines --- */

static void
put_head(struct buf *out, const struct top *t)
{
	char left[TOP_COLUMNS + 1], right[64], up[32];

	snprintf(left, sizeof(left), "judgebox at %.40s", t->url);
	snprintf(right, sizeof(right), "%s  %s",
	    t->now != NULL ? uptime(t->epoch - value(t, "start_time_seconds"), up) : "",
	    t->clock);
	buf_fmt(out, "%-*s%s\n", (int)(TOP_COLUMNS - strlen(right)), left, right);
}

static void
put_now(struct buf *out, const struct top *t)
{
	char bar[21] = "....................", oldest[16], wait[16];
	double slots = value(t, "slots"), busy = value(t, "slots_busy");
	double spare = value(t, "slots_spare");
	char more[24] = "";

	if (spare > 0)
		snprintf(more, sizeof(more), ", %.0f spare", spare);
	for (unsigned i = 0; i < 20 && slots > 0; i++)
		bar[i] = i < 20 * busy / slots ? '#' : '.';
	if (value(t, "helper_up") == 0)
		put(out, "Slots", "THE SANDBOX HELPER IS AWAY: nothing can be run");
	else
		put(out, "Slots", "[%s] %.0f busy, %.0f ready of %.0f%s", bar, busy,
		    value(t, "slots_ready") - spare, slots, more);
	put(out, "Queue", "%.0f runs, oldest %s; wait for a new job %s",
	    value(t, "queue_runs"), duration(value(t, "queue_oldest_seconds"), oldest),
	    duration(value(t, "queue_wait_seconds"), wait));
	put(out, "Jobs", "%.0f open, of %.0f users", value(t, "queue_jobs"),
	    value(t, "queue_tenants"));
	put(out, "Workers", "%.0f busy of %.0f, %.0f wanted%s", value(t, "workers_busy"),
	    value(t, "workers"), value(t, "workers_wanted"),
	    value(t, "draining") > 0 ? "; DRAINING" : "");
}

static void
put_cache(struct buf *out, const struct top *t)
{
	double hits = growth(t, "cache_hits_total", NULL, NULL);
	double all = hits + growth(t, "cache_misses_total", NULL, NULL);

	if (all > 0)
		put(out, "Cache", "%8.1f %%   of %.0f compiles", 100 * hits / all, all);
	else
		put(out, "Cache", "       -     no compiles");
}

static void
put_times(struct buf *out, const struct top *t)
{
	static const char *const rows[][2] = {
		{ "  request", "request_duration_seconds" },
		{ "  queue", "queue_duration_seconds" },
		{ "  compile", "compile_duration_seconds" },
		{ "  test cpu", "test_cpu_seconds" },
		{ "  test wall", "test_wall_seconds" },
		{ "  box", "box_overhead_seconds" },
	};
	static const double quantiles[] = { 0.5, 0.95, 0.99 };
	char count[80], number[24];

	put(out, "Times", "%10s%10s%10s%12s", "p50", "p95", "p99",
	    t->before != NULL ? "per second" : "all");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char p[3][16];

		for (unsigned q = 0; q < 3; q++)
			duration(
			    samples_quantile(t->now, t->before, rows[i][1], quantiles[q]),
			    p[q]);
		snprintf(count, sizeof(count), "%s_count", rows[i][1]);
		put(out, rows[i][0], "%10s%10s%10s%12s", p[0], p[1], p[2],
		    amount(t, growth(t, count, NULL, NULL), number));
	}
}

/* What should be none.  All of it since the start, for once is enough to look. */
static void
put_troubles(struct buf *out, const struct top *t)
{
	static const char *const rows[][2] = {
		{ "requests lost", "requests_lost_total" },
		{ "workers died", "worker_deaths_total" },
		{ "reloads refused", "reload_failures_total" },
		{ "box faults", "box_faults_total" },
		{ "helper lost", "helper_losses_total" },
		{ "violations", "violations_total" },
		{ "flagged users", "flagged_users" },
		{ "store errors", "store_errors_total" },
		{ "records lost", "store_lost_records_total" },
	};
	scope_buf text = { 0 };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (value(t, rows[i][1]) > 0)
			buf_fmt(&text, "%s%s %.0f", text.len > 0 ? ", " : "", rows[i][0],
			    value(t, rows[i][1]));
	put(out, "Troubles", "%s", text.len > 0 ? buf_cstr(&text) : "none");
}

void
top_draw(const struct top *t, struct buf *out)
{
	char window[16];

	put_head(out, t);
	buf_str(out, "\n");
	if (t->away != NULL || t->now == NULL) {
		buf_fmt(out, "THE SERVICE IS AWAY\n%.*s\n", TOP_COLUMNS,
		    t->away != NULL ? t->away : "");
		return;
	}
	put_now(out, t);
	if (t->before != NULL)
		buf_fmt(out, "\nIn the last %s:\n", duration(t->seconds, window));
	else
		buf_str(out, "\nSince the start:\n");
	put_rates(out, t, "Requests", "requests_total", "status");
	put_rates(out, t, "Verdicts", "jobs_total", "verdict");
	put_rates(out, t, "Languages", "jobs_total", "language");
	put_rates(out, t, "Tests", "tests_total", "verdict");
	put_rates(out, t, "Refusals", "refusals_total", "reason");
	put_cache(out, t);
	put_times(out, t);
	buf_str(out, "\n");
	put_troubles(out, t);
}
