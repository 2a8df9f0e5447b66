/* Page tables: one byte in each of very many pages far apart, in many processes.
 * judge: family=memory invariants=I-33,I-34 verdicts=memory_limit done=no limits=memoryBytes:64M,cpuMs:8000,wallMs:15000
 */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "report.h"

int
main(void)
{
	/* reading maps the shared zero page: the tables alone are charged */
	for (int i = 0; i < 4; i++)
		if (fork() == 0) {
			char *p = mmap(NULL, 64ul << 30, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
			volatile char sink = 0;
			if (p == MAP_FAILED)
				_exit(1);
			madvise(p, 64ul << 30, MADV_NOHUGEPAGE);
			for (size_t at = 0; at < 64ul << 30; at += 2ul << 20)
				sink += p[at];
			pause();
		}
	while (wait(NULL) > 0)
		;
	return done();
}
