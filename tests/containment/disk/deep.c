/* A tree that nobody can delete: thousands deep, without permissions, names of 255 bytes.
 * judge: family=disk invariants=I-31,I-34 causes=A limits=cpuMs:5000,wallMs:10000 repeat=3
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report.h"

int
main(void)
{
	char name[256];
	int depth = 0;

	memset(name, 'd', 255);
	name[255] = '\0';
	while (depth < 2000 && mkdir(name, 0700) == 0 && chdir(name) == 0)
		depth++;
	report(depth > 100, "depth", "only %d", depth);
	for (int i = 0; i < 50; i++) {
		close(open("keep", O_CREAT | O_WRONLY, 0));
		symlink("/", "root");
		chmod(".", 0);
		if (chdir("..") == -1)
			break;
	}
	chdir("/work");
	mkdir("locked", 0700);
	close(open("locked/in", O_CREAT | O_WRONLY, 0));
	chmod("locked", 0);
	return done();
}
