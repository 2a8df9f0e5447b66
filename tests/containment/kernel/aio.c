/* Asynchronous I/O, timers on descriptors, message to processes: kernel work on credit.
 * judge: family=kernel invariants=I-25,I-29
 */
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <unistd.h>

#include "report.h"

int
main(void)
{
	static unsigned long ctx;
	static char buf[4096];

	refused("io_setup", syscall(SYS_io_setup, 65536, &ctx));
	refused("io_submit", syscall(SYS_io_submit, ctx, 1, buf));
	refused("io_getevents", syscall(SYS_io_getevents, ctx, 1, 1, buf, NULL));
	refused("signalfd", syscall(SYS_signalfd4, -1, buf, 8, 0));
	refused("preadv2", syscall(SYS_preadv2, 0, buf, 1, 0, 0, 0));
	refused("futex_waitv", syscall(449, buf, 1, 0, NULL, 0));
	refused("rseq-slice", syscall(471, 0));
	refused("membarrier-query", syscall(SYS_membarrier, 1 << 30, 0, 0));
	refused("landlock", syscall(444, NULL, 0, 1));
	refused("lsm", syscall(459, 0, buf, buf, 0));
	refused("map_shadow_stack", syscall(453, 0, 4096, 0));
	refused("set_mempolicy", syscall(SYS_set_mempolicy, 1, NULL, 0));
	refused("ioprio", syscall(SYS_ioprio_set, 1, 0, 1 << 13));
	refused("sched_setattr", syscall(SYS_sched_setattr, 0, buf, 0));
	refused("affinity", syscall(SYS_sched_setaffinity, 0, 128, buf));
	refused("nice", syscall(SYS_setpriority, 2, 0, -1));
	return done();
}
