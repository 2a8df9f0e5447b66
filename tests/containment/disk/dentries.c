/* Names that do not exist, asked for by the million: the kernel remembers each.
 * judge: family=disk invariants=I-33,I-34,I-35 limits=cpuMs:4000,wallMs:9000,memoryBytes:256M verdicts=ok,time_limit,memory_limit done=no repeat=4 slice=no
 */
#define _GNU_SOURCE
#include <sys/stat.h>
#include <unistd.h>

#include "report.h"

int
main(void)
{
	static const char *const where[] = { "/usr/share", "/usr/lib", "/etc/alternatives", "/work", "/usr/bin" };
	char name[256];
	struct stat st;

	for (long i = 0, began = clock_ms(); clock_ms() < began + 2500; i++) {
		snprintf(name, sizeof(name), "%s/%0180ld-%d", where[i % 5], i, getpid());
		stat(name, &st);
	}
	return done();
}
