#include "sandbox/pace.h"

/* Before anything of a language was measured, or when all of that is forgotten. */
#define TEST_START_US    50000
#define COMPILE_START_US 500000

#define RUN         256        /* the weight of one run; with less, nothing is known */
#define WEIGHT_MAX  (15 * RUN) /* a new run counts for a sixteenth, at least */
#define FIRST_CLASS 250000     /* µs; each is twice the one before */

static unsigned
class_of(uint64_t limit_us)
{
	unsigned c = 0;

	for (uint64_t most = FIRST_CLASS; c < PACE_CLASSES - 1 && limit_us > most;
	     most *= 2)
		c++;
	return c;
}

static struct pace_mean
aged(const struct pace_mean *m, uint64_t now_us)
{
	uint64_t halves = (now_us - m->at_us) / PACE_HALF_US;

	return (struct pace_mean){ .us = m->us,
		.at_us = m->at_us + halves * PACE_HALF_US,
		.weight = halves < 64 ? m->weight >> halves : 0 };
}

static void
learn(struct pace_mean *mean, uint64_t took_us, uint64_t now_us)
{
	struct pace_mean m = aged(mean, now_us);

	m.us = (m.us * m.weight + took_us * RUN) / (m.weight + RUN);
	m.weight = m.weight < WEIGHT_MAX - RUN ? m.weight + RUN : WEIGHT_MAX;
	*mean = m;
}

static uint64_t
usual(const struct pace_mean *mean, uint64_t otherwise_us, uint64_t now_us)
{
	struct pace_mean m = aged(mean, now_us);

	return m.weight >= RUN ? m.us + 1 : otherwise_us; /* nothing takes no time */
}

uint64_t
pace_compile(const struct pace *p, uint64_t now_us)
{
	return usual(&p->compile, COMPILE_START_US, now_us);
}

uint64_t
pace_test(const struct pace *p, uint64_t limit_us, uint64_t now_us)
{
	uint64_t any_us = usual(&p->test, TEST_START_US, now_us);

	return limit_us > 0 ? usual(&p->class[class_of(limit_us)], any_us, now_us)
			    : any_us;
}

void
pace_learn_compile(struct pace *p, uint64_t took_us, uint64_t now_us)
{
	learn(&p->compile, took_us, now_us);
}

void
pace_learn_test(struct pace *p, uint64_t limit_us, uint64_t took_us, uint64_t now_us)
{
	learn(&p->test, took_us, now_us);
	learn(&p->class[class_of(limit_us)], took_us, now_us);
}
