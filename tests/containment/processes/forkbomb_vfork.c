/* A bomb of vfork: parents asleep in the kernel while their children hold their memory.
 * judge: family=processes slice=no invariants=I-29,I-34,I-04 verdicts=time_limit,runtime_error,ok done=no limits=cpuMs:1500,wallMs:2500
 */
#define _GNU_SOURCE
#include <unistd.h>

static void
deeper(void)
{
	if (vfork() == 0)
		deeper();
	for (;;)
		;
}

int
main(void)
{
	deeper();
	return 0;
}
