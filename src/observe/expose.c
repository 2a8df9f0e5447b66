/*
 * OpenMetrics 1.0: https://github.com/prometheus/OpenMetrics, specification.
 * InfluxDB's line protocol, with the names that Telegraf gives to metrics of Prometheus:
 * a measurement per row, its fields "counter", "gauge", or "count", "sum" and the bounds.
 */
#include "observe/expose.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "observe/metrics.h"

#define PREFIX "judgebox_"

/* The values of a row's labels at one place of it. */
struct at {
	unsigned a, b;
};

/* One format: how it begins a row and writes one place of it. */
struct format {
	const char *name, *content_type;
	const char *head, *tail; /* of all */
	void (*begin)(struct buf *out, const struct metrics_row *r);
	void (*value)(
	    struct buf *out, const struct metrics_row *r, struct at at, uint64_t n);
	void (*histogram)(struct buf *out, const struct metrics_row *r, struct at at,
	    const struct metrics_histogram *h);
};

static bool
is_histogram(const struct metrics_row *r)
{
	return r->kind == TIMES || r->kind == SHORT;
}

static bool
is_counter(const struct metrics_row *r)
{
	return r->kind == COUNTER || r->kind == FOUND;
}

/* By hand, for a decimal point is a point here whatever the locale says. */
static void
write_seconds(struct buf *out, uint64_t us)
{
	char fraction[8];
	unsigned n = 6;

	snprintf(fraction, sizeof(fraction), "%06u", (unsigned)(us % 1000000));
	while (n > 1 && fraction[n - 1] == '0')
		n--;
	buf_fmt(out, "%" PRIu64 ".%.*s", us / 1000000, (int)n, fraction);
}

static void
write_number(struct buf *out, const struct metrics_row *r, uint64_t n)
{
	if (r->unit == UNIT_SECONDS)
		write_seconds(out, n);
	else
		buf_fmt(out, "%" PRIu64, n);
}

/* --- OpenMetrics, and Prometheus's text format --- */

static void
open_begin(struct buf *out, const struct metrics_row *r)
{
	static const char *const units[] = { NULL, "seconds", "bytes" };
	const char *type = is_histogram(r) ? "histogram"
			   : is_counter(r) ? "counter"
					   : "gauge";

	buf_fmt(out, "# TYPE " PREFIX "%s %s\n", r->name, type);
	if (units[r->unit] != NULL)
		buf_fmt(out, "# UNIT " PREFIX "%s %s\n", r->name, units[r->unit]);
	buf_fmt(out, "# HELP " PREFIX "%s %s\n", r->name, r->help);
}

/* The older format knows no units, and a counter by the name of its samples. */
static void
text_begin(struct buf *out, const struct metrics_row *r)
{
	const char *type = is_histogram(r) ? "histogram"
			   : is_counter(r) ? "counter"
					   : "gauge";
	const char *total = is_counter(r) ? "_total" : "";

	buf_fmt(out, "# HELP " PREFIX "%s%s %s\n", r->name, total, r->help);
	buf_fmt(out, "# TYPE " PREFIX "%s%s %s\n", r->name, total, type);
}

/* {a="x",b="y"}; le is one more, a bound in microseconds, or NULL. */
static void
open_labels(struct buf *out, const struct metrics_row *r, struct at at, const char *le)
{
	const unsigned i[] = { at.a, at.b };
	const char *sign = "{";

	for (unsigned n = 0; n < 2; n++) {
		if (r->labels[n] == LABEL_NONE)
			continue;
		buf_fmt(out, "%s%s=\"%s\"", sign, metrics_label_name(r->labels[n]),
		    metrics_value(r->labels[n], i[n]));
		sign = ",";
	}
	if (le != NULL) {
		buf_fmt(out, "%sle=\"%s\"", sign, le);
		sign = ",";
	}
	buf_str(out, sign[0] == ',' ? "} " : " ");
}

static void
open_value(struct buf *out, const struct metrics_row *r, struct at at, uint64_t n)
{
	buf_fmt(out, PREFIX "%s%s", r->name, is_counter(r) ? "_total" : "");
	open_labels(out, r, at, NULL);
	write_number(out, r, n);
	buf_str(out, "\n");
}

static void
open_histogram(struct buf *out, const struct metrics_row *r, struct at at,
    const struct metrics_histogram *h)
{
	uint64_t total = 0;

	for (unsigned i = 0; i <= METRICS_BUCKETS; i++) {
		scope_buf le = { 0 };

		total += h->counts[i];
		if (i < METRICS_BUCKETS)
			write_seconds(&le, h->bounds[i]);
		else
			buf_str(&le, "+Inf");
		buf_fmt(out, PREFIX "%s_bucket", r->name);
		open_labels(out, r, at, buf_cstr(&le));
		buf_fmt(out, "%" PRIu64 "\n", total);
	}
	buf_fmt(out, PREFIX "%s_count", r->name);
	open_labels(out, r, at, NULL);
	buf_fmt(out, "%" PRIu64 "\n" PREFIX "%s_sum", total, r->name);
	open_labels(out, r, at, NULL);
	write_seconds(out, h->sum);
	buf_str(out, "\n");
}

