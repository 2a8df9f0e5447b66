/* Learns about the host: load, users, uptime, names, versions, hardware, disks.
 * judge: family=kernel invariants=I-27,I-42 test=@hostname
 */
#define _GNU_SOURCE
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "report.h"

int
main(int argc, char **argv)
{
	struct utsname u;
	struct sysinfo si;
	double load[3];
	static const char *const files[] = { "/proc/meminfo", "/proc/cpuinfo", "/proc/loadavg", "/proc/version", "/proc/cmdline", "/proc/modules",
		"/proc/kallsyms", "/proc/interrupts", "/sys/class/net", "/sys/devices/system/cpu/online", "/etc/machine-id", "/etc/hostname", "/etc/resolv.conf",
		"/var/lib/dpkg/status", "/etc/fstab", "/etc/mtab", "/boot", "/etc/debian_version", "/var/log/wtmp", "/run/utmp" };

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		refused(files[i], access(files[i], F_OK));
	uname(&u);
	report(argc < 2 || strcmp(u.nodename, argv[1]) != 0, "nodename", "%s", u.nodename);
	refused("sysinfo", sysinfo(&si));
	refused("getloadavg", getloadavg(load, 3));
	refused("sysfs", syscall(SYS_sysfs, 3));
	refused("lookup_dcookie", syscall(SYS_lookup_dcookie, 1, load, 8));
	refused("ustat", syscall(SYS_ustat, 0, load));
	char name[256] = "";
	report(gethostname(name, sizeof(name)) == 0 && (argc < 2 || strcmp(name, argv[1]) != 0), "hostname", "%s", name);
	struct statvfs v;
	if (statvfs("/usr", &v) == 0)
		printf("STATED disk-of-host /usr has %lu free blocks\n", (unsigned long)v.f_bfree);
	struct timespec t;
	clock_gettime(CLOCK_BOOTTIME, &t);
	printf("STATED uptime-of-host %ld s\n", (long)t.tv_sec);
	return done();
}
