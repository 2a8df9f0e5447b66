/* Reads all of its own memory for what the launcher or an earlier box left there.
 * judge: family=hunting invariants=I-36,I-42,I-19 verdicts=ok,wrong_answer test=@terces expected=@secret beside=none repeat=3 limits=cpuMs:5000,wallMs:10000
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "report.h"

static char needle[64];

static int
probe(const char *at)
{
	static int fd[2] = { -1, -1 };
	char c;

	if (fd[0] == -1 && pipe(fd) == -1)
		return 0;
	if (write(fd[1], at, 1) != 1)
		return 0;
	return read(fd[0], &c, 1) == 1;
}

static void
search(const char *from, const char *to, const char *where)
{
	size_t n = strlen(needle);

	for (const char *p = from; p < to; p += 4096)
		if (probe(p))
			for (const char *q = p; q < p + 4096 - n; q++)
				if (q[0] == needle[0] && q[1] == needle[1] && memcmp(q, needle, n) == 0 && q != needle)
					report(0, where, "has it at %p", (const void *)q);
}

int
main(int argc, char **argv)
{
	size_t n = argc > 1 ? strlen(argv[1]) : 0;

	if (n < 8 || n > 63)
		return done();
	for (size_t i = 0; i < n; i++)
		needle[i] = argv[1][n - 1 - i];
	/* pages that were somebody's must come cleared */
	char *fresh = mmap(NULL, 32 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (size_t i = 0; i < 32 << 20; i += 8)
		if (*(long *)(fresh + i) != 0) {
			report(0, "fresh", "page %zu is not zero", i / 4096);
			break;
		}
	search((char *)((long)&argc & -4096) - (1 << 20), (char *)((long)&argc & -4096) + (1 << 20), "stack");
	search((char *)0x400000, (char *)0x400000 + (4 << 20), "program");
	char *heap = sbrk(0);
	search(heap - (1 << 20), heap + (1 << 20), "heap");
	report(1, "memory", "");
	return done();
}
