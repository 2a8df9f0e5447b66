/* Takes anonymous memory without end: one process, children, shared, all touched.
 * judge: family=memory invariants=I-33,I-34 verdicts=memory_limit done=no limits=memoryBytes:64M,cpuMs:5000,wallMs:10000 test=private test=shared test=children test=stack test=mremap
 */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "report.h"

static void
fill(int flags)
{
	for (;;) {
		char *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
		if (p != MAP_FAILED)
			memset(p, 1, 1 << 20);
	}
}

static void *
thread(void *arg)
{
	return arg;
}

int
main(int argc, char **argv)
{
	const char *m = argc > 1 ? argv[1] : "";

	if (strcmp(m, "private") == 0)
		fill(MAP_PRIVATE);
	else if (strcmp(m, "shared") == 0)
		fill(MAP_SHARED);
	else if (strcmp(m, "children") == 0) {
		for (int i = 0; i < 20; i++)
			if (fork() == 0)
				fill(MAP_PRIVATE);
		while (wait(NULL) > 0)
			;
	} else if (strcmp(m, "stack") == 0) {
		for (size_t n = 1 << 20;; n += 1 << 20) {
			char *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN, -1, 0);
			memset(p, 1, n);
		}
	} else {
		size_t n = 1 << 20;
		char *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		for (;;) {
			p = mremap(p, n, n + (1 << 20), MREMAP_MAYMOVE);
			memset(p + n, 1, 1 << 20);
			n += 1 << 20;
		}
	}
	thread(NULL);
	return done();
}
