/* What may run: every rule about a job that needs the site or the languages to decide. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "judge/judge.h"

#define MIB (1ULL << 20)

/* Adds ", name" as long as the sentence has room, then one "…". */
static void
list_name(char *list, size_t size, const char *name)
{
	size_t used = strlen(list);
	bool closed = used >= 3 && strcmp(list + used - 3, "…") == 0;

	if (closed)
		return;
	if (used + strlen(name) + sizeof(", , …") > size)
		name = "…";
	snprintf(list + used, size - used, "%s%s", used > 0 ? ", " : "", name);
}

static int
admit_language(struct job *job, const struct langs *langs, const struct lang **lang,
    struct problem *p)
{
	const struct lang *l = langs_find(langs, job->language);
	char list[160] = "";

	if (l != NULL && l->installed) {
		snprintf(job->language, sizeof(job->language), "%s", l->id);
		*lang = l;
		return 0;
	}
	for (unsigned i = 0; i < langs_count(langs); i++)
		if (langs_at(langs, i)->installed)
			list_name(list, sizeof(list), langs_at(langs, i)->id);
	return problem_set(p, PROBLEM_UNSUPPORTED_LANGUAGE, "language",
	    "language '%s' is not available here; there are: %s", job->language,
	    list[0] != '\0' ? list : "none");
}

static int
admit_profile(const struct job *job, const struct site *site, struct profile *out,
    struct problem *p)
{
	const char *name = job->profile[0] != '\0' ? job->profile : "default";
	const struct profile *found = site_profile(site, name);
	char list[160] = "";

	if (found != NULL) {
		*out = *found;
		return 0;
	}
	for (unsigned i = 0; i < site->nprofiles; i++)
		list_name(list, sizeof(list), site->profiles[i].name);
	return problem_set(p, PROBLEM_UNKNOWN_PROFILE, "profile",
	    "there is no profile '%s'; there are: %s", name, list);
}

static int
admit_sizes(const struct job *job, const struct site *site, struct problem *p)
{
	const char *path = job->nfiles > 1 ? "files" : "code";
	uint64_t total = 0;

	for (unsigned i = 0; i < job->nfiles; i++)
		total += job->files[i].content.len;
	if (total > site->max_source_bytes)
		return problem_set(p, PROBLEM_SOURCE_TOO_LARGE, path,
		    "the source has %" PRIu64 " bytes, at most %" PRIu64 " are allowed",
		    total, site->max_source_bytes);
	if (job->nfiles > BOX_FILES_MAX)
		return problem_set(p, PROBLEM_BAD_FIELD, "files",
		    "%u files, at most %d are allowed", job->nfiles, BOX_FILES_MAX);
	if (job->ntests > site->max_tests)
		return problem_set(p, PROBLEM_TOO_MANY_TESTS, "tests",
		    "%u tests, at most %" PRIu64 " are allowed", job->ntests,
		    site->max_tests);
	return 0;
}

/* "a" clashes with "a" and with "a/b": a file cannot be a folder too. */
static bool
names_clash(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b);
	size_t n = la < lb ? la : lb;

	if (strncmp(a, b, n) != 0)
		return false;
	return la == lb || (la > lb ? a[n] == '/' : b[n] == '/');
}

static int
admit_names(const struct job *job, struct problem *p)
{
	for (unsigned i = 0; i < job->nfiles; i++) {
		const char *name = job->files[i].name;
		struct err why = { 0 };

		if (path_check_name(name, strlen(name), &why) == -1)
			return problem_set(p, PROBLEM_BAD_FILE_NAME, "files",
			    "file name '%s': %s", name, why.msg);
		for (unsigned j = 0; j < i; j++)
			if (names_clash(job->files[j].name, name))
				return problem_set(p, PROBLEM_BAD_FILE_NAME, "files",
				    "file names '%.60s' and '%.60s' exclude each other",
				    job->files[j].name, name);
	}
	return 0;
}

static int
admit_options(const struct job *job, const struct lang *lang, struct problem *p)
{
	const struct words *w = &job->compile_args;
	unsigned i = 0;

	for (const char *a = words_next(w, NULL); a != NULL; a = words_next(w, a), i++) {
		char path[32];

		if (words_has(&lang->options, a))
			continue;
		snprintf(path, sizeof(path), "compileArgs[%u]", i);
		return problem_set(p, PROBLEM_BAD_FIELD, path,
		    "language '%s' does not take the compile option '%.80s'", lang->id,
		    a);
	}
	return 0;
}

