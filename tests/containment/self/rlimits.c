/* Resource limits are as asked and cannot be raised: rlimits FILES FSIZE STACK PROCESSES.
 * judge: family=self invariants=I-24,I-10 test="100 3145728 5242880 33"
 * judge: limits=openFiles:100,fileBytes:3145728,stackBytes:5242880,processes:33
 */
#define _GNU_SOURCE
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "report.h"

static void
exactly(const char *name, int which, rlim_t want)
{
	struct rlimit r;

	syscall(SYS_getrlimit, which, &r);
	report(r.rlim_cur == want && r.rlim_max == want, name, "%lu, hard %lu, want %lu", (unsigned long)r.rlim_cur,
	    (unsigned long)r.rlim_max, (unsigned long)want);
	r.rlim_cur = r.rlim_max = want + 1;
	refused(name, setrlimit(which, &r));
	r.rlim_cur = r.rlim_max = RLIM_INFINITY;
	refused(name, setrlimit(which, &r));
}

int
main(int argc, char **argv)
{
	if (argc != 5)
		return 2;
	/* with 0 the kernel starts a program of the host where core_pattern is a pipe */
	struct rlimit none = { 0, 0 };
	exactly("core", RLIMIT_CORE, 1);
	refused("core", setrlimit(RLIMIT_CORE, &none));
	refused("core", syscall(SYS_setrlimit, RLIMIT_CORE, &none));
	refused("core", syscall(SYS_prlimit64, (7ul << 32) | getpid(), RLIMIT_CORE, &none, NULL));
	refused("core", syscall(SYS_prlimit64, 7ul << 32, (7ul << 32) | RLIMIT_CORE, &none, NULL));
	exactly("nofile", RLIMIT_NOFILE, (rlim_t)atol(argv[1]));
	exactly("fsize", RLIMIT_FSIZE, (rlim_t)atol(argv[2]));
	exactly("stack", RLIMIT_STACK, (rlim_t)atol(argv[3]));
	/* the group has it, too; this one refuses before anything is made (forkbomb.py) */
	exactly("nproc", RLIMIT_NPROC, (rlim_t)atol(argv[4]));
	exactly("memlock", RLIMIT_MEMLOCK, 0);
	exactly("msgqueue", RLIMIT_MSGQUEUE, 0);
	exactly("nice", RLIMIT_NICE, 0);
	exactly("rtprio", RLIMIT_RTPRIO, 0);
	return done();
}
