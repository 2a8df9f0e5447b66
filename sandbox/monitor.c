#include "sandbox/monitor.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECOND_US 1000000
#define SAMPLE_US (SECOND_US / MONITOR_SAMPLES)
#define COUNT_US  5000 /* who ran for less cannot have called too often */

static const char *const action_names[] = {
	[MONITOR_OFF] = "off",
	[MONITOR_RECORD] = "record",
	[MONITOR_KILL] = "kill",
};

int
monitor_action_of(const char *name)
{
	for (int i = 0; i < (int)(sizeof(action_names) / sizeof(action_names[0])); i++)
		if (strcmp(action_names[i], name) == 0)
			return i;
	return -1;
}

void
monitor_open(struct monitor *m, const struct monitor_rules *rules, int proc)
{
	*m = (struct monitor){ .rules = *rules, .io = -1 };
	if (rules->action != MONITOR_OFF)
		m->io = openat(proc, "self/io", O_RDONLY | O_CLOEXEC);
}

void
monitor_start(struct monitor *m, uint64_t now_us)
{
	m->start_us = now_us;
	m->next_us = m->rules.action == MONITOR_OFF ? UINT64_MAX : now_us + SAMPLE_US;
	m->sample[0] = 0;
	m->samples = 1;
	m->highest = m->growth = 0;
	m->counting = false;
}

static uint64_t
a_second_ago(const struct monitor *m)
{
	return m->sample[m->samples < MONITOR_SAMPLES ? 0 : m->samples % MONITOR_SAMPLES];
}

bool
monitor_sample(struct monitor *m, uint64_t now_us, uint64_t memory)
{
	uint64_t before = a_second_ago(m);

	m->next_us = now_us + SAMPLE_US;
	m->sample[m->samples++ % MONITOR_SAMPLES] = memory;
	if (memory > m->highest)
		m->highest = memory;
	if (memory > before && memory - before > m->growth)
		m->growth = memory - before;
	return m->rules.action == MONITOR_KILL && m->growth > m->rules.memory_per_s;
}

/* Calls that read and that wrote, of this process and all it has reaped. */
static bool
read_calls(const struct monitor *m, uint64_t *calls)
{
	char text[512];
	ssize_t n = m->io == -1 ? -1 : pread(m->io, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	const char *r = strstr(text, "syscr: "), *w = strstr(text, "syscw: ");
	if (r == NULL || w == NULL)
		return false;
	*calls = strtoull(r + 7, NULL, 10) + strtoull(w + 7, NULL, 10);
	return true;
}

void
monitor_before_reaping(struct monitor *m, uint64_t now_us)
{
	if (m->rules.action != MONITOR_OFF && now_us - m->start_us >= COUNT_US)
		m->counting = read_calls(m, &m->calls0);
}

static uint64_t
call_rate(const struct monitor *m, uint64_t us, uint64_t waits)
{
	uint64_t calls = 0;

	if (!m->counting || !read_calls(m, &calls))
		return 0;
	calls -= m->calls0;
	calls = calls > waits ? calls : waits;
	/* in the first second, the burst of an honest program is one */
	return us > SECOND_US ? (uint64_t)((double)calls * SECOND_US / (double)us)
			      : calls;
}

void
monitor_stop(struct monitor *m, uint64_t waits, uint64_t peak, struct wire_outcome *o)
{
	static const struct {
		uint32_t bit;
		int32_t violation;
	} kinds[] = {
		{ WIRE_NOTICED_SYSCALLS, WIRE_VIOLATION_SYSCALLS },
		{ WIRE_NOTICED_MEMORY, WIRE_VIOLATION_MEMORY },
	};

	if (m->rules.action == MONITOR_OFF)
		return;
	uint64_t rate = call_rate(m, o->wall_us, waits);
	/* reached since the last look, or before any */
	if (peak > m->highest && peak - a_second_ago(m) > m->growth)
		m->growth = peak - a_second_ago(m);
	o->syscalls_per_s = rate;
	o->growth_per_s = m->growth;
	o->noticed =
	    (rate > m->rules.syscalls_per_s ? (uint32_t)WIRE_NOTICED_SYSCALLS : 0) |
	    (m->growth > m->rules.memory_per_s ? (uint32_t)WIRE_NOTICED_MEMORY : 0);
	for (unsigned i = 0; i < 2 && m->rules.action == MONITOR_KILL; i++)
		if ((o->noticed & kinds[i].bit) != 0 && o->violation == -1)
			o->violation = kinds[i].violation;
}
