/* Enters a namespace through any descriptor it can have.
 * judge: family=namespaces invariants=I-25,I-23 causes=I verdicts=security_violation require=setns
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "report.h"

int
main(void)
{
	refused("pidfd", syscall(434, 1, 0));
	refused("pidfd-self", syscall(434, getpid(), 0));
	for (int fd = 0; fd < 8; fd++)
		refused("setns", setns(fd, 0));
	refused("setns-dir", setns(open("/usr", O_RDONLY), CLONE_NEWNS));
	refused("ns-ioctl", syscall(SYS_ioctl, 0, 0xb701, 0));
	refused("ns-file", open("/proc/self/ns/user", O_RDONLY));
	refused("ns-file", open("/proc/1/ns/mnt", O_RDONLY));
	return done();
}
