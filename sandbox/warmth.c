#include "sandbox/warmth.h"

#include <stdlib.h>

#define USERS    1024
#define PROBES   8 /* places where a user may be kept; the one unseen longest gives way */
#define HABITS   4 /* languages kept of a user */
#define HALF_US  (60ULL * 1000000) /* after that long a job counts half, overall */
#define KEEP     0.75f             /* of a habit, at each further job */
#define OF_USERS 0.75              /* what users are known to do counts, of the whole */

struct habit {
	unsigned language;
	float weight;
};

struct user {
	uint64_t id, seen_us; /* id 0: free */
	struct habit habit[HABITS];
};

struct overall {
	uint64_t seen_us; /* 0: never */
	double weight;    /* as of seen_us */
};

struct warmth {
	unsigned languages;
	struct user user[USERS];
	struct overall overall[];
};

struct warmth *
warmth_new(unsigned languages, struct err *e)
{
	struct warmth *w = calloc(1, sizeof(*w) + languages * sizeof(w->overall[0]));

	if (w == NULL)
		err_sys(e, "calloc");
	else
		w->languages = languages;
	return w;
}

void
warmth_free(struct warmth *w)
{
	free(w);
}

/* --- users --- */

static struct user *
place_of(struct warmth *w, uint64_t id)
{
	struct user *oldest = NULL;
	uint64_t at = id * 0x9e3779b97f4a7c15ULL >> 32;

	for (unsigned i = 0; i < PROBES; i++) {
		struct user *u = &w->user[(at + i) % USERS];

		if (u->id == id)
			return u;
		if (oldest == NULL || u->seen_us < oldest->seen_us)
			oldest = u;
	}
	*oldest = (struct user){ .id = id };
	return oldest;
}

static void
strengthen(struct user *u, unsigned language)
{
	struct habit *mine = NULL, *weakest = &u->habit[0];

	for (unsigned i = 0; i < HABITS; i++) {
		struct habit *h = &u->habit[i];

		h->weight *= KEEP;
		if (h->weight > 0 && h->language == language)
			mine = h;
		if (h->weight < weakest->weight)
			weakest = h;
	}
	if (mine == NULL) {
		mine = weakest;
		*mine = (struct habit){ .language = language };
	}
	mine->weight += 1 - KEEP;
}

/* Of what this user sends, the share in a language. */
static double
habit_of(const struct user *u, unsigned language)
{
	double all = 0, mine = 0;

	for (unsigned i = 0; i < HABITS; i++) {
		all += (double)u->habit[i].weight;
		if (u->habit[i].language == language)
			mine += (double)u->habit[i].weight;
	}
	return all > 0 ? mine / all : 0;
}

/* --- all --- */

/* Half of it after HALF_US, in steps of a straight line between halves. */
static double
fade(double weight, uint64_t us)
{
	for (; us >= HALF_US && weight > 1e-9; us -= HALF_US)
		weight /= 2;
	return us >= HALF_US ? 0 : weight * (1 - (double)us / (double)HALF_US / 2);
}

void
warmth_saw(struct warmth *w, unsigned language, uint64_t user, uint64_t now_us)
{
	if (language >= w->languages)
		return;
	struct overall *o = &w->overall[language];
	o->weight = fade(o->weight, now_us - o->seen_us) + 1;
	o->seen_us = now_us;
	if (user == 0)
		return;
	struct user *u = place_of(w, user);
	u->seen_us = now_us;
	strengthen(u, language);
}

static bool
is_recent(uint64_t seen_us, uint64_t now_us)
{
	return seen_us > 0 && now_us - seen_us < WARMTH_IDLE_US;
}

static double
share_overall(const struct warmth *w, unsigned language, uint64_t now_us)
{
	double all = 0, mine = 0;

	for (unsigned i = 0; i < w->languages; i++) {
		const struct overall *o = &w->overall[i];
		double v = is_recent(o->seen_us, now_us)
			       ? fade(o->weight, now_us - o->seen_us)
			       : 0;

		all += v;
		if (i == language)
			mine = v;
	}
	return all > 0 ? mine / all : 0;
}

/* Of the users who are around, each counts as one; -1: nobody known is. */
static double
share_of_users(const struct warmth *w, unsigned language, uint64_t now_us)
{
	double mine = 0;
	unsigned n = 0;

	for (unsigned i = 0; i < USERS; i++) {
		const struct user *u = &w->user[i];

		if (u->id == 0 || !is_recent(u->seen_us, now_us))
			continue;
		mine += habit_of(u, language);
		n++;
	}
	return n > 0 ? mine / n : -1;
}

double
warmth_confidence(const struct warmth *w, unsigned language, uint64_t now_us)
{
	if (language >= w->languages)
		return 0;
	double overall = share_overall(w, language, now_us);
	double users = share_of_users(w, language, now_us);

	return users < 0 ? overall : (1 - OF_USERS) * overall + OF_USERS * users;
}

unsigned
warmth_wanted(const struct warmth *w, unsigned language, unsigned most, uint64_t now_us)
{
	if (language >= w->languages || most == 0)
		return 0;
	if (warmth_confidence(w, language, now_us) > WARMTH_CONFIDENT)
		return most;
	return is_recent(w->overall[language].seen_us, now_us) ? (most + 1) / 2 : 0;
}
