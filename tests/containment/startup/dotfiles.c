/* Leaves start-up files of every shell, editor, interpreter and tool in its home.
 * judge: family=startup invariants=I-28,I-36 test=leave test=look repeat=3
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report.h"

static const char *const names[] = { ".bashrc", ".bash_profile", ".profile", ".bash_logout", ".inputrc", ".pythonrc", ".python_history", ".pypirc", ".pydistutils.cfg",
	".npmrc", ".node_repl_history", ".gdbinit", ".lldbinit", ".gitconfig", ".vimrc", ".irbrc", ".perldb", ".hotspotrc", ".hotspot_compiler", ".java",
	".config", ".cache", ".local", ".ssh", ".netrc", ".curlrc", ".wgetrc", ".forward", ".pam_environment", ".gemrc", ".rustfmt.toml", "php.ini", ".user.ini",
	"ld.so.preload", "core" };

int
main(int argc, char **argv)
{
	const char *home = getenv("HOME"), *dirs[] = { home ? home : "/work", "/work", "/tmp", "/dev/shm", "/", "/etc" };
	char path[512];

	for (size_t d = 0; d < 6; d++)
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
			snprintf(path, sizeof(path), "%s/%s", dirs[d], names[i]);
			if (argc > 1 && strcmp(argv[1], "look") == 0) {
				if (access(path, F_OK) == 0)
					report(0, "found", "%s", path);
				continue;
			}
			int fd = open(path, O_CREAT | O_WRONLY, 0777);
			if (fd >= 0 && d > 3)
				report(0, "left", "%s", path);
			close(fd);
		}
	report(1, "dotfiles", "");
	return done();
}