static int
check_args(const struct words *args, const char *path, struct problem *p)
{
	if (args->count <= JUDGE_ARGS_MAX && args->len <= JUDGE_ARGS_BYTES)
		return 0;
	return problem_set(p, PROBLEM_BAD_FIELD, path,
	    "more than %d arguments or %d bytes of them", JUDGE_ARGS_MAX,
	    JUDGE_ARGS_BYTES);
}

static int
admit_args(const struct job *job, struct problem *p)
{
	if (check_args(&job->args, "args", p) == -1)
		return -1;
	for (unsigned i = 0; i < job->ntests; i++) {
		struct words all = job->args;
		struct err why = { 0 };
		char path[32];

		if (job->tests[i].args == NULL)
			continue;
		snprintf(path, sizeof(path), "tests[%u].args", i);
		if (words_append(&all, job->tests[i].args, &why) == -1)
			return problem_set(p, PROBLEM_BAD_FIELD, path, "%s", why.msg);
		if (check_args(&all, path, p) == -1)
			return -1;
	}
	return 0;
}

/* How a limit was spelled, and so in which unit a person wants to read of it. */
struct spelling {
	char path[64];
	uint64_t unit; /* what one of the client's units is in ours */
};

static bool
row_is(unsigned row, size_t offset)
{
	return limits_keys[row].offset == offset;
}

static void
spell(struct spelling *s, const struct limits_asked *asked, const char *prefix,
    unsigned row)
{
	bool short_form = (asked->short_form >> row & 1) != 0;

	s->unit = row_is(row, offsetof(struct limits, cpu_share)) ? 1000 : 1;
	if (short_form && row_is(row, offsetof(struct limits, memory_bytes))) {
		s->unit = MIB;
		snprintf(s->path, sizeof(s->path), "%smemoryMb", prefix);
		return;
	}
	snprintf(s->path, sizeof(s->path), "%s%s%s", prefix, short_form ? "" : "limits.",
	    limits_json[row]);
}

static double
in_units(uint64_t value, const struct spelling *s)
{
	return (double)value / (double)s->unit;
}

static int
check_value(uint64_t want, uint64_t cap, unsigned row, const struct spelling *s,
    struct problem *p)
{
	const struct conf_key *k = &limits_keys[row];
	/* zero processors is no throttle at all: more than any share */
	bool all = k->offset == offsetof(struct limits, cpu_share) && want == 0;

	if (cap == 0)
		cap = k->max;
	else if (all)
		return problem_set(p, PROBLEM_LIMIT_TOO_HIGH, s->path,
		    "%s: 0 (no limit) asked, at most %.15g allowed", s->path,
		    in_units(cap, s));
	if (want > cap && !JB_FAULT(SITE_CAPS))
		return problem_set(p, PROBLEM_LIMIT_TOO_HIGH, s->path,
		    "%s: %.15g asked, at most %.15g allowed", s->path, in_units(want, s),
		    in_units(cap, s));
	if (want < k->min)
		return problem_set(p, PROBLEM_BAD_FIELD, s->path,
		    "%s: %.15g asked, at least %.15g needed", s->path, in_units(want, s),
		    in_units(k->min, s));
	return 0;
}

static unsigned
row_of(size_t offset)
{
	unsigned row = 0;

	while (!row_is(row, offset))
		row++;
	return row;
}

/* Wall time that must follow from CPU time because nobody named it.  The slack is ours to
 * give, so the cap may shorten it, but never below the CPU time itself. */
static void
follow_wall(struct limits *l, const struct site *site, uint64_t slack_ms)
{
	uint64_t wall = l->cpu_ms + slack_ms;

	if (site->cap.wall_ms != 0 && wall > site->cap.wall_ms)
		wall = site->cap.wall_ms > l->cpu_ms ? site->cap.wall_ms : l->cpu_ms;
	l->wall_ms = wall;
}

static int
apply_time_limit(const struct job *job, const struct site *site, struct profile *eff,
    struct problem *p)
{
	struct spelling s = { .path = "timeLimitMs", .unit = 1 };
	unsigned cpu = row_of(offsetof(struct limits, cpu_ms));

	if (!job->has_time_limit)
		return 0;
	if (check_value(job->time_limit_ms, site->cap.cpu_ms, cpu, &s, p) == -1)
		return -1;
	eff->run.cpu_ms = job->time_limit_ms;
	follow_wall(&eff->run, site, eff->slack_ms);
	return 0;
}

