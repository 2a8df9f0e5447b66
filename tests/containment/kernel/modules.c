/* Loads modules and kernels, opens ports, reboots, sets clocks.
 * judge: family=kernel invariants=I-25 causes=N verdicts=security_violation
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/io.h>
#include <sys/klog.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <unistd.h>

#include "report.h"

int
main(void)
{
	static char image[4096] = "\177ELF";
	struct timex tx = { .modes = ADJ_OFFSET };
	struct timeval tv = { 1, 0 };
	struct timespec ts = { 1, 0 };

	refused("init_module", syscall(SYS_init_module, image, sizeof(image), ""));
	refused("finit_module", syscall(SYS_finit_module, open("/usr/bin/env", O_RDONLY), "", 0));
	refused("delete_module", syscall(SYS_delete_module, "ext4", 0));
	refused("kexec", syscall(SYS_kexec_load, 0, 0, NULL, 0));
	refused("kexec_file", syscall(SYS_kexec_file_load, 0, 0, 0, NULL, 0));
	refused("reboot", reboot(RB_DISABLE_CAD));
	refused("iopl", iopl(3));
	refused("ioperm", ioperm(0x80, 1, 1));
	refused("syslog", klogctl(10, NULL, 0));
	refused("syslog-read", klogctl(3, image, 100));
	refused("settimeofday", settimeofday(&tv, NULL));
	refused("clock_settime", clock_settime(CLOCK_REALTIME, &ts));
	refused("adjtimex", adjtimex(&tx));
	refused("clock_adjtime", clock_adjtime(CLOCK_REALTIME, &tx));
	refused("modify_ldt", syscall(SYS_modify_ldt, 1, image, 16));
	refused("vhangup", vhangup());
	refused("sethostname", sethostname("x", 1));
	refused("setdomainname", setdomainname("x", 1));
	return done();
}
