/* Memory that a run used and gave back, or that only its child had, still counts for it.
 * judge: family=memory invariants=I-33,I-32 verdicts=memory_limit done=no limits=memoryBytes:32M,cpuMs:5000,wallMs:10000 test=given-back test=child test=exec
 */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "report.h"

static void
use(void)
{
	size_t n = 60 << 20;
	char *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	memset(p, 1, n);
	munmap(p, n);
}

int
main(int argc, char **argv)
{
	int st = 0;

	if (argc > 1 && strcmp(argv[1], "child") == 0) {
		if (fork() == 0) {
			use();
			_exit(0);
		}
		wait(&st);
	} else
		use();
	if (argc > 1 && strcmp(argv[1], "exec") == 0)
		execl("/usr/bin/true", "true", NULL);
	return done();
}
