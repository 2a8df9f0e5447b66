/* Swap, quotas, accounting and loop devices: what only an administrator may ask a disk.
 * judge: family=mounts invariants=I-25,I-26 verdicts=security_violation
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "report.h"

int
main(void)
{
	static char buf[4096];

	close(open("/work/swap", O_CREAT | O_WRONLY, 0600));
	refused("swapon", swapon("/work/swap", 0));
	refused("swapoff", swapoff("/work/swap"));
	refused("acct", acct("/work/acct"));
	refused("acct-off", acct(NULL));
	for (int cmd = 0; cmd < 9; cmd++)
		refused("quotactl", syscall(SYS_quotactl, 0x80000000u | ((0x800000u + (unsigned)cmd) << 8), "/dev/vda", 0, buf));
	refused("quotactl_fd", syscall(443, 0, 0x80000100u, 0, buf));
	refused("loop-control", open("/dev/loop-control", O_RDWR));
	refused("mapper", open("/dev/mapper/control", O_RDWR));
	refused("sync", syscall(SYS_syncfs, 0));
	return done();
}
