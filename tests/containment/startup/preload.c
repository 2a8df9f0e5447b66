/* Preloads: the loader's files, its variables, libraries in the places it looks first.
 * judge: family=startup invariants=I-28,I-08 test=leave test=look repeat=2
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report.h"

extern char **environ;

int
main(void)
{
	static const char *const places[] = { "/etc/ld.so.preload", "/etc/ld.so.conf", "/etc/ld.so.cache", "/lib/x86_64-linux-gnu/evil.so", "/usr/lib/libc.so.6",
		"/usr/local/lib/libevil.so", "/usr/lib/locale/evil", "/usr/lib/x86_64-linux-gnu/gconv/gconv-modules.d/evil.conf", "/etc/environment", "/etc/profile" };

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		refused(places[i], open(places[i], O_CREAT | O_WRONLY, 0644));
		refused("rename", rename("/work/x", places[i]));
	}
	for (char **v = environ; *v; v++)
		report(strncmp(*v, "LD_", 3) != 0 && strncmp(*v, "GCONV", 5) != 0 && strncmp(*v, "MALLOC_", 7) != 0 && strncmp(*v, "GLIBC_", 6) != 0, "environ", "%s", *v);
	refused("preload", access("/etc/ld.so.preload", F_OK));
	refused("local", open("/usr/local/lib", O_TMPFILE | O_WRONLY, 0600));
	return done();
}
