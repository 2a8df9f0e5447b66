#include "app/samples.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX      "judgebox_"
#define LINES_MAX   20000
#define BUCKETS_MAX 32

/* One line, in place: name, labels, value.  False: it is none of ours. */
static bool
read_line(char *line, struct sample *out)
{
	char *end = strpbrk(line, "{ "), *labels = NULL, *rest;

	if (strncmp(line, PREFIX, strlen(PREFIX)) != 0 || end == NULL)
		return false;
	if (*end == '{') {
		labels = end + 1;
		rest = strchr(labels, '}');
		if (rest == NULL || rest[1] != ' ')
			return false;
		*rest++ = '\0';
	} else
		rest = end;
	*end = '\0';
	char *after = NULL;
	*out = (struct sample){ .name = line + strlen(PREFIX),
		.labels = labels != NULL ? labels : "",
		.value = strtod(rest + 1, &after) };
	return after != rest + 1 && *after == '\0';
}

static int
check_text(const struct buf *body, struct err *e)
{
	static const char last[] = "# EOF\n";
	size_t n = sizeof(last) - 1;

	for (size_t i = 0; i < body->len; i++)
		if (body->data[i] != '\n' &&
		    (body->data[i] < 0x20 || body->data[i] > 0x7e))
			return err_set(e, ERR_PROTO, "these are no metrics");
	if (body->len < n || memcmp(body->data + body->len - n, last, n) != 0)
		return err_set(e, ERR_PROTO, "the metrics are cut short");
	return 0;
}

int
samples_read(const struct buf *body, struct samples *out, struct err *e)
{
	struct samples s = { 0 };
	char *next = NULL;

	if (check_text(body, e) == -1)
		return -1;
	s.text = strndup(body->data, body->len);
	s.list = calloc(LINES_MAX, sizeof(*s.list));
	if (s.text == NULL || s.list == NULL) {
		samples_free(&s);
		return err_sys(e, "calloc");
	}
	for (char *line = strtok_r(s.text, "\n", &next); line != NULL && s.n < LINES_MAX;
	     line = strtok_r(NULL, "\n", &next))
		s.n += line[0] != '#' && read_line(line, &s.list[s.n]);
	*out = s;
	return 0;
}

void
samples_free(struct samples *s)
{
	free(s->text);
	free(s->list);
	*s = (struct samples){ 0 };
}

bool
samples_label(const struct sample *s, const char *label, char *out, size_t size)
{
	size_t n = strlen(label);

	for (const char *at = s->labels; *at != '\0';) {
		const char *value = strstr(at, "=\""), *end;

		if (value == NULL || (end = strchr(value + 2, '"')) == NULL)
			return false;
		if ((size_t)(value - at) == n && strncmp(at, label, n) == 0 &&
		    (size_t)(end - value - 2) < size) {
			snprintf(out, size, "%.*s", (int)(end - value - 2), value + 2);
			return true;
		}
		at = end + 1 + (end[1] == ',');
	}
	return false;
}

double
samples_sum(
    const struct samples *s, const char *name, const char *label, const char *value)
{
	double sum = 0;
	char is[64];

	for (unsigned i = 0; s != NULL && i < s->n; i++) {
		if (strcmp(s->list[i].name, name) != 0)
			continue;
		if (label == NULL || (samples_label(&s->list[i], label, is, sizeof(is)) &&
					 strcmp(is, value) == 0))
			sum += s->list[i].value;
	}
	return sum;
}

struct bucket {
	char le[24];
	double bound, count;
};

/* Adds what one snapshot has to the buckets; they are in ascending order in the text. */
static unsigned
add_buckets(
    const struct samples *s, const char *name, double sign, struct bucket *b, unsigned n)
{
	char le[24];

	for (unsigned i = 0; s != NULL && i < s->n; i++) {
		unsigned k = 0;

		if (strcmp(s->list[i].name, name) != 0 ||
		    !samples_label(&s->list[i], "le", le, sizeof(le)))
			continue;
		while (k < n && strcmp(b[k].le, le) != 0)
			k++;
		if (k == n && n < BUCKETS_MAX) {
			b[n] = (struct bucket){ .bound = strtod(le, NULL) };
			snprintf(b[n++].le, sizeof(le), "%s", le);
		}
		if (k < n)
			b[k].count += sign * s->list[i].value;
	}
	return n;
}

double
samples_quantile(
    const struct samples *now, const struct samples *before, const char *name, double q)
{
	struct bucket b[BUCKETS_MAX];
	char buckets[80];

	snprintf(buckets, sizeof(buckets), "%s_bucket", name);
	unsigned n = add_buckets(now, buckets, 1, b, 0);
	n = add_buckets(before, buckets, -1, b, n);
	if (n < 2 || b[n - 1].count <= 0)
		return -1;

	double wanted = q * b[n - 1].count, below = 0, from = 0;
	for (unsigned i = 0; i < n - 1; i++) {
		if (b[i].count >= wanted)
			return from + (b[i].bound - from) * (wanted - below) /
					  (b[i].count - below);
		below = b[i].count;
		from = b[i].bound;
	}
	return from;
}
