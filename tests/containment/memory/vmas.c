/* Mappings: as many as there may be, no two alike, in many processes.
 * judge: family=memory invariants=I-33,I-34 verdicts=memory_limit,ok,time_limit done=no limits=memoryBytes:64M,cpuMs:6000,wallMs:12000 slice=no
 */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "report.h"

int
main(void)
{
	for (int i = 0; i < 40; i++)
		if (fork() == 0) {
			for (int n = 0; n < 70000; n++)
				mmap(NULL, 4096, n % 2 ? PROT_READ : PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
			pause();
		}
	while (wait(NULL) > 0)
		;
	return done();
}
