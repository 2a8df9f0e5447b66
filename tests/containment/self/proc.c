/* Every way through /proc to itself, its maker and its descriptors: there is none.
 * judge: family=self invariants=I-23,I-26,I-27 causes=H,I
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report.h"

int
main(int argc, char **argv)
{
	static const char *const names[] = { "exe", "mem", "maps", "fd/0", "root", "cwd", "environ", "cmdline", "task", "ns/mnt", "attr/current",
		"oom_score_adj", "coredump_filter", "timers", "uid_map", "sched", "clear_refs", "pagemap", "status", "mountinfo", "map_files" };
	static const char *const whose[] = { "self", "thread-self", "1", "2", "0", "sys/kernel" };
	char path[256], link[256];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		for (size_t k = 0; k < sizeof(whose) / sizeof(whose[0]); k++) {
			snprintf(path, sizeof(path), "/proc/%s/%s", whose[k], names[i]);
			if (open(path, O_RDONLY) >= 0 || open(path, O_WRONLY) >= 0 || readlink(path, link, sizeof(link)) >= 0)
				report(0, "proc", "%s", path);
		}
	for (int fd = 0; fd < 10; fd++) {
		snprintf(path, sizeof(path), "/dev/fd/%d", fd);
		refused("dev-fd", open(path, O_RDWR));
	}
	refused("stdin", open("/dev/stdin", O_RDWR));
	/* the program itself: no name leads to it, and nobody can write it */
	const char *fn = (const char *)getauxval(AT_EXECFN);
	report(fn == NULL || open(fn, O_WRONLY) == -1, "execfn", "%s opens", fn);
	report(argc > 0 && open(argv[0], O_WRONLY) == -1, "argv0", "%s opens", argv[0]);
	return done();
}
