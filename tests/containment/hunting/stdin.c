/* Reads its input beyond its end, around it and again: nothing but its own test's.
 * judge: family=hunting invariants=I-23,I-36 input="7 lines\n" expected=@secret verdicts=wrong_answer repeat=4
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report.h"

int
main(void)
{
	char b[65536];
	struct stat st;

	fstat(0, &st);
	report(st.st_size == 8, "size", "%ld bytes", (long)st.st_size);
	report(pread(0, b, sizeof(b), 0) == 8 && pread(0, b, sizeof(b), 8) == 0, "read", "finds more");
	for (off_t at = 9; at < 1l << 40; at *= 3)
		report(pread(0, b, sizeof(b), at) == 0, "beyond", "has something at %ld", (long)at);
	refused("before", pread(0, b, sizeof(b), -4096));
	char *p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 0, 0);
	if (p != MAP_FAILED)
		for (int i = 8; i < 4096; i++)
			if (p[i] != 0) {
				report(0, "map", "byte %d is %d", i, p[i]);
				break;
			}
	refused("grow", ftruncate(0, 1 << 20));
	refused("punch", fallocate(0, 3, 0, 8));
	report(lseek(0, 0, SEEK_END) == 8, "end", "is elsewhere");
	return done();
}
