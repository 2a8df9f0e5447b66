#include "sandbox/cpus.h"

#include <sched.h>
#include <unistd.h>

/* Where the kernel does not say (it has more of them than fit), all from 0 on. */
static void
ask(cpu_set_t *set)
{
	long online = sysconf(_SC_NPROCESSORS_ONLN);

	CPU_ZERO(set);
	if (sched_getaffinity(0, sizeof(*set), set) == 0)
		return;
	for (long i = 0; i == 0 || (i < online && i < CPU_SETSIZE); i++)
		CPU_SET(i, set);
}

unsigned
cpus_count(void)
{
	cpu_set_t set;

	ask(&set);
	return (unsigned)CPU_COUNT(&set);
}

unsigned
cpus_nth(unsigned n)
{
	cpu_set_t set;
	unsigned cpu = 0;

	ask(&set);
	for (n %= (unsigned)CPU_COUNT(&set); !CPU_ISSET(cpu, &set) || n-- > 0;)
		cpu++;
	return cpu;
}
