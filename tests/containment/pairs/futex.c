/* Two at a time: one sleeps on a word of a shared file's page, the other wakes it.  The kernel
 * finds both by the file, and nobody's pthread_join would work without: stated, not closed.
 * judge: family=pairs slice=no invariants=I-36 causes=F pair=beside limits=wallMs:8000,cpuMs:5000
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "report.h"

int
main(int argc, char **argv)
{
	long began = clock_ms(), woken = 0;
	int fd = open("/usr/bin/env", O_RDONLY), a = argc > 1 && argv[1][0] == 'a';
	unsigned *word = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	struct timespec t = { 0, 20000000 };

	while (clock_ms() < began + 800) {
		if (a)
			woken += syscall(SYS_futex, word, FUTEX_WAIT, *word, &t, NULL, 0) == 0;
		else {
			woken += syscall(SYS_futex, word, FUTEX_WAKE, 10, NULL, NULL, 0) > 0;
			usleep(1000);
		}
	}
	if (woken > 0)
		puts("STATED futex-on-shared-file: two programs that run at once can signal each other");
	report(1, "futex", "");
	span(began);
	return done();
}
