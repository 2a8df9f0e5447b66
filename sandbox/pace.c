#include "sandbox/pace.h"

/* Before anything of a language was measured. */
#define TEST_START_US    50000
#define COMPILE_START_US 500000

#define WEIGHT      16     /* one run counts for a sixteenth */
#define FIRST_CLASS 250000 /* µs; each is twice the one before */

static unsigned
class_of(uint64_t limit_us)
{
	unsigned c = 0;

	for (uint64_t most = FIRST_CLASS; c < PACE_CLASSES - 1 && limit_us > most;
	     most *= 2)
		c++;
	return c;
}

/* Never 0 again: that says "unknown". */
static void
learn(uint64_t *usual, uint64_t took_us)
{
	*usual =
	    *usual == 0 ? took_us + 1 : (*usual * (WEIGHT - 1) + took_us) / WEIGHT + 1;
}

uint64_t
pace_compile(const struct pace *p)
{
	return p->compile_us != 0 ? p->compile_us : COMPILE_START_US;
}

uint64_t
pace_test(const struct pace *p, uint64_t limit_us)
{
	uint64_t us = limit_us > 0 ? p->class_us[class_of(limit_us)] : 0;

	if (us == 0)
		us = p->test_us != 0 ? p->test_us : TEST_START_US;
	return us;
}

void
pace_learn_compile(struct pace *p, uint64_t took_us)
{
	learn(&p->compile_us, took_us);
}

void
pace_learn_test(struct pace *p, uint64_t limit_us, uint64_t took_us)
{
	learn(&p->test_us, took_us);
	learn(&p->class_us[class_of(limit_us)], took_us);
}
