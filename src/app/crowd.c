#include "app/crowd.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"

#define IDLE_FEW  3 /* with fewer at hand the next ones are started */
#define IDLE_KEPT 5 /* that many stay, however long they have nothing to do */
#define STEP      5 /* one more for so many that wait */
/* At once, of each slot's: who starts takes a millisecond of a processor from those who
 * have a request in hand, and the next ones are asked for when these are taken. */
#define AT_ONCE   3
#define SLOTS_FEW 2

enum { FREE, IDLE, BUSY };

struct crowd {
	int bell[2];
	atomic_bool listening;
	atomic_uint used; /* places from there on were never used */
	atomic_uchar state[CROWD_PLACES];
	_Atomic uint64_t since_us[CROWD_PLACES];
};

/* The signal comes from the kernel, so a worker needs no right to send one. */
static int
hang_bell(struct crowd *c, struct err *e)
{
	if (pipe2(c->bell, O_CLOEXEC | O_NONBLOCK) == -1)
		return err_sys(e, "pipe2");
	if (fcntl(c->bell[0], F_SETOWN, getpid()) == -1 ||
	    fcntl(c->bell[0], F_SETSIG, CROWD_BELL) == -1 ||
	    fcntl(c->bell[0], F_SETFL, O_NONBLOCK | O_ASYNC) == -1)
		return err_sys(e, "fcntl O_ASYNC");
	return 0;
}

int
crowd_open(struct crowd **out, struct err *e)
{
	struct crowd *c = mmap(
	    NULL, sizeof(*c), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (c == MAP_FAILED)
		return err_sys(e, "mmap");
	if (hang_bell(c, e) == -1) {
		munmap(c, sizeof(*c));
		return -1;
	}
	*out = c;
	return 0;
}

/* --- a worker --- */

static bool
has_few(const struct crowd *c)
{
	unsigned idle = 0, used = atomic_load(&c->used);

	for (unsigned i = 0; i < used && idle < IDLE_FEW; i++)
		idle += atomic_load_explicit(&c->state[i], memory_order_relaxed) == IDLE;
	return idle < IDLE_FEW;
}

void
crowd_busy(struct crowd *c, unsigned place, bool busy)
{
	bool yes = true;

	if (place >= CROWD_PLACES)
		return;
	atomic_store(&c->since_us[place], clock_us());
	atomic_store(&c->state[place], busy ? BUSY : IDLE);
	if (busy && atomic_load(&c->listening) && has_few(c) &&
	    atomic_compare_exchange_strong(&c->listening, &yes, false) &&
	    write(c->bell[1], "!", 1) == -1)
		return; /* a bell that is full has been heard */
}

/* --- the master --- */

unsigned
crowd_enter(struct crowd *c, uint64_t now)
{
	for (unsigned i = 0; i < CROWD_PLACES; i++) {
		if (atomic_load(&c->state[i]) != FREE)
			continue;
		atomic_store(&c->since_us[i], now);
		atomic_store(&c->state[i], IDLE);
		if (i >= atomic_load(&c->used))
			atomic_store(&c->used, i + 1);
		return i;
	}
	return CROWD_NOWHERE;
}

void
crowd_leave(struct crowd *c, unsigned place)
{
	if (place < CROWD_PLACES)
		atomic_store(&c->state[place], FREE);
}

uint64_t
crowd_idle_since(const struct crowd *c, unsigned place)
{
	if (place >= CROWD_PLACES || atomic_load(&c->state[place]) != IDLE)
		return UINT64_MAX;
	return atomic_load(&c->since_us[place]);
}

void
crowd_listen(struct crowd *c, bool yes)
{
	char rung[64];

	while (read(c->bell[0], rung, sizeof(rung)) > 0)
		;
	atomic_store(&c->listening, yes);
}

/* --- the policy --- */

unsigned
crowd_more(const struct crowd_bounds *b, unsigned have, unsigned idle)
{
	unsigned busy = have - idle, waiting = busy > b->slots ? busy - b->slots : 0;
	unsigned more = (waiting + STEP - 1) / STEP;

	if (have < b->least)
		return b->least - have;
	if (idle >= IDLE_FEW || have >= b->most)
		return 0;
	unsigned at_once = AT_ONCE * (b->slots > SLOTS_FEW ? b->slots : SLOTS_FEW);
	if (more == 0)
		more = 1;
	if (more > at_once)
		more = at_once;
	return more < b->most - have ? more : b->most - have;
}

bool
crowd_has_spare(const struct crowd_bounds *b, unsigned have, unsigned idle)
{
	return have > b->least && idle > IDLE_KEPT;
}
