/* One after the other: changes /work and makes it look as if nobody had been there.
 * judge: family=pairs invariants=I-36,I-28 causes=A pair=after
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report.h"

int
main(int argc, char **argv)
{
	struct stat st;
	struct timespec back[2];

	stat("/work", &st);
	if (argv[argc - 1][0] == 'a') {
		back[0] = st.st_atim;
		back[1] = st.st_mtim;
		close(open("/work/mark", O_CREAT | O_WRONLY, 0600));
		utimensat(AT_FDCWD, "/work", back, 0);
		utimensat(AT_FDCWD, "/work", NULL, 0);
		int fd = open("/work", O_RDONLY);
		futimens(fd, back);
		chmod("/work", 01777);
		rename("/work/mark", "/work/report.h");
		rename("/work/report.h", "/work/mark");
		return done();
	}
	report(access("/work/mark", F_OK) == -1, "mark", "is still there");
	DIR *d = opendir("/work");
	for (struct dirent *en; d && (en = readdir(d)) != NULL;)
		report(en->d_name[0] == '.' || strcmp(en->d_name, "report.h") == 0, "work", "holds %s", en->d_name);
	return done();
}
