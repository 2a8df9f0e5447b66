/* A child is killed for want of memory and the parent says that all is well.
 * judge: family=memory invariants=I-32,I-33 verdicts=memory_limit done=no limits=memoryBytes:48M,cpuMs:5000,wallMs:10000 expected=well
 */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "report.h"

int
main(void)
{
	int st;

	if (fork() == 0)
		for (;;) {
			char *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
			if (p != MAP_FAILED)
				memset(p, 1, 1 << 20);
		}
	wait(&st);
	puts("well");
	return 0;
}
