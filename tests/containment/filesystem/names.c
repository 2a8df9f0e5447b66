/* Names that break those who walk trees: too long, no UTF-8, control bytes, formats, dashes.
 * judge: family=filesystem invariants=I-31,I-34,I-09 causes=D
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report.h"

int
main(void)
{
	static const char *const names[] = { "-rf", "--", "$(reboot)", "`id`", ";reboot", "%s%n%n%n", "a\nb", "\r", "\x1b[2J",
		"\xff\xfe\xfd", "\xc0\xaf", "*", "?", "'", "\"", "\\", " ", "\t", "core", "main.py", "\xe2\x80\xa8", "...", "con", "~" };
	char longest[300], path[5000] = "";

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		int fd = open(names[i], O_CREAT | O_WRONLY, 0);
		report(fd >= 0 || errno == EEXIST || errno == EACCES, "create", "%s: %s", names[i], strerror(errno));
		close(fd);
	}
	memset(longest, 'a', 299);
	longest[256] = '\0';
	refused("name-256", open(longest, O_CREAT | O_WRONLY, 0600));
	longest[255] = '\0';
	report(open(longest, O_CREAT | O_WRONLY, 0600) >= 0, "name-255", "refused");
	for (int i = 0; i < 4999; i++)
		path[i] = i % 2 ? '/' : '.';
	refused("path-too-long", open(path, O_RDONLY));
	refused("null-path", open(NULL, O_RDONLY));
	refused("wild-path", open((char *)0xdeadbeef000, O_RDONLY));
	refused("kernel-path", open((char *)0xffffffff81000000, O_RDONLY));
	refused("empty", open("", O_RDONLY));
	return done();
}