static int
apply_asked(const struct limits_asked *asked, const char *prefix, const struct site *site,
    uint64_t slack_ms, struct limits *l, struct problem *p)
{
	unsigned wall = row_of(offsetof(struct limits, wall_ms));

	for (unsigned row = 0; limits_keys[row].name != NULL; row++) {
		struct spelling s;
		uint64_t want = limits_get(&asked->value, row);

		if ((asked->given >> row & 1) == 0)
			continue;
		spell(&s, asked, prefix, row);
		if (check_value(want, limits_get(&site->cap, row), row, &s, p) == -1)
			return -1;
		limits_set(l, row, want);
	}
	if (asked->given != 0 && (asked->given >> wall & 1) == 0 &&
	    l->cpu_ms > l->wall_ms)
		follow_wall(l, site, slack_ms);
	return 0;
}

/* Of processes and descriptors for each, what nobody asked for gives way; processes not
 * below the language's floor. */
static int
share_files(struct limits *l, uint64_t given, const struct limits *floor,
    const char *prefix, struct problem *p)
{
	unsigned row = row_of(offsetof(struct limits, open_files));
	bool files = (given >> row & 1) != 0;
	bool processes = (given >> row_of(offsetof(struct limits, processes)) & 1) != 0;
	struct limits fit = *l;
	char path[64];

	if (l->processes * l->open_files <= LIMITS_FILES)
		return 0;
	if (!files)
		limits_share_files(&fit, LIMITS_FILES);
	else if (!processes) {
		fit.processes = LIMITS_FILES / l->open_files;
		if (fit.processes < floor->processes)
			fit.processes = floor->processes;
	}
	if ((files && processes) || fit.processes * fit.open_files > LIMITS_ALL_FILES) {
		snprintf(path, sizeof(path), "%slimits.%s", prefix, limits_json[row]);
		return problem_set(p, PROBLEM_LIMIT_TOO_HIGH, path,
		    "%s: %" PRIu64 " asked for each of %" PRIu64
		    " processes, at most %d allowed for all",
		    path, l->open_files, fit.processes, LIMITS_FILES);
	}
	*l = fit;
	return 0;
}

static int
admit_limits(struct job *job, const struct site *site, const struct lang *lang,
    struct profile *eff, struct problem *p)
{
	limits_raise(&eff->run, &lang->floor);
	limits_raise(&eff->compile, &lang->compile_floor);
	limits_share_files(&eff->compile, LIMITS_ALL_FILES);
	if (apply_time_limit(job, site, eff, p) == -1 ||
	    apply_asked(&job->limits, "", site, eff->slack_ms, &eff->run, p) == -1)
		return -1;
	const struct limits asked = eff->run;
	if (share_files(&eff->run, job->limits.given, &lang->floor, "", p) == -1)
		return -1;

	struct limits *each = calloc(job->ntests, sizeof(*each));
	if (each == NULL)
		abort();
	free(job->test_limits);
	job->test_limits = each;
	for (unsigned i = 0; i < job->ntests; i++) {
		char prefix[24];

		each[i] = asked;
		snprintf(prefix, sizeof(prefix), "tests[%u].", i);
		if (apply_asked(&job->tests[i].limits, prefix, site, eff->slack_ms,
			&each[i], p) == -1 ||
		    share_files(&each[i], job->limits.given | job->tests[i].limits.given,
			&lang->floor, prefix, p) == -1)
			return -1;
	}
	return 0;
}

static void
fill_gaps(struct job *job, const struct lang *lang)
{
	if (job->nfiles == 0)
		job_add_file(job);
	lang_main_file(lang, job->files[0].content.data, job->files[0].content.len,
	    job->main_named, job->files[0].name);
	if (job->ntests == 0)
		job_add_test(job);
}

int
judge_admit(struct job *job, const struct site *site, const struct langs *langs,
    const struct lang **lang, struct problem *p)
{
	const struct lang *l = NULL;
	struct profile eff;

	if (admit_language(job, langs, &l, p) == -1 || admit_sizes(job, site, p) == -1 ||
	    admit_profile(job, site, &eff, p) == -1)
		return -1;
	fill_gaps(job, l);
	if (admit_names(job, p) == -1 || admit_options(job, l, p) == -1 ||
	    admit_args(job, p) == -1 || admit_limits(job, site, l, &eff, p) == -1)
		return -1;
	job->effective = eff;
	*lang = l;
	return 0;
}
