/* Random calls with random arguments from many children: the box holds, whatever comes.
 * judge: family=syscalls invariants=I-25,I-29,I-34 verdicts=ok,security_violation,runtime_error,memory_limit,time_limit,output_limit
 * judge: done=no limits=cpuMs:3000,wallMs:5000,memoryBytes:64M test=1 test=2 test=3 test=4 slice=no
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "report.h"

static unsigned long
draw(unsigned long *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return *s;
}

static void
play(unsigned long seed)
{
	char *page = mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	static long here;
	long pool[] = { 0, 1, -1, 2, 3, 4096, (long)page, (long)page + 100, 0x7fffffff, (long)0xffffffff00000000, -100, 1 << 20, 0x80, 65536, (long)&here, 64 };
	int n = sizeof(pool) / sizeof(pool[0]);

	strcpy(page, "/work/f");
	close(1);
	close(2);
	alarm(1);
	for (int i = 0; i < 3000; i++) {
		long nr = (long)(draw(&seed) % 470), a[6];

		if (nr == 60 || nr == 231 || nr == 34 || nr == 101)
			continue;
		for (int k = 0; k < 6; k++)
			a[k] = draw(&seed) % 3 ? pool[draw(&seed) % (unsigned long)n] : (long)draw(&seed) >> (draw(&seed) % 64);
		syscall(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
	}
	_exit(0);
}

int
main(int argc, char **argv)
{
	unsigned long seed = (unsigned long)atol(argv[argc - 1]) * 88172645463325252ul + 1;

	for (int i = 0; i < 40; i++) {
		pid_t p = fork();
		if (p == 0)
			play(seed + (unsigned long)i * 7919);
		if (p > 0)
			waitpid(p, NULL, 0);
	}
	return done();
}