/* --- InfluxDB --- */

static void
influx_begin(struct buf *out, const struct metrics_row *r)
{
	(void)out, (void)r;
}

static void
influx_series(struct buf *out, const struct metrics_row *r, struct at at)
{
	const unsigned i[] = { at.a, at.b };

	buf_fmt(out, PREFIX "%s", r->name);
	for (unsigned n = 0; n < 2; n++)
		if (r->labels[n] != LABEL_NONE)
			buf_fmt(out, ",%s=%s", metrics_label_name(r->labels[n]),
			    metrics_value(r->labels[n], i[n]));
}

static void
influx_value(struct buf *out, const struct metrics_row *r, struct at at, uint64_t n)
{
	influx_series(out, r, at);
	buf_str(out, is_counter(r) ? " counter=" : " gauge=");
	write_number(out, r, n);
	buf_str(out, "\n");
}

static void
influx_histogram(struct buf *out, const struct metrics_row *r, struct at at,
    const struct metrics_histogram *h)
{
	uint64_t total = 0;

	influx_series(out, r, at);
	for (unsigned i = 0; i <= METRICS_BUCKETS; i++) {
		total += h->counts[i];
		buf_str(out, i == 0 ? " " : ",");
		if (i < METRICS_BUCKETS)
			write_seconds(out, h->bounds[i]);
		else
			buf_str(out, "+Inf");
		buf_fmt(out, "=%" PRIu64, total);
	}
	buf_fmt(out, ",count=%" PRIu64 ",sum=", total);
	write_seconds(out, h->sum);
	buf_str(out, "\n");
}

/* --- both --- */

static const struct format formats[EXPOSE_MAX_] = {
	[EXPOSE_OPENMETRICS] = { "openmetrics",
	    "application/openmetrics-text; version=1.0.0; charset=utf-8",
	    "# TYPE " PREFIX "build info\n# HELP " PREFIX "build What runs.\n" PREFIX
	    "build_info{version=\"" PACKAGE_VERSION "\"} 1\n",
	    "# EOF\n", open_begin, open_value, open_histogram },
	[EXPOSE_PROMETHEUS] = { "prometheus", "text/plain; version=0.0.4; charset=utf-8",
	    "# HELP " PREFIX "build_info What runs.\n# TYPE " PREFIX
	    "build_info gauge\n" PREFIX "build_info{version=\"" PACKAGE_VERSION "\"} 1\n",
	    "", text_begin, open_value, open_histogram },
	[EXPOSE_INFLUX] = { "influx", "text/plain; charset=utf-8",
	    PREFIX "build_info,version=" PACKAGE_VERSION " gauge=1\n", "", influx_begin,
	    influx_value, influx_histogram },
};

static void
write_place(const struct format *f, struct buf *out, enum metric m, struct at at)
{
	const struct metrics_row *r = metrics_row(m);
	bool always = r->labels[0] == LABEL_NONE;

	if (metrics_value(r->labels[0], at.a) == NULL ||
	    metrics_value(r->labels[1], at.b) == NULL)
		return;
	if (!is_histogram(r)) {
		uint64_t n = metrics_get(m, at.a, at.b);
		if (n > 0 || always)
			f->value(out, r, at, n);
		return;
	}

	struct metrics_histogram h;
	uint64_t total = 0;
	metrics_read(m, at.a, &h);
	for (unsigned i = 0; i <= METRICS_BUCKETS; i++)
		total += h.counts[i];
	if (total > 0 || always)
		f->histogram(out, r, at, &h);
}

void
expose_write(enum expose_format format, struct buf *out)
{
	const struct format *f = &formats[format];

	buf_str(out, f->head);
	for (enum metric m = 0; m < METRIC_MAX_; m++) {
		const struct metrics_row *r = metrics_row(m);

		f->begin(out, r);
		for (unsigned a = 0; a < metrics_values(r->labels[0]); a++)
			for (unsigned b = 0; b < metrics_values(r->labels[1]); b++)
				write_place(f, out, m, (struct at){ a, b });
	}
	buf_str(out, f->tail);
}

bool
expose_named(const char *name, enum expose_format *out)
{
	for (enum expose_format f = 0; f < EXPOSE_MAX_; f++)
		if (strcmp(formats[f].name, name) == 0) {
			*out = f;
			return true;
		}
	return false;
}

const char *
expose_content_type(enum expose_format f)
{
	return formats[f].content_type;
}
