/* judgebox doctor: the driver; the checks are in doctor_kernel.c, doctor_service.c and
 * doctor_keys.c. */
#include "app/doctor.h"

#include <fcntl.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/cli.h"
#include "app/table.h"
#include "base/scope.h"
#include "base/weaker.h"

static const char *const words[] = { "ok", "warn", "fail" };
static const enum tint tints[] = { TINT_GOOD, TINT_DOUBT, TINT_BAD };

struct report {
	struct table table;
	struct buf remedies;
	unsigned count[3];
};

void
doctor_found(struct finding *f, enum health h, const char *fmt, ...)
{
	va_list ap;

	f->health = h;
	va_start(ap, fmt);
	vsnprintf(f->found, sizeof(f->found), fmt, ap);
	va_end(ap);
}

bool
doctor_read(const char *path, char *out, unsigned size)
{
	scope_fd fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd == -1 ? -1 : read(fd, out, size - 1);

	if (n < 0)
		return false;
	out[n] = '\0';
	out[strcspn(out, "\n")] = '\0';
	return true;
}

static void
add(struct report *r, const char *name, const struct finding *f, const char *remedy)
{
	r->count[f->health]++;
	table_row(&r->table, tints[f->health],
	    (const char *[]){ name, words[f->health], f->found });
	if (f->health != HEALTH_OK)
		buf_fmt(&r->remedies, "  %s: %s\n", name, remedy);
}

static void
run_rows(struct report *r, struct doctor *d, const struct doctor_row *rows)
{
	for (; rows->name != NULL; rows++) {
		struct finding f = { 0 };

		rows->check(d, &f);
		add(r, rows->name, &f, rows->remedy);
	}
}

static void
run_sysctls(struct report *r)
{
	for (const struct doctor_sysctl *s = doctor_sysctls; s->path != NULL; s++) {
		struct finding f = { 0 };
		char path[160], text[64], name[96], remedy[300];

		snprintf(path, sizeof(path), "/proc/sys/%s", s->path);
		snprintf(name, sizeof(name), "%s", s->path);
		for (char *c = name; *c != '\0'; c++)
			*c = *c == '/' ? '.' : *c;
		if (!doctor_read(path, text, sizeof(text)))
			continue; /* this kernel has no such switch, or not for us */

		long have = strtol(text, NULL, 10);
		bool good = s->at_least ? have >= s->wanted : have == s->wanted;
		doctor_found(&f, good ? HEALTH_OK : HEALTH_WARN, "%ld \u2192 %s%ld: %s",
		    have, s->at_least ? "at least " : "", s->wanted, s->why);
		snprintf(remedy, sizeof(remedy), "sysctl -w %s=%ld: %s", name, s->wanted,
		    s->why);
		add(r, name, &f, remedy);
	}
}

/* What the helper serves with, its operator has accepted by name.  One that does not
 * serve may have been refused it. */
static void
run_weaker(struct report *r, const struct doctor *d)
{
	unsigned refused =
	    !d->have_caps && weaker_is_account() ? 1U << WEAKER_SHARED_ACCOUNT : 0;

	for (enum weaker w = 0; w < WEAKER_MAX_; w++) {
		const struct weaker_point *p = &weaker_points[w];
		struct finding f = { 0 };

		if ((d->weaker & (1U << w)) != 0)
			doctor_found(&f, HEALTH_WARN, "accepted: %s", p->what);
		else if ((refused & (1U << w)) != 0)
			doctor_found(
			    &f, HEALTH_FAIL, "refused unless accepted: %s", p->what);
		else
			continue;
		add(r, p->name, &f, p->remedy);
	}
}

static void
print(const struct report *r)
{
	char line[100];

	table_print(&r->table, stdout);
	if (r->remedies.len > 0)
		printf("\nWhat to do:\n%.*s", (int)r->remedies.len, r->remedies.data);
	snprintf(line, sizeof(line), "%u ok, %u warnings, %u failures",
	    r->count[HEALTH_OK], r->count[HEALTH_WARN], r->count[HEALTH_FAIL]);
	putchar('\n');
	tint_put(stdout, r->count[HEALTH_FAIL] > 0 ? TINT_BAD : TINT_GOOD, line);
	putchar('\n');
}

/* Without a good configuration the other checks go by the built-in values. */
static void
read_config(struct report *r, struct doctor *d, const char *path)
{
	struct finding f = { 0 };
	struct err e = { 0 };
	char text[400];

	if (settings_load(path, &d->settings, &e) == -1) {
		doctor_found(&f, HEALTH_FAIL, "%s", err_text(&e, text, sizeof(text)));
		settings_defaults(&d->settings);
	} else {
		doctor_found(&f, HEALTH_OK, "%s", path);
	}
	add(r, "configuration", &f,
	    "mend the line named; judgebox check-config tells more.");

	f = (struct finding){ 0 };
	if (langs_load(d->settings.languages, &d->langs, &e) == -1)
		doctor_found(&f, HEALTH_FAIL, "%s", err_text(&e, text, sizeof(text)));
	else
		doctor_found(&f, HEALTH_OK, "%s: %u", d->settings.languages,
		    langs_count(d->langs));
	add(r, "language files", &f,
	    "mend the file named; `languages` in judgebox.conf says where they are.");
}

int
cmd_doctor(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "url", required_argument, NULL, 'u' },
		{ "key", required_argument, NULL, 'k' },
		{ "config", required_argument, NULL, 'c' },
		{ 0 },
	};
	static const char *const heads[] = { "check", "", "found", NULL };
	struct doctor d = { .url = cli_default_url(), .root = geteuid() == 0 };
	struct report r = { .table = { .heads = heads, .tinted = 1 } };
	const char *config = SETTINGS_DEFAULT_PATH;
	struct err e = { 0 };

	for (int c; (c = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
		if (c == '?')
			return CLI_USAGE;
		d.url = c == 'u' ? optarg : d.url;
		if (c == 'k')
			cli_use_key(optarg);
		config = c == 'c' ? optarg : config;
	}
	if (optind != argc)
		return cli_usage("doctor takes no argument");
	if (cli_find_key(&e) == -1)
		cli_fail(CLI_USAGE, &e); /* most of what is checked needs none */

	run_rows(&r, &d, doctor_kernel);
	run_sysctls(&r);
	read_config(&r, &d, config);
	run_rows(&r, &d, doctor_service);
	run_rows(&r, &d, doctor_keys);
	run_weaker(&r, &d);
	print(&r);
	table_free(&r.table);
	buf_free(&r.remedies);
	langs_free(d.langs);
	return r.count[HEALTH_FAIL] == 0 ? 0 : CLI_FAILED;
}
